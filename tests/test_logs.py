from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdr_lab.config import Settings
from sdr_lab.errors import StorageError
from sdr_lab.logs import about_call, set_up_logs

LOG = logging.getLogger("sdr_lab.tests")


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    logger = logging.getLogger("sdr_lab")
    before = (list(logger.handlers), logger.level, logger.propagate)
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:], logger.level, logger.propagate = before[0], before[1], before[2]


def load(home: Path, **values: object) -> Settings:
    return Settings.load(None, {"LOG_FILE": home / "logs" / "lab.log", **values}, environ={})


def test_messages_go_to_the_file_and_to_standard_error(home: Path, capsys):
    set_up_logs(load(home))

    LOG.info("call %s has begun", "conv_1")
    LOG.debug("not asked for")

    text = (home / "logs" / "lab.log").read_text()
    assert text.count("\n") == 1
    assert "INFO sdr_lab.tests: call conv_1 has begun" in text
    assert "call conv_1 has begun" in capsys.readouterr().err


def test_level_and_debug(home: Path):
    for values, expected in (
        ({}, "INFO"),
        ({"LOG_LEVEL": "warning"}, "WARNING"),
        ({"LOG_LEVEL": "warning", "DEBUG": "true"}, "DEBUG"),
    ):
        set_up_logs(load(home, **values))
        assert logging.getLevelName(logging.getLogger("sdr_lab").level) == expected


def test_secrets_and_phone_numbers_are_hidden(home: Path):
    set_up_logs(load(home, DEEPGRAM_API_KEY="dg-12345", API_KEYS="one-key, two-key"))

    try:
        raise ValueError("refused key dg-12345")
    except ValueError:
        LOG.exception("dialling +15550123456 with %s", "two-key")

    text = (home / "logs" / "lab.log").read_text()
    assert "+***3456" in text
    assert not any(secret in text for secret in ("dg-12345", "two-key", "+15550123456"))


def test_nobody_writes_a_line_of_his_own(home: Path):
    set_up_logs(load(home))
    path = "/x\n2026-01-01 INFO forged\r\x1b[2J\u2028\x9b31m"

    LOG.warning("%s refused", path)
    with about_call("conv_1"):
        LOG.warning("%s refused", path)
    LOG.warning("what a library ends with a newline\n")

    text = (home / "logs" / "lab.log").read_text()
    assert len(text.splitlines()) == 3
    assert text.count(r"/x\n2026-01-01 INFO forged\r\x1b[2J\u2028\x9b31m refused") == 2
    assert text.endswith("newline\n")


def test_setting_up_twice_does_not_log_twice(home: Path):
    set_up_logs(load(home))
    set_up_logs(load(home))

    LOG.info("once")

    assert (home / "logs" / "lab.log").read_text().count("once") == 1


def test_a_file_that_cannot_be_written(home: Path):
    (home / "file").touch()

    with pytest.raises(StorageError, match="LOG_FILE"):
        set_up_logs(load(home, LOG_FILE=home / "file" / "lab.log"))


@pytest.mark.parametrize(
    ("message", "secret"),
    [
        ("WebSocket /media-stream/Zm9vYmFyYmF6 closed", "Zm9vYmFyYmF6"),
        ("wss://x.example/media-stream/Zm9vYmFy?x=1", "Zm9vYmFy"),
        ("GET /v1?agent_id=a&conversation_signature=eyJh.b.c&x=1", "eyJh.b.c"),
        ("token=abc.def-ghi", "abc.def-ghi"),
        ("header Authorization: Bearer abc.def-ghi was refused", "abc.def-ghi"),
        ("link eyJhbGciOiJI.eyJzdWIiOiIx.SflKxw-adQ expired", "SflKxw-adQ"),
        ("signed with whsec_0123456789abcdef", "0123456789abcdef"),
        ("From=%2B15550123456&To=", "5550123"),
        ("dial +15550123456, then +442071838750.", "+1555012"),
    ],
)
def test_tokens_and_numbers_in_addresses_are_hidden(home: Path, message: str, secret: str):
    for log_format in ("text", "json"):
        set_up_logs(load(home, LOG_FORMAT=log_format))
        LOG.info(message)
        LOG.info("see %s", message)

    text = (home / "logs" / "lab.log").read_text()
    assert text.count("\n") == 4
    assert secret not in text


def test_what_surrounds_a_secret_stays(home: Path):
    set_up_logs(load(home))

    LOG.info("GET /media-stream/Zm9v?a=1 from +15550123456 as conv_0123456789")

    text = (home / "logs" / "lab.log").read_text()
    assert "GET /media-stream/********?a=1 from +***3456 as conv_0123456789" in text


async def test_lines_of_a_call_carry_its_id(home: Path):
    set_up_logs(load(home))

    async def call(name: str) -> None:
        with about_call(name):
            LOG.info("%s begins", name)
            await asyncio.sleep(0)
            await asyncio.to_thread(LOG.info, f"{name} in a thread")

    LOG.info("before")
    async with asyncio.TaskGroup() as group:
        group.create_task(call("conv_a"))
        group.create_task(call("conv_b"))
    LOG.info("after")

    lines = (home / "logs" / "lab.log").read_text().splitlines()
    assert sorted(line.split("sdr_lab.tests")[1] for line in lines) == [
        " [conv_a]: conv_a begins",
        " [conv_a]: conv_a in a thread",
        " [conv_b]: conv_b begins",
        " [conv_b]: conv_b in a thread",
        ": after",
        ": before",
    ]


def test_json_lines(home: Path):
    set_up_logs(load(home, LOG_FORMAT="json", API_KEYS="one-key"))

    with about_call("conv_1"):
        LOG.warning('said "%s"', "hi\nthere", extra={"turn": 3, "number": "+15550123456"})
    try:
        raise ValueError("one-key")
    except ValueError:
        LOG.exception("failed")

    first, second = map(json.loads, (home / "logs" / "lab.log").read_text().splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "WARNING",
        "logger": "sdr_lab.tests",
        "message": 'said "hi\nthere"',
        "conversation_id": "conv_1",
        "turn": 3,
        "number": "+***3456",
    }
    assert "ValueError: ********" in second["exception"]
    assert "conversation_id" not in second


def test_libraries_that_are_named_go_the_same_way(home: Path):
    library = logging.getLogger("acme")
    before = (list(library.handlers), library.level, library.propagate)
    try:
        set_up_logs(load(home, DEBUG="true"), ["acme"])
        logging.getLogger("acme.server").info("token=secret")
        logging.getLogger("acme.server").debug("chatter")
        LOG.debug("ours")
    finally:
        library.handlers[:], library.level, library.propagate = before

    text = (home / "logs" / "lab.log").read_text()
    assert "INFO acme.server: token=********" in text
    assert "ours" in text
    assert "chatter" not in text


def test_a_full_file_makes_way(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sdr_lab.logs.MAX_BYTES", 200)
    set_up_logs(load(home))

    for number in range(20):
        LOG.info("line %d", number)

    kept = {path.name for path in (home / "logs").iterdir()}
    assert {"lab.log", "lab.log.1", "lab.log.5"} <= kept
    assert "lab.log.6" not in kept
