"""Types of settings that pydantic does not have: lists in one line, paths, secrets, classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

JWT_SECRET_CHARS = 32
"""HS256 wants a key as long as its digest."""

NO_PHRASES = "none"
"""Means an empty list where an empty value means the list of the language."""

E164 = r"^\+[1-9]\d{6,14}$"


def _split(value: object) -> object:
    return (
        tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value
    )


def _phrases(value: object) -> object:
    return () if value == NO_PHRASES else _split(value)


def _home(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _long_enough(value: SecretStr) -> SecretStr:
    if 0 < len(value) < JWT_SECRET_CHARS:
        raise ValueError("too short")
    return value


OwnClass = Annotated[str, Field(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*$")]
"""`package.module:Class`, see own_class.py."""
Phrases = Annotated[tuple[str, ...] | None, BeforeValidator(_phrases)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
UserPath = Annotated[Path, BeforeValidator(_home)]
Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]

LongSecret = Annotated[SecretStr, AfterValidator(_long_enough)]
"""Empty, or as long as a key must be."""
