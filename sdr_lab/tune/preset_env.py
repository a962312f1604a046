"""Setting variables in a `.env` file without touching anything else in it."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from pathlib import Path

from sdr_lab.errors import BadInput, StorageError, reason_of

_VALUE = re.compile(r"""[ \t]*(?:'[^']*'|"(?:[^"\\]|\\.)*"|(?:(?![ \t]+#)[^\r\n])*)""", re.DOTALL)
"""What follows the equals sign: quoted, perhaps over several lines, or up to a comment."""


def update_env(path: Path, lines: Mapping[str, str]) -> None:
    """Set variables in a file of NAME=value lines; comments and all other lines stay.

    The file is replaced as a whole, with the permissions that it had; a new one is its owner's
    alone, for a `.env` tends to hold secrets.

    Raises:
        BadInput: it can't be read as text.
        StorageError: it can't be written.
    """
    path = path.resolve()  # a link stays a link
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else ""
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    except (OSError, UnicodeDecodeError) as error:
        why = reason_of(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(f"{path}: can't be read ({why}); give a text file") from None
    part = path.with_name(f".{path.name}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(with_lines(text, lines).encode())
        os.chmod(part, mode)  # the umask may have taken something away
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"{path}: can't write: {reason_of(error)}") from None


def with_lines(text: str, lines: Mapping[str, str]) -> str:
    """Return the text of a `.env` file with these variables set; new ones come at the end."""
    from dotenv.parser import parse_stream

    made: list[str] = []
    missing = dict(lines)
    for binding in parse_stream(io.StringIO(text, newline="")):
        original, key = binding.original.string, binding.key
        if key is not None and key in lines and not binding.error:
            missing.pop(key, None)
            original = _changed(original, lines[key])
        made.append(original)
    end = "\r\n" if "\r\n" in text else "\n"
    if missing and made and not made[-1].endswith("\n"):
        made.append(end)
    return "".join((*made, *(f"{name}={value}{end}" for name, value in missing.items())))


def _changed(line: str, value: str) -> str:
    """Put another value into a NAME=value line; what stands before and behind it stays."""
    head, equals, rest = line.partition("=")
    if not equals:  # NAME alone
        name = head.rstrip()
        return f"{name}={value}{head[len(name) :]}"
    found = _VALUE.match(rest)
    return f"{head}={value}{rest[found.end() if found else 0 :]}"
