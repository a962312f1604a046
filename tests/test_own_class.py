"""Classes of the user's own: what is found, and what each mistake is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sdr_lab.agents.overrides import Overrides
from sdr_lab.api.app import create_app
from sdr_lab.config import Settings
from sdr_lab.doctor import examine
from sdr_lab.errors import BadInput, NotFound, ProviderError
from sdr_lab.lab import Lab
from sdr_lab.own_class import OWN_CLASS, is_own_class, load_class
from sdr_lab.providers import LLM, STT, TTS, choose, make
from sdr_lab.simulate.rehearsal import AGENT
from tests.importable import importable

SOURCE = '''
from dataclasses import dataclass

from sdr_lab.config import Settings
from sdr_lab.errors import ProviderError
from sdr_lab.records import Agent


@dataclass
class Brain:
    settings: Settings
    agent: Agent
    name: str = "brain"

    async def reply(self, prompt):
        yield f"I am {self.agent.name}."

    async def warm_up(self, prompt):
        """Nothing to load."""


class Forgetful:
    async def reply(self, prompt):
        yield ""


class Nameless(Brain):
    name = ""

    def __init__(self, settings, agent):
        pass


class Closed(Brain):
    def __init__(self, settings, agent):
        raise ProviderError("closed", "come back tomorrow")


class Unready:
    name = "unready"

    async def reply(self, prompt):
        yield ""

    async def warm_up(self, prompt):
        pass


class Returning(Unready):
    async def reply(self, prompt):
        return "all at once"


class Blocking(Unready):
    def reply(self, prompt):
        yield "all at once"


def brain(settings, agent):
    return Brain(settings, agent)
'''


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[str]:
    """The name of a module that holds `SOURCE`."""
    with importable(tmp_path, "own_brain", SOURCE):
        yield "own_brain"


def settings(**values: object) -> Settings:
    return Settings.load(None, {"OLLAMA_HOST": "127.0.0.1:1", **values}, environ={})


def test_a_class_is_made_with_the_settings_and_the_agent(mine: str):
    given = settings()
    made = make(LLM, f"{mine}:Brain", given, AGENT)

    assert made.name == "brain"
    assert (made.settings, made.agent) == (given, AGENT)  # pyright: ignore[reportAttributeAccessIssue]


def test_settings_and_agents_may_name_it(mine: str):
    own = f"{mine}:Brain"

    assert choose(settings(LLM_PROVIDER=own, STT_PROVIDER="a:B", TTS_PROVIDER="c:D"), AGENT) == (
        choose(settings(), replace(AGENT, stt_provider="a:B", llm_provider=own, tts_provider="c:D"))
    )
    assert choose(settings(LLM_PROVIDER=own), AGENT).llm == own


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("no_such_module:Brain", NotFound, "No module named 'no_such_module'; put the folder"),
        ("own_brain.deeper:Brain", NotFound, "can't import own_brain.deeper: .*not a package"),
        ("own_brain:Brian", NotFound, "own_brain has no Brian; it has: Brain, Forgetful, Nameless"),
        ("own_brain:Forgetful", BadInput, "no warm_up; .*reply and warm_up as in sdr_lab/llm/base"),
        ("own_brain:brain", BadInput, "is no class"),
        ("own_brain:Returning", BadInput, "`async def reply` with `yield`"),
        ("own_brain:Blocking", BadInput, "`async def reply` with `yield`"),
        ("own_brain:Unready", BadInput, r"takes no arguments; .* Class\(settings, agent\)"),
        ("own_brain:Nameless", BadInput, "has no name"),
    ],
)
def test_each_mistake_is_told_in_one_line(mine: str, name: str, kind: type[Exception], told: str):
    with pytest.raises(kind, match=told) as caught:
        make(LLM, name, settings(), AGENT)

    assert str(caught.value).startswith(f"llm provider {name!r}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("table", "method"), [(STT, "transcribe"), (TTS, "speak")])
def test_a_class_for_another_step_is_refused(mine: str, table: dict, method: str):
    with pytest.raises(BadInput, match=f"has no {method}"):
        make(table, f"{mine}:Brain", settings(), AGENT)  # pyright: ignore[reportArgumentType]


def test_an_error_of_ours_reaches_the_user_as_it_is(mine: str):
    with pytest.raises(ProviderError, match="closed: come back tomorrow"):
        make(LLM, f"{mine}:Closed", settings(), AGENT)


def test_a_module_that_fails_is_named_with_its_error(tmp_path: Path):
    with importable(tmp_path, "own_broken", "x = 1 / 0\n"), pytest.raises(BadInput) as caught:
        load_class("own_broken:Brain", "llm provider")
    assert str(caught.value) == (
        "llm provider 'own_broken:Brain': can't import own_broken: ZeroDivisionError: division by "
        "zero; correct that module"
    )
    needy = importable(tmp_path, "own_needy", "import no_such_library\n")
    with needy, pytest.raises(NotFound, match="install what own_needy needs"):
        load_class("own_needy:Brain", "llm provider")


def test_a_name_without_a_class_is_refused():
    for name in ("brain", "brain:", ":Brain", ""):
        with pytest.raises(NotFound, match=f"allowed: {OWN_CLASS}"):
            load_class(name, "voice")
    assert is_own_class("a.b:C")
    assert not any(map(is_own_class, ("auto", *STT, *LLM, *TTS)))


def test_doctor_imports_it_and_says_what_is_wrong(mine: str, tmp_path: Path):
    good, bad = f"{mine}:Brain", f"{mine}:Forgetful"
    known = {"SDR_LAB_HOME": tmp_path, "STT_PROVIDER": bad, "AUDIO_FILTERS": "highpass_gate"}
    checks = {c.name: c for c in examine(settings(LLM_PROVIDER=good, **known))}

    assert (checks["LLM_PROVIDER"].state, checks["LLM_PROVIDER"].detail) == ("ok", good)
    assert checks["STT_PROVIDER"].state == "missing"
    assert "has no transcribe" in checks["STT_PROVIDER"].detail
    assert not {"TTS_PROVIDER", "AUDIO_FILTERS"} & set(checks)
    assert checks["whisper"].state in ("ok", "optional")


def test_a_call_from_the_network_names_no_module():
    with pytest.raises(BadInput, match="allowed: a built-in provider; name a class of your own in"):
        Overrides.of({"llm_provider": "os:system"})


def test_over_the_api_only_classes_that_are_named_already(mine: str, tmp_path: Path):
    """A key to the API is no key to import any module of the machine."""
    own, url = f"{mine}:Brain", "/v1/convai/agents"
    lab = Lab(settings(SDR_LAB_HOME=tmp_path))
    lab.agents.save(replace(AGENT, llm_provider=own), author="test")
    client = TestClient(create_app(lab=lab))
    made = {"name": "Ann", "system_prompt": "You help.", "model_provider": own}

    renamed = client.patch(f"{url}/{AGENT.id}", json={"name": "Ben", "model_provider": own})
    refused = client.post(url, json=made)
    moved = client.patch(f"{url}/{AGENT.id}", json={"model_provider": "os:system"})

    assert renamed.status_code == 200, renamed.text
    assert lab.agent(AGENT.id).llm_provider == own
    assert refused.status_code == moved.status_code == 422
    assert f"allowed: auto, ollama, llama_cpp, playbook, {own}" in moved.json()["error"]
    named = settings(SDR_LAB_HOME=tmp_path, LLM_PROVIDER=own)
    taken = TestClient(create_app(named)).post(url, json=made)
    assert taken.status_code == 200, taken.text
