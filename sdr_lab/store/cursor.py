"""Cursors of lists that are sorted by a moment and an id, newest first."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from sdr_lab.errors import BadInput


def write_cursor(at: datetime, last_id: str) -> str:
    """Return the cursor behind an entry: opaque, safe in a URL."""
    text = f"{at.isoformat()} {last_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """Return the moment and the id of the entry that a page ended with.

    Raises:
        BadInput: it is no cursor that `write_cursor` made.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, _, last_id = text.partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(at)
        return moment, last_id
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"cursor {cursor!r} is not one that a list gave") from error
