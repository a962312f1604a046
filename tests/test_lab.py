"""The lab: agents, knowledge and whole calls in one workspace, without a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from sdr_lab.agents.agent import dump_agent
from sdr_lab.agents.overrides import Overrides, with_overrides
from sdr_lab.agents.tools import Toolbox
from sdr_lab.call.inbox import SayGoodbye
from sdr_lab.call.parts import Parts
from sdr_lab.call.sentences import spoken_parts
from sdr_lab.call.session import Session
from sdr_lab.config import Settings
from sdr_lab.errors import BadInput, NotFound, ProviderError, SettingError, StorageError
from sdr_lab.events import CallEnded, Event
from sdr_lab.knowledge.base import NoKnowledge, Search
from sdr_lab.lab import CallResult, Lab, fixed_lines
from sdr_lab.llm.cache import CachedModel
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.providers import Chosen
from sdr_lab.records import Agent, WebTool, Words
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.simulate.line import SimulatedLine
from sdr_lab.simulate.rehearsal import AGENT
from sdr_lab.store.folder import Status
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.stt.scripted import ScriptedTranscriber
from sdr_lab.tts.cache import CachedVoice
from sdr_lab.tts.speakable import speakable
from sdr_lab.tts.tone import Tone

OPERATOR = """
id: operator
name: Olive
system_prompt: You answer the phone of {{company}}.
first_message: "Hello, {{company}}, this is {{agent_name}}."
variables:
  company: Elm Street
knowledge: elm
"""
DEFAULT = "id: maplewood\nname: Joe\nsystem_prompt: You sell.\nfirst_message: Hi.\n"
SCRIPTED = Chosen("scripted", "scripted", "tone")


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """What ships with the lab, as a small one."""
    folder = tmp_path / "datasets"
    (folder / "agents").mkdir(parents=True)
    (folder / "agents" / "operator.yaml").write_text(OPERATOR)
    (folder / "agents" / "maplewood.yaml").write_text(DEFAULT)
    docs = folder / "knowledge" / "elm"
    docs.mkdir(parents=True)
    (docs / "hours.md").write_text("# Hours\n\nWe are open from 8 AM to 5 PM on weekdays.\n")
    return folder


@pytest.fixture
def lab(home: Path, datasets: Path) -> Lab:
    return open_lab(home, datasets)


def open_lab(home: Path, datasets: Path, **changes: object) -> Lab:
    given = {
        "SDR_LAB_DATASETS": str(datasets),
        "EMBED_MODEL": "hash",
        "OLLAMA_HOST": "http://127.0.0.1:1",
    }
    return Lab.open(home, **{**given, **changes})


# ---- opening


def test_opening_makes_nothing(home: Path, datasets: Path):
    lab = open_lab(home, datasets)
    assert lab.home == home
    assert list(home.iterdir()) == []


def test_what_is_given_wins_over_the_environment(
    home: Path, datasets: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TOP_K", "7")
    monkeypatch.setenv("LLM_PROVIDER", "ollama")
    lab = open_lab(home, datasets, LLM_PROVIDER="playbook")
    assert (lab.settings.top_k, lab.settings.llm_provider) == (7, "playbook")


def test_an_unknown_setting_is_refused(home: Path):
    with pytest.raises(SettingError, match="LLM_PROVIDR"):
        Lab.open(home, LLM_PROVIDR="playbook")


# ---- agents


def test_a_shipped_agent_enters_the_store_once_as_version_1(lab: Lab):
    first, second = lab.agent("operator"), lab.agent("operator")
    assert first == second
    assert (first.id, first.version) == ("operator", 1)
    (version,) = lab.agents.versions("operator")
    assert (version.author, version.note) == ("sdr_lab", "shipped")


def test_two_labs_on_one_workspace_do_not_seed_twice(lab: Lab, home: Path, datasets: Path):
    lab.agent("operator")
    again = open_lab(home, datasets)
    again.agent("operator")
    assert len(again.agents.versions("operator")) == 1


def test_nobody_named_is_the_default_agent(lab: Lab):
    assert lab.agent().id == "maplewood"
    assert lab.agent("") == lab.agent("maplewood")


def test_the_store_wins_over_what_ships(lab: Lab):
    lab.agent("operator")
    lab.agents.update("operator", {"first_message": "Good day."}, author="me")
    agent = lab.agent("operator")
    assert (agent.first_message, agent.version) == ("Good day.", 2)


def test_an_agent_of_the_store_is_found_by_its_name(lab: Lab):
    lab.agents.create(replace(AGENT, id="mine", name="Marge"))
    assert lab.agent("marge").id == "mine"


def test_a_file_wins_and_is_not_kept(lab: Lab, tmp_path: Path):
    lab.agent("operator")
    path = tmp_path / "operator.yaml"
    path.write_text(dump_agent(replace(lab.agent("operator"), first_message="From a file.")))
    assert lab.agent(str(path)).first_message == "From a file."
    assert lab.agent("operator").first_message != "From a file."


def test_an_unknown_agent_names_those_that_are_there(lab: Lab):
    lab.agent("operator")
    with pytest.raises(NotFound, match=r"'nobody', there are: operator"):
        lab.agent("nobody")


def test_a_missing_file_is_no_agent(lab: Lab, tmp_path: Path):
    with pytest.raises(NotFound, match=r"gone\.yaml: there is no such agent file"):
        lab.agent(str(tmp_path / "gone.yaml"))


def test_a_bad_file_is_told_with_its_line(lab: Lab, tmp_path: Path):
    path = tmp_path / "bad.yml"
    path.write_text("name: Joe\nsystem_prompt: Sell.\nfirst_message: Hi.\nvoise: low\n")
    with pytest.raises(BadInput, match=r"bad\.yml, line 4: voise: unknown key"):
        lab.agent(str(path))


def test_a_deleted_agent_does_not_come_back_by_itself(lab: Lab):
    lab.agent("operator")
    lab.agents.delete("operator")
    with pytest.raises(NotFound, match="deleted: undelete it first"):
        lab.agent("operator")


def test_an_agent_is_no_path_to_other_files(lab: Lab, datasets: Path):
    (datasets / "secret.yaml").write_text(OPERATOR.replace("operator", "secret"))
    with pytest.raises(NotFound):
        lab.agent("../secret")


# ---- knowledge


async def test_knowledge_is_read_in_once(lab: Lab):
    said: list[str] = []
    agent = lab.agent("operator")
    search = await lab.ready_knowledge(agent, said.append)
    version = search.version
    assert said == ["reading the documents of 'elm' (once)"]
    assert "8 AM" in (await search.search("When are you open?"))[0].text
    assert (await lab.ready_knowledge(agent, said.append)).version == version
    assert len(said) == 1


async def test_knowledge_of_the_workspace_is_not_replaced(lab: Lab, tmp_path: Path):
    own = tmp_path / "own.md"
    own.write_text("We are open all night.\n")
    await lab.knowledge.ingest("elm", [own])
    search = await lab.ready_knowledge(lab.agent("operator"), print)
    assert [p.source for p in await search.search("open")] == ["own.md"]


async def test_an_agent_without_documents_is_told_so(lab: Lab):
    said: list[str] = []
    agent = replace(AGENT, knowledge="nothing")
    search = await lab.ready_knowledge(agent, said.append)
    assert isinstance(search, NoKnowledge)
    assert said == ["agent rehearsal has no knowledge 'nothing': it answers without"]


# ---- providers of a call


def test_names_that_are_given_win_over_the_settings(home: Path, datasets: Path):
    lab = open_lab(home, datasets, LLM_PROVIDER="ollama", TTS_PROVIDER="piper")
    assert lab.choose(AGENT, llm="playbook", tts="tone") == Chosen("whisper", "playbook", "tone")
    assert lab.choose(AGENT, llm=None).llm == "ollama"
    assert lab.settings.llm_provider == "ollama"


def test_a_name_that_is_none_is_refused_with_those_that_are(lab: Lab):
    with pytest.raises(SettingError, match=r"LLM_PROVIDER: got 'gpt', allowed: auto.*playbook"):
        lab.choose(AGENT, llm="gpt")


@pytest.mark.models
def test_the_parts_of_a_call(lab: Lab):
    parts = lab.parts(AGENT, Chosen("whisper", "playbook", "tone"), NoKnowledge())
    names = (parts.transcriber.name, parts.model.name, parts.voice.name)
    assert names == ("whisper", "playbook", "tone")
    assert isinstance(parts.voice, CachedVoice)
    assert not isinstance(parts.model, CachedModel)  # it is as fast as a cache


@pytest.mark.models
@pytest.mark.parametrize("kept", [True, False])
def test_answers_of_a_slow_model_are_remembered_if_that_is_wanted(
    home: Path, datasets: Path, kept: bool
):
    lab = open_lab(home, datasets, RESPONSE_CACHE=kept, TTS_CACHE_MB=0)
    parts = lab.parts(AGENT, Chosen("whisper", "ollama", "tone"), NoKnowledge())
    assert isinstance(parts.model, CachedModel) is kept
    assert isinstance(parts.voice, Tone)


class Deaf:
    """A transcriber that hears nothing."""

    name = "deaf"

    def __init__(self, settings: Settings, agent: Agent) -> None:
        self.agent = agent

    async def transcribe(self, audio: AsyncIterator[Heard | Cue]) -> AsyncIterator[Words]:
        async for _ in audio:
            continue
        return
        yield


DEAF = Chosen("tests.test_lab:Deaf", "playbook", "tone")
WEATHER = WebTool("get_weather", "Tell the weather.", {"type": "object"}, "https://example.com/")


def test_the_web_tools_of_an_agent_are_in_its_calls_and_in_no_others(lab: Lab):
    operator, other = lab.agent("operator"), lab.agent("maplewood")
    lab.tools.create("operator", WEATHER)
    box = lab.parts(operator, DEAF, NoKnowledge()).toolbox
    assert [spec.name for spec in box.specs(operator)][-1] == "get_weather"
    assert [runner.web for runner in box.web] == [lab.web]
    assert lab.parts(other, DEAF, NoKnowledge()).toolbox.web == []


def test_models_and_voices_are_made_once_and_transcribers_for_each_call(home: Path, datasets: Path):
    lab = open_lab(home, datasets, TTS_CACHE_MB=0)
    chosen = replace(DEAF, llm="ollama")
    one, two = (lab.parts(AGENT, chosen, NoKnowledge()) for _ in range(2))
    assert one.model is two.model
    assert isinstance(one.model, CachedModel)
    assert one.voice is two.voice
    assert one.transcriber is not two.transcriber
    changed = replace(AGENT, version=2)
    assert lab.parts(changed, chosen, NoKnowledge()).model is not one.model


def test_a_class_of_ones_own_is_made_for_the_agent_of_the_call(lab: Lab):
    overrides = Overrides(prompt="You listen.")
    deaf = lab.parts(AGENT, DEAF, NoKnowledge(), overrides).transcriber
    assert isinstance(deaf, Deaf)
    assert deaf.agent.system_prompt == "You listen."


@pytest.mark.models
def test_a_service_that_speaks_has_a_voice_in_reserve(home: Path, datasets: Path):
    lab = open_lab(home, datasets, DEEPGRAM_API_KEY="key")
    parts = lab.parts(AGENT, replace(DEAF, tts="deepgram"), NoKnowledge())
    assert parts.voice.name == "deepgram"
    assert parts.reserve_voice is not None
    assert parts.reserve_voice.name == "piper"


def test_a_voice_of_this_machine_needs_no_reserve(lab: Lab):
    assert lab.parts(AGENT, DEAF, NoKnowledge()).reserve_voice is None


async def test_a_lab_that_is_closed_has_nothing_open(home: Path, datasets: Path):
    lab = open_lab(home, datasets)
    await lab.close()  # nothing was opened
    lab.tools.create(lab.agent("operator").id, WEATHER)
    lab.parts(lab.agent("operator"), replace(DEAF, llm="ollama"), NoKnowledge())
    with pytest.raises(ProviderError):
        await lab.web.fetch("GET", "https://127.0.0.1.invalid/")
    await lab.close()
    assert lab.database.engine.pool.checkedin() == 0  # pyright: ignore[reportAttributeAccessIssue]
    assert lab.agents.get("operator").id == "operator"  # it opens again when it is used


# ---- fixed lines


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("maplewood", "Thanks for calling Maplewood Dispatch."),
        ("reminder", "Hello, this is Amy from Elm Street Dental."),
    ],
)
def test_fixed_lines_of_the_shipped_agents_hold_no_variables(home: Path, name: str, line: str):
    agent = Lab.open(home).agent(name)
    lines = fixed_lines(agent)
    assert line in lines
    own = [agent.first_message, agent.goodbye, *sum(agent.playbook.lines.values(), ())]
    raw = {speakable(part) for text in own if "{{" in text for part in spoken_parts(text)}
    assert not {part for part in raw & lines if "agent name" in part or "company" in part}


def test_fixed_lines_are_the_agents_own_and_filled():
    agent = replace(
        AGENT,
        first_message="Hello, this is {{agent_name}}.",
        goodbye="Goodbye from {{company}}.",
        variables={"company": "Elm Street"},
    )
    lines = fixed_lines(agent)
    assert {"Hello, this is Rehearsal.", "Goodbye from Elm Street."} <= lines
    assert "Are you still there?" in lines


def test_a_first_message_of_one_call_is_not_among_them():
    mine = Overrides(first_message="Hello Bob Miller.")
    assert "Hello, this is Joe." in fixed_lines(AGENT)
    lines = fixed_lines(with_overrides(AGENT, mine), mine)
    assert "Hello Bob Miller." not in lines
    assert "Are you still there?" in lines


def scripted_parts(
    lab: Lab, line: SimulatedLine, model: ScriptedModel, agent: Agent, search: Search
) -> Parts:
    keep = fixed_lines(agent).__contains__
    return Parts(
        ScriptedTranscriber(lambda: line.caller.spoken),
        model,
        CachedVoice(Tone(), lab.home / "tts_cache", keep=keep),
        Toolbox(lab.calendar, lab.do_not_call, search),
        search,
    )


def test_only_what_everyone_hears_is_kept_as_sound(lab: Lab):
    agent = replace(
        lab.agent("operator"), first_message="Hello{{greeting_name|}}. How can I help you?"
    )
    result = phone(lab, Caller().says("I am Bob."), ["Hi Bob Miller."], agent, greeting=" Bob")
    assert "Bob" in (result.folder / "transcript.txt").read_text()
    voice = CachedVoice(Tone(), lab.home / "tts_cache")
    assert voice.is_cached("How can I help you?")
    assert not voice.is_cached("Hello Bob.")
    assert not voice.is_cached("Hi Bob Miller.")


# ---- config


def test_the_conditions_of_a_call_are_frozen(lab: Lab):
    agent = replace(lab.agent("operator"), silence_threshold_s=1.5, interrupt={"min_energy": 900})
    variables = {"lead_name": "Bob"}
    config = lab.config(agent, SCRIPTED, "simulated", "+14155550137", variables)
    variables["lead_name"] = "Ann"
    assert config.variables == {"lead_name": "Bob"}
    assert config.settings.endpoint.silence_ms == 1500
    assert config.settings.interrupt.min_energy == 900
    assert (config.stt, config.llm, config.tts) == ("scripted", "scripted", "tone")
    with pytest.raises(FrozenInstanceError):
        config.caller_number = ""  # pyright: ignore[reportAttributeAccessIssue]


def test_every_call_has_its_own_name(lab: Lab):
    names = {lab.config(AGENT, SCRIPTED, "simulated").conversation_id for _ in range(50)}
    assert len(names) == 50


def test_an_agents_unusable_threshold_is_told_before_the_call(lab: Lab):
    agent = replace(AGENT, interrupt={"min_enrgy": 900})
    with pytest.raises(SettingError, match=r"interrupt\.min_enrgy of agent 'rehearsal'"):
        lab.config(agent, SCRIPTED, "simulated")


def test_what_is_known_of_a_call_beforehand(lab: Lab):
    overrides = Overrides(first_message="Hi {{lead}}, this is {{agent_name}}.")
    config = lab.config(
        AGENT,
        SCRIPTED,
        "twilio",
        "+14155550137",
        {"lead": "Bob"},
        direction="outbound",
        call_sid="CA1",
        conversation_id="conv_given",
        overrides=overrides,
        max_call_s=60,
    )
    assert (config.direction, config.call_sid, config.conversation_id) == (
        "outbound", "CA1", "conv_given",
    )  # fmt: skip
    assert config.agent.first_message == overrides.first_message
    assert config.settings.max_call_s == 60


def test_an_agents_own_longest_call_wins_over_the_setting(home: Path, datasets: Path):
    lab = open_lab(home, datasets, MAX_CALL_S=600)
    assert lab.config(AGENT, SCRIPTED, "simulated").settings.max_call_s == 600
    short = replace(AGENT, max_call_s=30)
    assert lab.config(short, SCRIPTED, "simulated").settings.max_call_s == 30
    with pytest.raises(SettingError, match="MAX_CALL_S of agent 'rehearsal'"):
        lab.config(replace(AGENT, max_call_s=1), SCRIPTED, "simulated")


# ---- calls


def phone(
    lab: Lab,
    caller: Caller,
    replies: list[str],
    agent: Agent = AGENT,
    out: Path | None = None,
    hear: Callable[[Event], None] | None = None,
    greeting: str = "",
) -> CallResult:
    async def main() -> CallResult:
        search = await lab.ready_knowledge(agent, lambda line: None)
        line = SimulatedLine(caller)
        parts = scripted_parts(lab, line, ScriptedModel(replies), agent, search)
        variables = {"greeting_name": greeting} if greeting else None
        config = lab.config(agent, SCRIPTED, "simulated", "+14155550137", variables)
        return await lab.call(line, config, parts, [hear] if hear else [], out)

    return run_virtually(main())


def test_a_call_is_in_the_index_when_it_is_over(lab: Lab):
    caller = Caller().says("When are you open?")
    result = phone(lab, caller, ["From 8 AM."], lab.agent("operator"))
    call = lab.calls.get(result.conversation_id)
    assert call.status is Status.COMPLETED
    assert (call.agent_id, call.phone_number, call.ended_reason) == (
        "operator", "+14155550137", "caller",
    )  # fmt: skip
    assert [(turn.role, turn.text) for turn in call.turns] == [
        ("agent", "Hello, Elm Street, this is Olive."),
        ("caller", "When are you open?"),
        ("agent", "From 8 AM."),
    ]
    assert result.folder == lab.home / "calls" / result.conversation_id


def test_a_call_is_listed_while_it_runs(lab: Lab):
    seen: list[Status] = []

    def hear(event: Event) -> None:
        if not seen:
            (call,) = lab.calls.list().calls
            seen.append(call.status)

    phone(lab, Caller().hangs_up(at=3), [], hear=hear)
    assert seen == [Status.IN_PROGRESS]


def test_the_call_says_which_knowledge_it_had(lab: Lab):
    agent = lab.agent("operator")
    result = phone(lab, Caller().hangs_up(at=3), [], agent)
    kept = json.loads((result.folder / "call.json").read_text())
    assert kept["knowledge_version"] == lab.knowledge.version("elm") != ""
    assert (kept["agent"]["id"], kept["agent"]["version"]) == ("operator", 1)


def test_listeners_hear_every_event(lab: Lab):
    heard: list[Event] = []
    result = phone(lab, Caller().hangs_up(at=3), [], hear=heard.append)
    lines = (result.folder / "events.jsonl").read_text().splitlines()
    assert len(heard) == len(lines)
    assert isinstance(heard[-1], CallEnded)


def test_a_call_outside_the_workspace_is_not_indexed(lab: Lab, tmp_path: Path):
    result = phone(lab, Caller().says("Hello?"), ["Hi."], out=tmp_path / "out")
    assert result.folder == tmp_path / "out" / result.conversation_id
    assert (result.folder / "transcript.txt").is_file()
    assert lab.calls.list().calls == ()
    assert not (lab.home / "calls").exists()


def test_a_listener_with_a_bug_does_not_end_the_call(lab: Lab):
    def hear(event: Event) -> None:
        raise KeyError("a listener with a bug")

    result = phone(lab, Caller().says("Hello?"), ["Hi."], hear=hear)
    assert result.outcome.reason == "caller"
    (call,) = lab.calls.list().calls
    assert call.status is Status.COMPLETED


def test_a_workspace_that_cannot_be_written(lab: Lab):
    lab.database  # noqa: B018 (opened while that was possible)
    (lab.home / "calls").write_text("in the way")
    with pytest.raises(StorageError, match="SDR_LAB_HOME"):
        phone(lab, Caller().hangs_up(at=3), [])
    assert lab.calls.list().calls == ()


def test_do_not_call_of_a_call_is_in_the_workspace(lab: Lab):
    caller = Caller().says("Take me off your list and never call me again.")
    agent = replace(lab.agent("operator"), tools=("mark_do_not_call",))
    phone(lab, caller, ["But our prices are great!"], agent)
    assert [entry.number for entry in lab.do_not_call.list()] == ["+14155550137"]


def test_a_call_that_runs_takes_orders(lab: Lab):
    async def main() -> CallResult:
        line = SimulatedLine(Caller().hangs_up(at=60))
        parts = scripted_parts(lab, line, ScriptedModel([]), AGENT, NoKnowledge())
        sessions: list[Session] = []

        def tell_later(session: Session) -> None:
            sessions.append(session)
            asyncio.get_running_loop().call_later(4, session.tell, SayGoodbye("shutdown"))

        config = lab.config(AGENT, SCRIPTED, "simulated")
        result = await lab.call(line, config, parts, on_session=tell_later)
        assert len(sessions) == 1
        return result

    result = run_virtually(main())
    assert result.outcome.reason == "shutdown"
    assert AGENT.goodbye in (result.folder / "transcript.txt").read_text()


# ---- warming up


async def test_the_lines_that_must_not_fail_are_spoken_beforehand(lab: Lab):
    agent = replace(
        lab.agent("operator"), goodbye="Goodbye from {{company}}.", reprompt="Still there?"
    )
    search = await lab.ready_knowledge(agent, lambda line: None)
    line = SimulatedLine(Caller())
    parts = scripted_parts(lab, line, ScriptedModel([]), agent, search)
    voice = parts.voice
    assert isinstance(voice, CachedVoice)
    await lab.warm_up(parts, agent)
    assert voice.is_cached("Still there?")
    assert voice.is_cached("Goodbye from Elm Street.")
    assert not voice.is_cached("Goodbye from {{company}}.")
