"""Where messages of the lab go: standard error and, if LOG_FILE is set, a file that rotates.

Phone numbers and the values of secrets are hidden, whoever wrote them into a message.
"""

from __future__ import annotations

import logging
import re
from logging.handlers import RotatingFileHandler

from sdr_lab.config import Settings
from sdr_lab.errors import StorageError, reason_of

MAX_BYTES = 10_000_000
KEPT_FILES = 5

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

PHONE_NUMBER = re.compile(r"\+\d{3,11}(\d{4})\b")


class Masked(logging.Formatter):
    """Formats a message and hides what must not be in a log."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(FORMAT)
        names = [info.name for info in map(settings.describe, settings.names()) if info.is_secret]
        secrets = [settings.secret(name) for name in names]
        self._secrets = [*filter(None, secrets), *settings.accepted_keys()]

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "********")
        return PHONE_NUMBER.sub(r"+***\1", text)


def set_up_logs(settings: Settings) -> None:
    """Send what the package logs to where the settings say. Other libraries are left alone.

    Raises:
        StorageError: LOG_FILE can't be written.
    """
    logger = logging.getLogger("sdr_lab")
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if settings.log_file is not None:
        try:
            settings.log_file.parent.mkdir(parents=True, exist_ok=True)
            file = RotatingFileHandler(
                settings.log_file, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8"
            )
        except OSError as error:
            raise StorageError(
                f"LOG_FILE {settings.log_file}: can't be written ({reason_of(error)})"
            ) from error
        handlers.append(file)
    for handler in handlers:
        handler.setFormatter(Masked(settings))
        logger.addHandler(handler)
    logger.setLevel("DEBUG" if settings.debug else settings.log_level)
    logger.propagate = False
