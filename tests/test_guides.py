"""The examples of docs/guides, taken from the pages and run."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from sdr_lab.api.app import create_app
from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.audio.wav import read_sound
from sdr_lab.cli import app
from sdr_lab.config import Settings
from sdr_lab.events import AgentStopped, ToolFinished, read_events
from sdr_lab.knowledge.base import NoKnowledge
from sdr_lab.lab import Lab
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.providers import LLM, TTS, make
from sdr_lab.records import CallSettings, Prompt, ToolCall
from sdr_lab.simulate.caller import Caller, speech_like
from sdr_lab.simulate.line import SimulatedLine
from sdr_lab.simulate.rehearsal import AGENT, Scene, rehearse
from sdr_lab.stt.base import Cue, Heard, Words
from sdr_lab.stt.scripted import ScriptedTranscriber
from sdr_lab.tts.tone import Tone
from tests.importable import importable

GUIDES = Path(__file__).parents[1] / "docs" / "guides"
PAGES = sorted(GUIDES.glob("custom_*.md"))


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a page in a language."""
    text = (GUIDES / f"{page}.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.M | re.S)


def files(page: str) -> dict[str, str]:
    """Return the Python files that a page shows, by the name in their first line."""
    found = {}
    for block in blocks(page, "python"):
        name = re.match(r"# (\w+)\.py\n", block)
        assert name, f"{page}: a block without its file name"
        found[name[1]] = block
    return found


@contextmanager
def saved(page: str, folder: Path) -> Iterator[dict[str, str]]:
    """Save the files of a page and put their folder on the path."""
    with ExitStack() as stack:
        for name, source in files(page).items():
            stack.enter_context(importable(folder, name, source))
        yield files(page)


def load(home: Path, **values: object) -> Settings:
    given = {"SDR_LAB_HOME": home, "OLLAMA_HOST": "127.0.0.1:1", "TTS_PROVIDER": "tone", **values}
    return Settings.load(None, given, environ={})


def run_tests_of(module: str, folder: Path) -> None:
    """Run the tests that a guide shows, as pytest would: `tmp_path` is all that they take."""
    found = __import__(module)
    names = [name for name in vars(found) if name.startswith("test_")]
    assert names, f"{module} has no test"
    for name in names:
        test = getattr(found, name)
        place = folder / name
        place.mkdir()
        test(**{"tmp_path": place} if "tmp_path" in test.__annotations__ else {})


def shown_settings(page: str) -> dict[str, str]:
    """Return what a page sets with `export`, but the path."""
    lines = re.findall(r"^export (\w+)=(\S+)$", "\n".join(blocks(page, "sh")), flags=re.M)
    return {name: value for name, value in lines if name != "PYTHONPATH"}


# ---- every page


def test_every_guide_is_linked_from_the_overview():
    overview = (GUIDES / "README.md").read_text("utf-8")

    assert len(PAGES) == 4
    for page in PAGES:
        assert f"({page.name})" in overview


@pytest.mark.parametrize("page", [page.stem for page in PAGES])
def test_each_file_is_introduced_before_it_is_shown(page: str):
    text = (GUIDES / f"{page}.md").read_text("utf-8")

    for name in files(page):
        told = text.find(f"`{name}.py`")
        assert -1 < told < text.index(f"# {name}.py\n"), name


@pytest.mark.parametrize("page", ["custom_llm", "custom_voice", "custom_audio_filter"])
def test_doctor_is_content_with_what_the_page_sets(page: str, tmp_path: Path):
    given = shown_settings(page)
    options = [f"--set={name}={value}" for name, value in given.items()]
    with saved(page, tmp_path):
        known = [f"--set=SDR_LAB_HOME={tmp_path}", "--set=OLLAMA_HOST=127.0.0.1:1"]
        done = CliRunner().invoke(app, [*known, *options, "doctor", "--json"])

    checks = {check["name"]: check for check in json.loads(done.output)}
    assert given
    for name in given:
        assert checks[name]["state"] == "ok", checks[name]


# ---- interruptions


def commands(page: str) -> list[list[str]]:
    """Return what a page types into a shell, word by word."""
    found = re.findall(
        r"^ *```sh\n(.*?)^ *```$", (GUIDES / f"{page}.md").read_text("utf-8"), re.M | re.S
    )
    lines = "\n".join(found).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def test_the_commands_about_interruptions_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "datasets").symlink_to(GUIDES.parents[1] / "datasets")
    monkeypatch.chdir(tmp_path)
    home = f"--set=SDR_LAB_HOME={tmp_path / 'data'}"

    for program, *words in commands("interrupts"):
        done = CliRunner().invoke(app, [home, *words])
        assert (program, done.exit_code) == ("sdr-lab", 0), f"{words}: {done.output}"

    assert "INTERRUPT_DETECTOR=energy" in (tmp_path / ".env").read_text()
    assert {path.suffix for path in (tmp_path / "pictures").iterdir()} == {".png"}
    assert "(interrupts.md)" in (GUIDES / "README.md").read_text("utf-8")


# ---- a language model


def test_the_language_model_answers_in_a_call(tmp_path: Path):
    with saved("custom_llm", tmp_path):
        run_tests_of("test_hours_model", tmp_path)


def test_the_language_model_is_made_from_its_setting(tmp_path: Path):
    given = shown_settings("custom_llm")
    caller = Caller().says("Hello?").says("Are you open on Sunday?")
    with saved("custom_llm", tmp_path):
        settings = load(tmp_path, **given)
        model = make(LLM, Lab(settings).choose(AGENT).llm, settings, replace(AGENT, name="Ann"))
        call = rehearse(caller, model, tmp_path / "calls")

    answers = [text for who, text in call.said if who == "agent"]
    assert answers[1:] == [
        "This is Ann. Which day do you mean?",
        "On Sunday we are open not at all. Anything else?",
    ]


# ---- a voice


def test_the_voice_is_heard_in_a_call(tmp_path: Path):
    given = shown_settings("custom_voice")
    with saved("custom_voice", tmp_path):
        settings = load(tmp_path, **given)
        voice = make(TTS, Lab(settings).choose(AGENT).tts, settings, AGENT)
        agent = replace(AGENT, first_message="This is it: I insist.")
        caller = Caller().hangs_up(at=6)
        call = rehearse(caller, ScriptedModel([]), tmp_path / "calls", Scene(agent, voice=voice))

    heard = read_sound(call.folder / "audio.wav", channel=1)
    stopped = call.first(AgentStopped)
    assert stopped.text == "This is it: I insist."
    assert level(heard.pcm) > 500
    assert power_between(heard.pcm, 180, 400) > 0.3  # the first resonance of "i"
    assert power_between(heard.pcm, 2100, 2500) > 0.3  # and its second one
    assert power_between(heard.pcm, 800, 1800) < 0.02


def test_the_voice_speaks_on_the_command_line(tmp_path: Path):
    options = [f"--set={name}={value}" for name, value in shown_settings("custom_voice").items()]
    target = tmp_path / "said.wav"
    with saved("custom_voice", tmp_path):
        words = ["say", "How are you today?", "--no-play", "--out", str(target)]
        done = CliRunner().invoke(app, [f"--set=SDR_LAB_HOME={tmp_path}", *options, *words])

    assert done.exit_code == 0, done.output
    assert "by vowel_voice:VowelVoice" in done.output
    sound = read_sound(target)
    assert sound.duration_ms > 800
    assert level(sound.pcm) > 500


def level(pcm: np.ndarray) -> float:
    return float(np.sqrt(np.mean(pcm.astype(float) ** 2)))


def power_between(pcm: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Return the share of a sound's power (8 kHz) between two frequencies."""
    power = np.abs(np.fft.rfft(pcm.astype(float))) ** 2
    hz = np.fft.rfftfreq(len(pcm), 1 / 8000)
    return float(power[(hz >= low_hz) & (hz <= high_hz)].sum() / power.sum())


# ---- an audio filter


def test_the_filter_does_what_its_own_tests_say(tmp_path: Path):
    with saved("custom_audio_filter", tmp_path):
        run_tests_of("test_lift_filter", tmp_path)


class Listening(ScriptedTranscriber):
    """Keeps what it hears."""

    def __init__(self, line: SimulatedLine, heard: list[bytes]) -> None:
        super().__init__(lambda: line.caller.spoken)
        self.heard = heard

    async def transcribe(self, audio: AsyncIterator[Heard | Cue]) -> AsyncGenerator[Words, None]:
        async def kept() -> AsyncIterator[Heard | Cue]:
            async for item in audio:
                if isinstance(item, Heard):
                    self.heard.append(item.mulaw)
                yield item

        async for words in super().transcribe(kept()):
            yield words


def test_the_filter_lifts_what_the_transcriber_hears_but_not_the_recording(tmp_path: Path):
    filters = tuple(shown_settings("custom_audio_filter")["AUDIO_FILTERS"].split(","))
    heard: list[bytes] = []
    scene = Scene(
        settings=CallSettings(filters=filters[1:]), transcriber=lambda line: Listening(line, heard)
    )
    quiet = speech_like(4, rms=250)
    caller = Caller().says("Can you hear me at all?", sound=quiet).hangs_up()
    with saved("custom_audio_filter", tmp_path):
        call = rehearse(caller, ScriptedModel(["Yes."]), tmp_path / "calls", scene)

    recorded = read_sound(call.folder / "audio.wav", channel=0).pcm
    assert ("caller", "Can you hear me at all?") in call.said
    loud = level(mulaw_to_pcm(b"".join(heard)))
    assert loud > 2.5 * level(recorded)
    assert level(recorded) < 200
    assert filters == ("highpass_gate", "lift_filter:Lift")


# ---- a tool


@contextmanager
def served(service: Any) -> Iterator[int]:
    """Run an app on loopback in a thread; the port."""
    taken = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(service, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([taken],))
    thread.start()
    try:
        yield taken.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        taken.close()


def ask_for_the_order(prompt: Prompt) -> list[str | ToolCall]:
    """Do what a language model would: the tool first, then its answer in words."""
    assert "order_status" in [tool.name for tool in prompt.tools]
    if prompt.results:
        return [json.loads(prompt.results[-1].content)["answer"]]
    return [ToolCall("order_status", {"order": "1001"})]


async def hold_call(lab: Lab, agent_id: str) -> Path:
    """Hold a call in real time, for tools need sockets; return its folder."""
    agent = lab.agent(agent_id)
    chosen = lab.choose(agent)
    caller = Caller().says("Where is order one zero zero one?", after=0.2).hangs_up(after=0.3)
    line = SimulatedLine(caller)
    parts = replace(
        lab.parts(agent, chosen, NoKnowledge()),
        transcriber=ScriptedTranscriber(lambda: line.caller.spoken),
        model=ScriptedModel(ask_for_the_order),
        voice=Tone(syllable_ms=60),
    )
    result = await lab.call(line, lab.config(agent, chosen, "simulated"), parts)
    await lab.close()
    return result.folder


def test_the_tool_is_added_over_rest_and_used_in_a_call(tmp_path: Path):
    [body] = blocks("custom_tool", "json")
    lab = Lab(load(tmp_path / "home", INSECURE_PRIVATE_WEBHOOKS=True, LLM_PROVIDER="playbook"))
    client = TestClient(create_app(lab=lab))
    made = {"name": "Shop", "system_prompt": "You help.", "first_message": "Hi."}
    agent_id = client.post("/v1/convai/agents", json=made).json()["agent_id"]
    with saved("custom_tool", tmp_path), served(__import__("order_service").app) as port:
        tool = client.post(
            f"/v1/convai/agents/{agent_id}/tools", json=json.loads(body.replace("8900", str(port)))
        )
        folder = asyncio.run(hold_call(lab, agent_id))

    assert tool.status_code == 200, tool.text
    assert tool.json()["headers"] == {"Authorization": "***"}
    events = list(read_events(folder / "events.jsonl"))
    [finished] = [event for event in events if isinstance(event, ToolFinished)]
    assert (finished.name, finished.ok) == ("order_status", True)
    said = [event.text for event in events if isinstance(event, AgentStopped)]
    assert said == ["Hi.", "Order 1001 left our store this morning."]
    assert "a-secret-of-yours" not in (folder / "events.jsonl").read_text()


def test_the_tool_is_refused_without_the_setting_for_desks(tmp_path: Path):
    [body] = blocks("custom_tool", "json")
    client = TestClient(create_app(lab=Lab(load(tmp_path))))

    refused = client.post("/v1/convai/agents/maplewood/tools", json=json.loads(body))

    assert refused.status_code == 403
    assert "https" in refused.json()["error"]


@pytest.mark.models
def test_the_language_model_takes_a_call_on_the_command_line(tmp_path: Path):
    options = [f"--set={name}={value}" for name, value in shown_settings("custom_llm").items()]
    command = next(line for line in blocks("custom_llm", "sh")[0].splitlines() if " call " in line)
    embedded = [f"--set=SDR_LAB_HOME={tmp_path}", "--set=TTS_PROVIDER=piper"]
    embedded += ["--set=EMBED_MODEL=hash"]  # reads the documents in a second
    with saved("custom_llm", tmp_path):
        words = shlex.split(command)[1:]
        done = CliRunner().invoke(app, [*embedded, *options, *words])

    assert done.exit_code == 0, done.output
    assert "On Saturday we are open from nine to one. Anything else?" in done.output
    assert " s, ended by " in done.output  # by whom depends on what Whisper makes of the goodbye
