"""What a wheel would hold."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import sdr_lab

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sdr_lab"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_folder_of_code_is_a_package():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    bare = {folder for folder in folders if not (folder / "__init__.py").is_file()}

    # alembic runs its revisions from their files
    assert {str(folder.relative_to(PACKAGE)) for folder in bare} <= {"store/migrations/versions"}


def test_files_that_are_no_code_are_in_the_wheel():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    left_out = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*")
        if path.is_file()
        and path.suffix not in (".py", ".pyc")
        and not any(fnmatch(path.name, pattern) for pattern in patterns)
    ]

    assert not left_out


def test_the_version_is_the_same_everywhere():
    assert PROJECT["project"]["version"] == sdr_lab.__version__


def test_the_gpl_voice_is_no_dependency():
    assert not [name for name in PROJECT["project"]["dependencies"] if "piper" in name]
