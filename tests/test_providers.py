"""The tables of providers, and what `auto` makes of what is there."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import ollama
import pytest

from sdr_lab.config import Settings
from sdr_lab.errors import BadInput, NotFound, SettingError
from sdr_lab.llm.ollama import Ollama
from sdr_lab.llm.playbook import PlaybookModel
from sdr_lab.own_class import OWN_CLASS
from sdr_lab.providers import DEFAULTS, LLM, STT, TTS, Table, choose, make, version_url
from sdr_lab.simulate.rehearsal import AGENT
from sdr_lab.stt.deepgram import Deepgram, LiveSettings
from sdr_lab.stt.deepgram_flux import DeepgramFlux
from sdr_lab.tts.deepgram import AuraSettings, DeepgramVoice
from sdr_lab.tts.tone import Tone

HEAVY = (
    "torch",
    "ctranslate2",
    "faster_whisper",
    "onnxruntime",
    "piper",
    "xllamacpp",
    "ollama",
    "deepgram",
)
NOWHERE = "http://127.0.0.1:1"


def settings(environ: dict[str, str] | None = None, **changes: object) -> Settings:
    return Settings.load(None, {"OLLAMA_HOST": NOWHERE, **changes}, environ=environ or {})


@contextmanager
def server(status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """A loopback server that answers every GET with a status; its address, and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"version": "0.6.0"}')

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{http.server_port}", asked
        finally:
            http.shutdown()
            thread.join()


@contextmanager
def talker(says: bytes) -> Iterator[str]:
    """A loopback server that is no web server: says something and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(says)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


# ---- the tables


@pytest.mark.parametrize("table", [STT, LLM, TTS])
def test_every_row_has_its_own_name_and_a_line_about_it(table: dict):
    for name, provider in table.items():
        assert provider.name == name
        assert provider.what
        assert "\n" not in provider.what


def test_what_auto_falls_back_to_exists_and_needs_no_account():
    for table, step in ((STT, "stt"), (LLM, "llm"), (TTS, "tts")):
        assert table[DEFAULTS[step]].is_local


def test_the_settings_allow_what_the_tables_hold():
    for table, name in ((STT, "STT_PROVIDER"), (LLM, "LLM_PROVIDER"), (TTS, "TTS_PROVIDER")):
        for provider in table:
            assert settings(None, **{name: provider}).masked(name) == provider


LOOK = """
import sys
from sdr_lab.config import Settings
from sdr_lab.errors import MissingPackage
from sdr_lab.providers import LLM, STT, TTS, make
from sdr_lab.simulate.rehearsal import AGENT

made = []
for table in (STT, LLM, TTS):
    for name in table:
        try:
            settings = Settings.load(None, {"DEEPGRAM_API_KEY": "key"}, environ={})
            make(table, name, settings, AGENT)
            made.append(name)
        except MissingPackage:
            continue
print(",".join(made))
print(",".join(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_making_every_provider_loads_no_heavy_library():
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *HEAVY], capture_output=True, text=True, check=True
    )
    made, loaded = done.stdout.splitlines()
    assert {"playbook", "tone", "ollama", "deepgram", "deepgram_flux"} <= set(made.split(","))
    assert loaded == ""


@pytest.mark.parametrize(
    ("table", "allowed"),
    [
        (STT, "auto, deepgram, deepgram_flux, whisper"),
        (LLM, "auto, ollama, llama_cpp, playbook"),
        (TTS, "auto, deepgram, piper, tone"),
    ],
)
def test_an_unknown_name_tells_those_that_exist(table: Table[Any], allowed: str):
    with pytest.raises(NotFound) as caught:
        make(table, "gpt", settings(), AGENT)
    assert str(caught.value) == f"provider 'gpt' is unknown here; allowed: {allowed} or {OWN_CLASS}"


def test_a_row_makes_its_provider():
    assert isinstance(make(TTS, "tone", settings(), AGENT), Tone)
    assert isinstance(make(LLM, "playbook", settings(), AGENT), PlaybookModel)


def test_the_agents_own_model_and_temperature_reach_ollama():
    agent = replace(AGENT, model="tiny:latest", temperature=0.7)
    made = make(LLM, "ollama", settings(OLLAMA_MODEL="big", LLM_MAX_TOKENS=99), agent)
    assert isinstance(made, Ollama)
    assert (made.model, made.host) == ("tiny:latest", NOWHERE)
    assert (made.settings.temperature, made.settings.num_predict) == (0.7, 99)
    other = make(LLM, "ollama", settings(OLLAMA_MODEL="big"), AGENT)
    assert isinstance(other, Ollama)
    assert other.model == "big"


# ---- auto


def test_auto_takes_an_ollama_that_answers():
    with server() as (host, asked):
        chosen = choose(settings(OLLAMA_HOST=host), AGENT)
    assert chosen.llm == "ollama"
    assert asked == ["/api/version"]
    assert chosen.why == (f"llm: Ollama answers at {host}",)


@pytest.mark.parametrize("form", ["{}", "http://{}", "http://{}/"])
def test_the_address_may_be_written_in_several_ways(form: str):
    with server() as (host, asked):
        assert choose(settings(OLLAMA_HOST=form.format(host)), AGENT).llm == "ollama"
    assert asked == ["/api/version"]


def test_auto_takes_the_playbook_when_nobody_answers():
    chosen = choose(settings(), AGENT)
    assert (chosen.stt, chosen.llm, chosen.tts) == ("whisper", "playbook", "piper")
    assert chosen.why == (f"llm: no Ollama at {NOWHERE}, so playbook",)


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("box", "http://box:11434"),
        ("box/", "http://box:11434"),
        ("box:99", "http://box:99"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:99", "http://[::1]:99"),
        ("http://box", "http://box"),  # port 80, as the client itself reads it
        ("https://box/", "https://box"),
        ("http://box:99", "http://box:99"),
    ],
)
def test_the_server_is_looked_for_where_the_client_will_call_it(host: str, asked: str):
    assert version_url(host) == f"{asked}/api/version"
    client = str(ollama.Client(host=host)._client.base_url)
    assert client.rstrip("/") == asked


@pytest.mark.parametrize("status", [404, 500, 503])
def test_another_server_at_the_address_is_no_ollama(status: int):
    with server(status) as (host, _):
        assert choose(settings(OLLAMA_HOST=host), AGENT).llm == "playbook"


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_a_server_of_another_kind_is_no_ollama(says: bytes):
    with talker(says) as host:
        assert choose(settings(OLLAMA_HOST=host), AGENT).llm == "playbook"


@pytest.mark.parametrize("host", ["127.0.0.1:abc", "http://127.0.0.1:1x", "http://[::1"])
def test_an_address_that_is_none_is_a_clear_line(host: str):
    with pytest.raises(BadInput, match="OLLAMA_HOST"):
        choose(settings(OLLAMA_HOST=host), AGENT)


# ---- who wins


def test_a_pin_asks_nobody():
    with server() as (host, asked):
        chosen = choose(settings(OLLAMA_HOST=host, LLM_PROVIDER="playbook"), AGENT)
    assert (chosen.llm, chosen.why, asked) == ("playbook", (), [])


def test_the_agents_own_providers_stand_in_for_auto():
    agent = replace(AGENT, llm_provider="llama_cpp", tts_provider="tone")
    chosen = choose(settings(), agent)
    assert (chosen.llm, chosen.tts) == ("llama_cpp", "tone")


def test_a_setting_wins_over_the_agent():
    agent = replace(AGENT, llm_provider="llama_cpp", tts_provider="tone")
    chosen = choose(settings(LLM_PROVIDER="playbook", TTS_PROVIDER="piper"), agent)
    assert (chosen.llm, chosen.tts) == ("playbook", "piper")


def test_a_pin_wins_over_the_environment():
    environ = {"LLM_PROVIDER": "ollama", "TTS_PROVIDER": "piper"}
    chosen = choose(settings(environ, LLM_PROVIDER="playbook", TTS_PROVIDER="tone"), AGENT)
    assert (chosen.llm, chosen.tts) == ("playbook", "tone")


KEY = {"DEEPGRAM_API_KEY": "k"}
"""An environment with an account of Deepgram."""


def test_auto_takes_deepgram_when_there_is_a_key():
    chosen = choose(settings(KEY), AGENT)
    assert (chosen.stt, chosen.tts) == ("deepgram", "deepgram")
    assert chosen.why[0] == "stt: DEEPGRAM_API_KEY is set, so deepgram"
    assert chosen.why[-1] == "tts: DEEPGRAM_API_KEY is set, so deepgram"


def test_a_key_that_happens_to_be_set_changes_no_pin():
    pins = {"STT_PROVIDER": "whisper", "LLM_PROVIDER": "playbook", "TTS_PROVIDER": "piper"}
    assert choose(settings(KEY, **pins), AGENT) == choose(settings(None, **pins), AGENT)


def test_a_key_changes_no_agent_that_names_its_own():
    agent = replace(AGENT, stt_provider="deepgram_flux", tts_provider="tone")
    chosen = choose(settings(KEY), agent)
    assert (chosen.stt, chosen.tts) == ("deepgram_flux", "tone")


@pytest.mark.parametrize(("table", "name"), [(STT, "deepgram"), (STT, "deepgram_flux")])
def test_deepgram_without_a_key_is_a_clear_line(table: Table[Any], name: str):
    with pytest.raises(SettingError, match="DEEPGRAM_API_KEY"):
        make(table, name, settings(), AGENT)


def test_settings_and_vocabulary_reach_deepgram():
    agent = replace(AGENT, vocabulary=("Northwind",), language="de")
    more = {"DEEPGRAM_STT_MODEL": "nova-3", "DEEPGRAM_ENDPOINTING_MS": 450}
    made = make(STT, "deepgram", settings(KEY, UTTERANCE_END_MS=1500, **more), agent)
    assert isinstance(made, Deepgram)
    assert made.settings == LiveSettings("nova-3", "de", 450, 1500, ("Northwind",))
    flux = make(STT, "deepgram_flux", settings(KEY, DEEPGRAM_EOT_THRESHOLD=0.9), agent)
    assert isinstance(flux, DeepgramFlux)
    assert (flux.settings.eot_threshold, flux.settings.vocabulary) == (0.9, ("Northwind",))
    voice = make(TTS, "deepgram", settings(KEY, DEEPGRAM_TTS_ENCODING="linear16"), agent)
    assert isinstance(voice, DeepgramVoice)
    assert voice.settings == AuraSettings("aura-2-thalia-en", "linear16")


@pytest.mark.parametrize(
    ("tts", "voice", "is_noted"),
    [
        ("deepgram", "aura-2-orion-en", False),
        ("deepgram", "anna.onnx", True),
        ("piper", "aura-2-orion-en", True),
        ("piper", "anna.onnx#3", False),
        ("piper", "", False),
        ("tone", "aura-2-orion-en", False),
    ],
)
def test_a_voice_of_another_provider_is_noted(tts: str, voice: str, is_noted: bool):
    agent = replace(AGENT, voice=voice)
    notes = choose(settings(KEY, TTS_PROVIDER=tts), agent).why
    line = f"tts: {voice!r} is no voice of {tts}, which speaks with its own"
    assert (line in notes) is is_noted
