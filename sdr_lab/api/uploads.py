"""Forms with files, read without ever keeping more than is allowed, on disk or in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from sdr_lab.api.errors import ApiError, FieldError

MOST_FILES = 20
MOST_FIELDS = 20

AROUND_BYTES = 2**16
"""What the form may be larger than its files."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """What a form held."""

    files: tuple[Upload, ...]
    fields: dict[str, str]


def media_type(request: Request) -> str:
    """Return what kind of body a request has, in small letters without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_form(request: Request, most_mb: float) -> Form:
    """Read a form.

    Args:
        most_mb: Of all its files together.

    Raises:
        ApiError: 413, it is larger.
        FieldError: it is no form.
    """
    most_bytes = int(most_mb * 2**20) + AROUND_BYTES
    stream = limited(request.stream(), most_bytes, most_mb)
    parser = MultiPartParser(request.headers, stream, max_files=MOST_FILES, max_fields=MOST_FIELDS)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise FieldError(("body",), f"the form can't be read: {error.message}") from error
    except (KeyError, ValueError) as error:  # no boundary, odd headers
        raise FieldError(("body",), "the form can't be read: send multipart/form-data") from error
    try:
        files = [
            Upload(value.filename or "", await value.read())
            for _, value in form.multi_items()
            if isinstance(value, UploadFile)
        ]
        fields = {key: value for key, value in form.multi_items() if isinstance(value, str)}
    finally:
        await form.close()
    return Form(tuple(files), fields)


async def limited(
    stream: AsyncIterator[bytes], most_bytes: int, most_mb: float
) -> AsyncGenerator[bytes, None]:
    """Pass a body on, up to a size."""
    total = 0
    async for piece in stream:
        total += len(piece)
        if total > most_bytes:
            raise ApiError(
                413,
                "too_large",
                f"the upload is larger than {most_mb:g} MB (MAX_DOCUMENT_MB): split it",
            )
        yield piece
