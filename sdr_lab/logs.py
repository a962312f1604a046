"""Where messages of the lab go: standard error and, if LOG_FILE is set, a file that rotates.

Phone numbers, the values of secrets and tokens in addresses are hidden, whoever wrote them into
a message. What is logged within `about_call` carries the conversation id.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler

from sdr_lab.config import Settings
from sdr_lab.errors import StorageError, reason_of

MAX_BYTES = 10_000_000
KEPT_FILES = 5

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
FORMAT_IN_CALL = "%(asctime)s %(levelname)s %(name)s [%(conversation_id)s]: %(message)s"

HIDDEN = "********"

PHONE_NUMBER = re.compile(r"(\+|%2B)\d{3,11}(\d{4})(?!\d)", re.IGNORECASE)

TOKENS = re.compile(
    r"(/media-stream/|[?&;]?\b(?:token|signature|conversation_signature|api_key|xi-api-key)[=:]\s?"
    r"|\bBearer\s+)[^\s\"'&/?,;]+"
    r"|\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]+"
    r"|\bwhsec_\w+",
    re.IGNORECASE,
)
"""Tokens in paths, queries and headers, JSON web tokens, secrets of webhooks."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters with which a path or a name could begin a line of its own, or steer a terminal."""

PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "conversation_id"}
"""What every record has; anything else was given as `extra=`."""

_conversation: ContextVar[str] = ContextVar("conversation", default="")


@contextmanager
def about_call(conversation_id: str) -> Iterator[None]:
    """Put the conversation id on what is logged inside, tasks begun there included."""
    token = _conversation.set(conversation_id)
    try:
        yield
    finally:
        _conversation.reset(token)


class OneLine(logging.Formatter):
    """Keeps a message on one line, whatever clients have put into it. Tracebacks follow it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        text = record.message.rstrip()
        record.message = CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
        return super().formatMessage(record)


class Masked(OneLine):
    """Formats a message and hides what must not be in a log."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(FORMAT)
        self._in_call = OneLine(FORMAT_IN_CALL)
        names = [info.name for info in map(settings.describe, settings.names()) if info.is_secret]
        secrets = [settings.secret(name) for name in names]
        self._secrets = [*filter(None, secrets), *settings.accepted_keys()]

    def format(self, record: logging.LogRecord) -> str:
        conversation_id = _conversation.get()
        if not conversation_id:
            return self.hide(super().format(record))
        record.conversation_id = conversation_id
        return self.hide(self._in_call.format(record))

    def hide(self, text: str) -> str:
        """Return the text without secrets, tokens and phone numbers."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = TOKENS.sub(lambda found: f"{found[1] or ''}{HIDDEN}", text)
        return PHONE_NUMBER.sub(r"\1***\2", text)


class MaskedJson(Masked):
    """One JSON object a line; what was given as `extra=` becomes fields of it."""

    def format(self, record: logging.LogRecord) -> str:
        row: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.hide(record.getMessage()),
        }
        if conversation_id := _conversation.get():
            row["conversation_id"] = conversation_id
        for name in vars(record).keys() - PLAIN:
            value = getattr(record, name)
            row[name] = value if isinstance(value, int | float) else self.hide(str(value))
        if record.exc_info:
            row["exception"] = self.hide(self.formatException(record.exc_info))
        return json.dumps(row, ensure_ascii=False)


def set_up_logs(settings: Settings, others: Sequence[str] = ()) -> None:
    """Send what the package logs to where the settings say.

    Args:
        others: Loggers of libraries that go the same way, at LOG_LEVEL; all others are left alone.

    Raises:
        StorageError: LOG_FILE can't be written.
    """
    handlers = _handlers(settings)
    formatter = (MaskedJson if settings.log_format == "json" else Masked)(settings)
    for handler in handlers:
        handler.setFormatter(formatter)
    ours = "DEBUG" if settings.debug else settings.log_level
    for name, level in [("sdr_lab", ours), *((name, settings.log_level) for name in others)]:
        logger = logging.getLogger(name)
        for old in list(logger.handlers):
            logger.removeHandler(old)
            old.close()
        for handler in handlers:
            logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False


def _handlers(settings: Settings) -> list[logging.Handler]:
    if settings.log_file is None:
        return [logging.StreamHandler()]
    try:
        settings.log_file.parent.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            settings.log_file, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8"
        )
    except OSError as error:
        raise StorageError(
            f"LOG_FILE {settings.log_file}: can't be written ({reason_of(error)})"
        ) from error
    return [logging.StreamHandler(), file]
