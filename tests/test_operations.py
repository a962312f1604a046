"""docs/operations.md tells the truth: lines of the log, metrics, routes, codes, commands."""

from __future__ import annotations

import ast
import asyncio
import importlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import sdr_lab
from sdr_lab.api.app import create_app
from sdr_lab.cli import app
from sdr_lab.config import Settings
from sdr_lab.lab import Lab
from sdr_lab.live.metrics import Metrics
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_network import AUTH_TOKEN
from sdr_lab.simulate.rehearsal import rehearse
from sdr_lab.telephony.signature import sign
from sdr_lab.telephony.twilio_errors import HINTS
from tests.importable import importable

ROOT = Path(__file__).parents[1]
PACKAGE = Path(sdr_lab.__file__).parent
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")


def rows_below(heading: str) -> list[list[str]]:
    """Return the cells of the table rows below a heading, without the table's own head."""
    section = re.split(rf"^#+ {re.escape(heading)}$", PAGE, flags=re.M)[1]
    section = re.split(r"^#", section, flags=re.M)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


# ---- the log


LEVELS = ("debug", "info", "warning", "error", "exception")


def logged_formats(folder: Path = PACKAGE, levels: tuple[str, ...] = LEVELS) -> set[str]:
    """Return every text that is logged below a folder, with … where values come in."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            is_log = ast.unparse(node.func.value) in ("log", "_log")
            text = node.args[0] if node.args else None
            if is_log and node.func.attr in levels and isinstance(text, ast.Constant):
                found.add(re.sub(r"%[-.\d]*[sdrgf]", "…", str(text.value)))
    return found


def shown_lines() -> Iterator[str]:
    for cells in rows_below("Log lines")[2:]:
        yield from re.findall(r"`([^`]+)`", cells[0])


FROM_AN_ERROR = {"…: the peer has not read for … s": "telephony/twilio_line.py"}
"""Lines whose words come from an error, and where it is raised."""


def is_like(line: str, text: str) -> bool:
    """Say whether a line of the page is such a message: values may be spelled out in it."""
    has_words = re.search(r"[a-z]{3}|[→←]", text.replace("…", ""))
    return bool(has_words and re.fullmatch(".+".join(map(re.escape, text.split("…"))), line))


def test_every_line_of_the_log_that_is_shown_is_written_somewhere():
    formats = logged_formats()
    shown = list(shown_lines())

    assert len(shown) > 30
    for line in shown:
        if line in FROM_AN_ERROR:
            words = line.strip("…: s").split("…")[0].strip()
            assert words in (PACKAGE / FROM_AN_ERROR[line]).read_text("utf-8")
        elif not line.startswith("POST /v1/"):  # "%s %s: %s", without a word of its own
            assert any(is_like(line, text) for text in formats), f"nothing logs {line!r}"


def test_what_servers_log_about_calls_is_explained():
    shown = list(shown_lines())
    messages = {
        text
        for part in ("live", "telephony")
        for text in logged_formats(PACKAGE / part, ("warning", "error"))
        if "call " in text and not text.startswith("after call")
    }

    assert len(messages) > 10
    assert not [text for text in messages if not any(is_like(line, text) for line in shown)]


# ---- numbers, routes, codes


def test_all_metrics_are_listed():
    listed = set(re.findall(r"`(sdr_lab_\w+)`", PAGE))
    kept = set(re.findall(r"^# HELP (sdr_lab_\w+) ", Metrics().text().decode(), flags=re.M))

    assert listed == {name for name in kept if not name.endswith("_created")}


def test_routes_that_are_named_exist():
    known = set(create_app().openapi()["paths"]) | {"/phone", "/docs"}
    patterns = [re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in known]
    named = set(re.findall(r"https?://[\w.-]+(?::\d+)?(/[\w/$-]+)", PAGE))
    named |= set(re.findall(r"`(?:GET|POST) (/[\w/$-]+)`", PAGE))

    ours = {path for path in named if path.startswith(("/v1", "/voice", "/health", "/phone"))}
    assert len(ours) > 5
    for path in ours:
        assert any(pattern.fullmatch(path) for pattern in patterns), path


def test_codes_of_twilio_are_answered_as_the_page_says():
    rows = [cells for cells in rows_below("Twilio's codes") if cells[0][:5].isdigit()]
    answered = [(cells[0], cells[1]) for cells in rows if len(cells) == 3]

    assert len(answered) > 7
    for codes, status in answered:
        for code in codes.split(", "):
            assert HINTS[int(code)].status == int(status), code


def test_settings_that_are_named_exist():
    known = {*Settings.names(), "INTERRUPT_*"}
    table = [name for cells in rows_below("Settings that matter live")[2:] for name in cells[:1]]
    named = set(re.findall(r"`([A-Z_*]+)`", " ".join(table)))
    blocks = re.findall(r"^```ini\n(.*?)^```", PAGE, flags=re.M | re.S)
    named |= set(re.findall(r"^([A-Z_]+)=", blocks[0], flags=re.M))

    assert len(named) > 20
    assert named <= known


# ---- commands


def test_questions_to_the_log_can_be_asked(tmp_path: Path):
    caller = Caller().says("Hello?").cuts_in("Wait, stop.", into=0.5)
    model = ScriptedModel(["I would like to tell you about our new plan today.", "Yes?"])
    rehearse(caller, model, tmp_path / "calls")
    questions = re.findall(r"(sdr-lab calls query \"select [^\"]+\")", PAGE)

    assert len(questions) > 3
    for question in questions:
        words = shlex.split(question)[1:]
        done = CliRunner().invoke(app, [f"--set=SDR_LAB_HOME={tmp_path}", *words])
        assert done.exit_code == 0, f"{question}: {done.output}"


def test_a_signature_of_ones_own_is_taken(tmp_path: Path):
    """204, 403: what the page says of the request with which proxies are tried."""
    url = "https://your-name.example"
    given = {"SDR_LAB_HOME": tmp_path, "PUBLIC_URL": url, "TWILIO_AUTH_TOKEN": AUTH_TOKEN}
    client = TestClient(create_app(Settings.load(None, given, environ={})))
    right = {"X-Twilio-Signature": sign(f"{url}/voice/status", {}, AUTH_TOKEN)}
    wrong = {"X-Twilio-Signature": sign("http://your-name.example/voice/status", {}, AUTH_TOKEN)}

    assert client.post("/voice/status", headers=right).status_code == 204
    assert client.post("/voice/status", headers=wrong).status_code == 403
    assert client.post("/voice/status").status_code == 403
    snippet = re.search(r"python -c '(import sys.*?)'", PAGE, flags=re.S)
    assert snippet is not None
    words = [sys.executable, "-c", snippet[1], f"{url}/voice/status", AUTH_TOKEN]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == right["X-Twilio-Signature"]


# ---- the call without a network

ENGINES = """
import numpy as np

from sdr_lab.records import Sound, Words
from sdr_lab.stt.base import Cue, Heard


class Ears:
    name = "ears"

    def __init__(self, settings, agent):
        pass

    async def transcribe(self, audio):
        at_ms = 0
        async for item in audio:
            if isinstance(item, Heard):
                at_ms = item.at_ms + 20
            elif item is Cue.FINISH:
                yield Words("Does it work with QuickBooks?", True, at_ms, at_ms)


class Mouth:
    name = "mouth"

    def __init__(self, settings, agent):
        self.noise = np.random.default_rng(1).integers(-3000, 3000, 3200).astype(np.int16)

    async def speak(self, sentence, voice=""):
        yield Sound(self.noise, 8000)
"""


def test_the_offline_call_goes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    block = re.search(r"^```python\n(# offline_call\.py\n.*?)^```", PAGE, flags=re.M | re.S)
    assert block is not None
    given = {
        "SDR_LAB_HOME": str(tmp_path / "home"),
        "STT_PROVIDER": "offline_engines:Ears",
        "LLM_PROVIDER": "playbook",
        "TTS_PROVIDER": "offline_engines:Mouth",
        "EMBED_MODEL": "hash",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    with (
        importable(tmp_path, "offline_engines", ENGINES),
        importable(tmp_path, "offline_call", block[1]),
    ):
        asyncio.run(importlib.import_module("offline_call").main())

    printed = capsys.readouterr().out
    call_sid = re.match(r"(CA\w{32}) is completed\n", printed)
    assert call_sid, printed
    assert printed.count("\n") == 1, printed
    lab = Lab(Settings.load(None, given, environ={}))
    call = lab.calls.get(call_sid[1])
    roles = [turn.role for turn in call.turns]
    assert roles[:3] == ["agent", "caller", "agent"]
    assert call.turns[1].text == "Does it work with QuickBooks?"
