from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdr_lab.config import Settings
from sdr_lab.errors import StorageError
from sdr_lab.logs import set_up_logs

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


def test_setting_up_twice_does_not_log_twice(home: Path):
    set_up_logs(load(home))
    set_up_logs(load(home))

    LOG.info("once")

    assert (home / "logs" / "lab.log").read_text().count("once") == 1


def test_a_file_that_cannot_be_written(home: Path):
    (home / "file").touch()

    with pytest.raises(StorageError, match="LOG_FILE"):
        set_up_logs(load(home, LOG_FILE=home / "file" / "lab.log"))
