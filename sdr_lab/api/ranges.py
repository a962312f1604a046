"""Replies with parts of something long: `Range`, `HEAD`, `ETag`.

Source: RFC 9110, sections 8.8 (validators), 13 (conditions) and 14 (ranges). Of several ranges in
one request none is served: the whole is sent, which the RFC allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

PIECE_BYTES = 65_536

_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)", re.IGNORECASE)


class Content(Protocol):
    """Bytes that are made or read as they are asked for."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    @property
    def etag(self) -> str:
        """A strong validator, with its quotes: it changes when a byte does."""
        ...

    @property
    def media_type(self) -> str: ...

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to, not including, `end`. Blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A part of something, `end` not included."""

    start: int
    end: int


def wanted_part(header: str, size: int) -> Part | None:
    """Return the part that a `Range` header asks for; None: the whole.

    Raises:
        ValueError: it can't be satisfied.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(1, 2) == ("", ""):
        return None  # another unit, several ranges or nonsense: ignored
    first, last = match.group(1, 2)
    if not first:
        length = int(last)
        if length == 0 or size == 0:
            raise ValueError(header)
        return Part(max(0, size - length), size)
    start = int(first)
    if start >= size:
        raise ValueError(header)
    if last and int(last) < start:
        return None  # not a range at all
    return Part(start, min(size, int(last) + 1) if last else size)


def ranged(request: Request, content: Content, headers: dict[str, str]) -> Response:
    """Answer a GET or HEAD for all or a part of `content`."""
    size, etag = content.size, content.etag
    common = {"Accept-Ranges": "bytes", "ETag": etag, "Cache-Control": "private, no-cache"}
    common |= headers
    if etag in (tag.strip() for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=common)
    header = request.headers.get("range", "")
    condition = request.headers.get("if-range", "")
    part, status = Part(0, size), 200
    if header and condition in ("", etag):
        try:
            found = wanted_part(header, size)
        except ValueError:
            return Response(status_code=416, headers=common | {"Content-Range": f"bytes */{size}"})
        if found is not None:
            part, status = found, 206
            common["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    common["Content-Length"] = str(part.end - part.start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=common, media_type=content.media_type)
    return StreamingResponse(
        pieces(content, part), status_code=status, headers=common, media_type=content.media_type
    )


def pieces(content: Content, part: Part) -> Iterator[bytes]:
    """Yield a part piece by piece; Starlette asks for each in a thread."""
    for start in range(part.start, part.end, PIECE_BYTES):
        yield content.read(start, min(part.end, start + PIECE_BYTES))
