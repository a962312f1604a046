"""Which file of a knowledge base is the current one.

    <home>/<name>/current              one line: the version, replaced atomically
    <home>/<name>/<version>.duckdb     never changed once `current` has named it
    <home>/<name>/.building-*.duckdb   an ingest at work, or one that was killed
    <home>/<name>/.lock                held by the ingest at work

DuckDB lets no one read a file while a process writes it, so an ingest writes a new file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdr_lab.errors import BadInput, StorageError, reason_of

KEPT = 2
"""Versions kept: the current one and the one before, which a reader may be about to open."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VERSION = re.compile(r"(\d{4,})-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of one knowledge base."""

    folder: Path

    @classmethod
    def of(cls, home: Path, name: str) -> Versions:
        """
        Raises:
            BadInput: `name` can't be the name of a folder.
        """
        if not _NAME.fullmatch(name):
            raise BadInput(
                f"knowledge base {name!r}: allowed are 1 to 64 letters, digits, '.', '_' and '-', "
                "beginning with a letter or digit"
            )
        return cls(home / name)

    @property
    def pointer(self) -> Path:
        return self.folder / "current"

    def current(self) -> str:
        """Return the current version, empty when there is none."""
        try:
            version = self.pointer.read_text().strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise StorageError(
                f"{self.pointer}: can't be read ({reason_of(error)}); check SDR_LAB_HOME"
            ) from error
        if not _VERSION.fullmatch(version):
            raise StorageError(
                f"{self.pointer}: damaged; delete that folder, then ingest the documents again"
            )
        return version

    def mark(self) -> tuple[int, int, int]:
        """A value that changes whenever the pointer is switched; costs one `stat`."""
        try:
            stat = self.pointer.stat()
        except OSError:
            return (0, 0, 0)
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size)

    def file(self, version: str) -> Path:
        return self.folder / f"{version}.duckdb"

    def following(self, content: str) -> str:
        """Name the version after the current one: a number that grows, and the content's hash."""
        newest = max((_number(path.stem) for path in self.folder.glob("*.duckdb")), default=0)
        return f"{max(newest, _number(self.current())) + 1:04d}-{content}"

    def building(self) -> Path:
        """A path for an index that is being built; only for the holder of the lock."""
        return self.folder / f".building-{os.getpid()}.duckdb"

    def switch(self, built: Path, version: str) -> None:
        """Make a finished file the current version. Either all of it happens or nothing."""
        try:
            _sync(built)
            os.replace(built, self.file(version))
            draft = self.folder / ".current"
            draft.write_text(f"{version}\n")
            _sync(draft)
            os.replace(draft, self.pointer)
            _sync(self.folder)
        except OSError as error:
            raise StorageError(f"{self.folder}: can't switch ({reason_of(error)})") from error

    def clean(self) -> None:
        """Remove what killed ingests left and all but the last versions; only under the lock.

        A reader that has opened a removed file reads on; one that was about to open it finds the
        pointer switched and follows (`search.py`).
        """
        for left in [*self.folder.glob(".building-*"), *self.folder.glob(".current")]:
            left.unlink(missing_ok=True)
        current = self.current()
        others = [path for path in self.folder.glob("*.duckdb") if path.stem != current]
        others.sort(key=lambda path: _number(path.stem), reverse=True)
        never_switched = [path for path in others if _number(path.stem) > _number(current)]
        older = [path for path in others if path not in never_switched]
        for path in [*never_switched, *older[KEPT - 1 :]]:
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self, wait_s: float) -> Iterator[None]:
        """Hold the right to build. The lock goes with its process, also when that is killed.

        Raises:
            StorageError: Another ingest still runs after `wait_s`, or the folder is read-only.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / ".lock")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=wait_s)
        except Timeout:
            raise StorageError(
                f"knowledge base {self.folder.name!r}: another ingest is running "
                f"(waited {wait_s:g} s); try again when it has finished"
            ) from None
        except OSError as error:
            raise StorageError(
                f"{self.folder}: can't be written ({reason_of(error)}); make the workspace "
                "writable or set SDR_LAB_HOME to another folder"
            ) from error
        try:
            yield
        finally:
            lock.release()


def _number(version: str) -> int:
    match = _VERSION.fullmatch(version)
    return int(match[1]) if match else 0


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
