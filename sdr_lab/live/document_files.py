"""What documents that come in are kept as: the name and ending of their files."""

from __future__ import annotations

import secrets
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from sdr_lab.errors import BadInput
from sdr_lab.knowledge.documents import READERS

SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
"""Media type of a document by URL → what it is read as."""


def file_name(name: str) -> str:
    """Return the name of an upload without the folders that some clients send.

    Raises:
        BadInput: it has none, or an ending that can't be read.
    """
    plain = PurePosixPath(name.replace("\\", "/")).name
    stem, suffix = PurePosixPath(plain).stem, PurePosixPath(plain).suffix
    if suffix.casefold() not in READERS:
        allowed = ", ".join(sorted(READERS))
        raise BadInput(
            f"file {name!r}: files of kind {suffix or '(none)'} can't be read; allowed: {allowed}"
        )
    return f"{file_stem(stem)}{suffix.casefold()}"


def file_stem(title: str) -> str:
    """Return a title as a file can be named everywhere."""
    kept = "".join(c if c.isalnum() or c in "-_. " else "-" for c in title).strip(" .-")
    return kept[:80] or f"document-{secrets.token_hex(3)}"


def url_file(url: str, content_type: str) -> tuple[str, str]:
    """Return stem and ending of the file that a document by URL is kept as.

    Raises:
        BadInput: of a media type that can't be read.
    """
    path = PurePosixPath(unquote(urlsplit(url).path))
    media = content_type.partition(";")[0].strip().lower()
    if media in ("", "application/octet-stream", "text/plain") and (
        path.suffix.casefold() in READERS
    ):
        suffix = path.suffix.casefold()
    elif media in SUFFIXES:
        suffix = SUFFIXES[media]
    else:
        allowed = ", ".join(SUFFIXES)
        raise BadInput(f"{url}: is of type {media or '(none)'}; allowed: {allowed}")
    return file_stem(path.stem or urlsplit(url).hostname or "page"), suffix
