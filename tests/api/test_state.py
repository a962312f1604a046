from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sdr_lab.api.app import create_app
from sdr_lab.api.state import AppState, state_of
from sdr_lab.config import Settings
from sdr_lab.errors import SettingError
from sdr_lab.live.desk import Desk

AGENTS = "/v1/convai/agents"


async def two_desks(state: AppState) -> tuple[Desk, Desk]:
    one, two = await asyncio.gather(state.desk(), state.desk())
    return one, two


def test_one_desk_per_loop_and_one_lab_for_all(settings: Settings):
    state = AppState(settings)

    first, same = asyncio.run(two_desks(state))
    second, _ = asyncio.run(two_desks(state))

    assert first is same
    assert first is not second
    assert first.lab is second.lab is state.lab
    assert first.metrics is second.metrics


def test_a_desk_is_closed_with_its_loop(settings: Settings):
    state = AppState(settings)

    first, _ = asyncio.run(two_desks(state))

    assert not first.switchboard.is_open
    assert len(state._desks) == 0  # nothing of a loop that is gone is kept


def test_without_a_lifespan_no_background_work_is_begun(settings: Settings):
    async def names() -> set[str]:
        await AppState(settings).desk()
        return {task.get_name() for task in asyncio.all_tasks()}

    assert not {"webhooks", "knowledge", "tidy", "warm-up"} & asyncio.run(names())


async def test_a_lifespan_begins_it_and_ends_it(settings: Settings):
    quick = settings.changed("test", TTS_PROVIDER="tone", EMBED_MODEL="hash")
    state = AppState(quick)

    async with state.running() as desk:
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert await state.desk() is desk

    assert {"webhooks", "knowledge", "tidy"} <= names
    left = {task.get_name() for task in asyncio.all_tasks()}
    assert not {"webhooks", "knowledge", "tidy", "warm-up"} & left


def test_records_survive_from_request_to_request(settings: Settings):
    """Each request of such a client has a loop of its own."""
    app = create_app(settings)
    body = {"name": "Bot", "system_prompt": "Sell."}
    made = [TestClient(app).post(AGENTS, json=body).json()["agent_id"] for _ in range(3)]

    listed = TestClient(app).get(AGENTS).json()["agents"]

    assert set(made) <= {agent["agent_id"] for agent in listed}
    assert len(state_of(app)._desks) == 0


def test_settings_are_read_at_the_first_request(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    app = create_app()
    monkeypatch.setenv("SDR_LAB_HOME", str(home))

    assert not list(home.iterdir())
    assert TestClient(app).get(AGENTS).status_code == 200
    assert (home / "sdr_lab.db").is_file()


def test_a_wrong_setting_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORT", "no number")

    with pytest.raises(SettingError, match="PORT"), TestClient(create_app()):
        raise AssertionError("it must not start")
