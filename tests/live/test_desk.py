from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path

from sdr_lab.errors import ProviderError
from sdr_lab.knowledge.base import Search
from sdr_lab.live.desk import Desk
from sdr_lab.records import Agent
from sdr_lab.store.folder import Status
from tests.live.served import HIS, OURS, ScriptedLab, live_settings, scripted_lab


async def test_calls_that_a_crash_left_open_are_closed_at_the_start(home: Path, caplog):
    before = scripted_lab(home)
    row = before.calls.create(before.agent("joe"), HIS, "inbound", agent_number=OURS)
    gone = f"{socket.gethostname()}:{os.getpid()}:an-earlier-start"
    with before.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE conversations SET process = ?", (gone,))
    await before.close()

    with caplog.at_level(logging.WARNING, "sdr_lab"):
        lab = scripted_lab_again(home)
        desk = await Desk.open(lab.settings, lab)
        await desk.close()

    call = lab.calls.get(row.id)
    assert call.status is Status.BROKEN_OFF
    assert call.ended_reason == "server stopped"
    assert row.id in caplog.text
    assert call.analysis  # what follows a call has followed


def scripted_lab_again(home: Path) -> ScriptedLab:
    """Return the same workspace, as another process finds it."""
    return ScriptedLab(live_settings(home))


async def test_a_model_that_is_not_there_does_not_keep_the_desk_closed(home: Path, caplog):
    class Broken(ScriptedLab):
        async def ready_knowledge(self, agent: Agent, say: object) -> Search:
            raise ProviderError("knowledge", "the embedding model is not installed")

    with caplog.at_level(logging.WARNING, "sdr_lab"):
        lab = Broken(live_settings(home))
        desk = await Desk.open(lab.settings, lab)
        await asyncio.sleep(0.2)
        await desk.close()

    assert "warm-up: knowledge: the embedding model is not installed" in caplog.text
