"""Modules that a test writes and imports."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def importable(folder: Path, name: str, source: str) -> Iterator[Path]:
    """Write a module and put its folder on the path, as PYTHONPATH would."""
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield path
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)
