from __future__ import annotations

from pathlib import Path

import pytest

from sdr_lab.errors import BadInput, StorageError
from sdr_lab.knowledge.versions import Versions


def build(versions: Versions, content: str) -> str:
    versions.folder.mkdir(parents=True, exist_ok=True)
    versions.building().write_text(content)
    version = versions.following(content)
    versions.switch(versions.building(), version)
    return version


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a b", "x" * 65, "ä", "-x"])
def test_names_that_are_no_folder_names(tmp_path: Path, name: str):
    with pytest.raises(BadInput, match=r"knowledge base .*: allowed are"):
        Versions.of(tmp_path, name)


def test_versions_count_up_and_name_their_content(home: Path):
    versions = Versions.of(home, "a")
    assert versions.current() == ""

    assert build(versions, "11111111") == "0001-11111111" == versions.current()
    mark = versions.mark()
    assert build(versions, "22222222") == "0002-22222222" == versions.current()
    assert versions.mark() != mark
    assert versions.file("0002-22222222").read_text() == "22222222"


def test_the_current_version_and_the_one_before_are_kept(home: Path):
    versions = Versions.of(home, "a")
    for content in ("11111111", "22222222", "33333333"):
        build(versions, content)
    versions.clean()

    names = sorted(path.name for path in versions.folder.iterdir())
    assert names == ["0002-22222222.duckdb", "0003-33333333.duckdb", "current"]


def test_what_killed_ingests_left_is_removed(home: Path):
    versions = Versions.of(home, "a")
    build(versions, "11111111")
    build(versions, "22222222")
    for left in (".building-1.duckdb", ".building-1.duckdb.wal", ".current"):
        (versions.folder / left).touch()
    versions.file("0003-33333333").touch()  # killed between the file and the pointer

    assert versions.current() == "0002-22222222"
    assert versions.following("44444444") == "0004-44444444"
    versions.clean()

    names = sorted(path.name for path in versions.folder.iterdir())
    assert names == ["0001-11111111.duckdb", "0002-22222222.duckdb", "current"]


def test_a_damaged_pointer_is_reported(home: Path):
    versions = Versions.of(home, "a")
    build(versions, "11111111")
    versions.pointer.write_text("../../etc/passwd")

    with pytest.raises(StorageError, match="damaged; delete that folder, then ingest"):
        versions.current()


def test_one_ingest_at_a_time(home: Path):
    first, second = Versions.of(home, "a"), Versions.of(home, "a")
    with (
        first.locked(0),
        pytest.raises(StorageError, match="'a': another ingest is running"),
        second.locked(0),
    ):
        raise AssertionError("both hold the lock")
    with second.locked(0):
        assert second.folder.is_dir()


def test_a_folder_that_can_not_be_made(tmp_path: Path):
    (tmp_path / "file").touch()

    with (
        pytest.raises(StorageError, match="can't be written"),
        Versions.of(tmp_path / "file", "a").locked(0),
    ):
        raise AssertionError("locked a file")
