from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sdr_lab.api.greeting import greeting
from sdr_lab.api.serve import listen, main, settings_from
from sdr_lab.config import Settings
from sdr_lab.errors import BadInput, SettingError

ROOT = Path(__file__).parents[2]


def on(settings: Settings, host: str, port: int = 0, **changes: object) -> Settings:
    changed = settings.changed("test", SDR_LAB_HOST=host, **changes)
    return changed.model_copy(update={"port": port})  # 0: any free one; no setting of a user


@contextmanager
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


# ---- options


def test_options_win_over_settings(tmp_path: Path):
    env = tmp_path / "env"
    env.write_text("PORT=9100\nLOG_LEVEL=ERROR\nTOP_K=5\n")

    settings = settings_from(
        ["--env-file", str(env), "--port", "9200", "--host", "::1", "--home", str(tmp_path),
         "--log-level", "debug", "--set", "top_k=7"]
    )  # fmt: skip

    assert (settings.port, settings.sdr_lab_host, settings.log_level) == (9200, "::1", "DEBUG")
    assert (settings.sdr_lab_home, settings.top_k) == (tmp_path, 7)


def test_without_options_settings_hold(tmp_path: Path):
    env = tmp_path / "env"
    env.write_text("PORT=9100\n")

    assert settings_from(["--env-file", str(env)]).port == 9100


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--port", "70000"], "PORT"),
        (["--set", "TOP_K"], "NAME=VALUE"),
        (["--set", "TOP_KK=1"], "did you mean TOP_K"),
        (["--env-file", "/nothing/.env"], "/nothing/.env"),
    ],
)
def test_a_wrong_option_is_one_line_and_code_1(
    option: list[str], told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.chdir(tmp_path)

    assert main(option) == 1

    error = capsys.readouterr().err
    assert error.startswith("server.py: ")
    assert error.count("\n") == 1
    assert told in error


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["--prt", "1"])


# ---- the address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_of_this_machine_needs_no_key(settings: Settings, host: str):
    with listen(on(settings, host)) as place:
        assert place.getsockname()[0] in ("127.0.0.1", "::1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_for_all_needs_keys(settings: Settings, host: str):
    with pytest.raises(BadInput, match="API_KEYS is empty"):
        listen(on(settings, host))
    if host == "0.0.0.0":
        listen(on(settings, host, API_KEYS="ann")).close()


def test_a_port_in_use(settings: Settings):
    with taken() as port, pytest.raises(BadInput, match=f"port {port} is in use.*--port"):
        listen(on(settings, "127.0.0.1", port))


def test_an_address_that_is_not_there(settings: Settings):
    with pytest.raises(BadInput, match="--host"):
        listen(on(settings, "203.0.113.1", API_KEYS="ann"))


# ---- what is said


def test_the_greeting_says_what_works_and_what_is_missing(settings: Settings, tmp_path: Path):
    text = greeting(
        settings.changed("test", WHISPER_MODEL_PATH=str(tmp_path / "nothing")),
        "http://127.0.0.1:9001",
    )

    assert "listens on  http://127.0.0.1:9001" in text
    assert "whisper → playbook → piper" in text
    assert "TWILIO_AUTH_TOKEN, PUBLIC_URL not set" in text
    assert "API_KEYS is empty" in text
    assert "missing     whisper weights" in text
    assert "WARNING" not in text


def test_the_greeting_of_a_connected_server_holds_no_secret(settings: Settings):
    connected = settings.changed(
        "test",
        API_KEYS="key-one,key-two",
        TWILIO_ACCOUNT_SID="AC" + "0" * 32,
        TWILIO_AUTH_TOKEN="very-secret",
        TWILIO_PHONE_NUMBER="+13125550123",
        PUBLIC_URL="https://calls.example/",
        INSECURE_SKIP_SIGNATURES=True,
    )

    text = greeting(connected, "http://127.0.0.1:9001")

    assert "https://calls.example/voice/incoming" in text
    assert "2 in API_KEYS" in text
    assert "WARNING     INSECURE_SKIP_SIGNATURES is on" in text
    assert "very-secret" not in text
    assert "key-one" not in text
    assert "PUBLIC_URL without API_KEYS" not in text
    open_to_all = greeting(connected.changed("test", API_KEYS=""), "http://127.0.0.1:9001")
    assert "WARNING     PUBLIC_URL without API_KEYS" in open_to_all


# ---- the process


def started(home: Path, *options: str) -> subprocess.Popen[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "server.py"), "--home", str(home), *options],
        cwd=home,
        env=kept | {"LLM_PROVIDER": "playbook", "TTS_PROVIDER": "tone", "EMBED_MODEL": "hash"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_serves_and_ends_in_order(home: Path):
    with taken() as port:
        pass  # free again
    server = started(home, "--port", str(port), "--set", "DEBUG=true")
    assert server.stdout is not None
    assert server.stdout.readline().startswith("sdr_lab ")
    assert f"http://127.0.0.1:{port}" in server.stdout.readline()

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/health")
    reply = connection.getresponse()
    reply.read()
    connection.close()
    server.send_signal(signal.SIGINT)
    _, errors = server.communicate(timeout=30)

    assert (reply.status, reply.getheader("server")) == (200, None)
    assert server.returncode == 0
    assert "→ GET /health" in errors
    assert "← 200 GET /health" in errors
    assert "Application shutdown complete" in errors
    assert "Traceback" not in errors
    written = [path for path in home.rglob("*") if "__pycache__" not in path.parts]
    assert written
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_a_second_server_on_the_same_port_says_so(home: Path):
    with taken() as port:
        second = started(home, "--port", str(port))
        out, errors = second.communicate(timeout=30)

    assert second.returncode == 1
    assert errors.startswith(f"server.py: port {port} is in use")
    assert out == ""


def test_settings_that_are_wrong_are_named(home: Path):
    server = started(home, "--set", "PUBLIC_URL=calls.example")
    _, errors = server.communicate(timeout=30)

    assert server.returncode == 1
    assert "PUBLIC_URL" in errors
    assert errors.count("\n") == 1
    with pytest.raises(SettingError):
        settings_from(["--set", "PUBLIC_URL=calls.example"])
