"""The errors that a user of sdr_lab may meet.

Each message is one line that says what was given, what is allowed and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


def reason_of(error: OSError) -> str:
    """Return why a file can't be written or read, in words that hold for a path as well.

    A folder that is wanted below a file is "File exists" to the system, which helps nobody.
    """
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "a part of that path is a file, not a folder"
    return error.strerror or type(error).__name__


class SdrLabError(Exception):
    """The root of all errors that sdr_lab raises on purpose. Commands print it and exit 1."""


class BadInput(SdrLabError):
    """Something the user gave can't be used: a file, a setting, a name, a number."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field
        """What it is about in the body of a request, such as `to_number` or
        `dynamic_variables.name`; empty: not said."""


class SettingError(BadInput):
    """A setting has a wrong name, type or range."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"setting {name}: got {value!r}, allowed: {allowed}")
        self.name = name
        self.value = value
        self.allowed = allowed


class AudioError(BadInput):
    """A file or a buffer that should hold sound does not."""


class NotFound(BadInput):
    """A named thing (agent, call, provider, document) does not exist."""


class Conflict(BadInput):
    """What was asked for contradicts what is there: a name in use, a call that is over."""


class Refused(SdrLabError):
    """What was asked for must not be done: a number that must not be called, a bad signature,
    a private address."""


class SlotTaken(BadInput):
    """A time can't be booked: taken, outside business hours, off the grid or past."""

    def __init__(self, message: str, alternatives: Sequence[datetime] = ()) -> None:
        super().__init__(message)
        self.alternatives = list(alternatives)
        """Free times near the one that was asked for, soonest first."""


class MissingPackage(SdrLabError):
    """A model package or an optional library is not installed. The message says how to get it."""


class ProviderError(SdrLabError):
    """A provider (speech to text, language model, text to speech) failed or timed out."""

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(f"{provider}: {reason}")
        self.provider = provider
        self.reason = reason


class StorageError(SdrLabError):
    """The workspace can't be read or written (disk full, read-only, damaged)."""
