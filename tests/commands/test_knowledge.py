from __future__ import annotations

from pathlib import Path

import pytest

HASH = ("--set", "EMBED_MODEL=hash")


@pytest.fixture
def prices(home: Path) -> Path:
    path = home.parent / "prices.md"
    path.write_text("# Prices\n\nThe Starter plan costs 49 dollars per month.\n")
    return path


def test_ingest_then_search(run, run_json, prices: Path):
    done = run(*HASH, "ingest", prices).stdout
    again = run(*HASH, "ingest", prices).stdout
    found = run_json(*HASH, "search", "starter plan costs")

    assert "1 documents read, 0 unchanged, 1 passages" in done
    assert "0 documents read, 1 unchanged" in again
    assert found[0]["source"] == "prices.md"
    assert "49 dollars" in found[0]["text"]
    assert "49 dollars" in run(*HASH, "search", "starter plan costs").stdout
    assert "does not know" in run(*HASH, "search", "zebra").stdout


def test_data_file_is_taken_when_no_path_is_given(run, run_json, prices: Path):
    assert "set DATA_FILE" in run(*HASH, "ingest", exit_code=1).stderr
    told = run_json(*HASH, "--set", f"DATA_FILE={prices}", "ingest")
    assert (told["documents"], told["passages"]) == (1, 1)


def test_documents_are_listed_and_taken_out(run, run_json, prices: Path):
    other = prices.with_name("hours.txt")
    other.write_text("We are open from nine to five.")
    run(*HASH, "ingest", prices, other, "-k", "shop")

    assert [d["name"] for d in run_json(*HASH, "documents", "-k", "shop")] == [
        "hours.txt",
        "prices.md",
    ]
    assert "prices.md" in run(*HASH, "documents", "-k", "shop").stdout
    gone = run_json(*HASH, "documents", "-k", "shop", "--delete", "hours.txt")
    assert gone["deleted"] == "hours.txt"
    assert [d["name"] for d in run_json(*HASH, "documents", "-k", "shop")] == ["prices.md"]


def test_bad_documents_are_one_line_each_and_change_nothing(run, prices: Path):
    folder = prices.parent
    (folder / "empty.txt").touch()
    (folder / "binary.txt").write_bytes(bytes(200))
    bad = (folder / "empty.txt", folder / "binary.txt", folder / "absent.md", folder / "x.exe")

    error = run(*HASH, "ingest", prices, *bad, exit_code=1).stderr

    assert error.count("\n") == 4
    assert all(path.name in error for path in bad)
    assert "no knowledge base" in run(*HASH, "search", "plan", exit_code=1).stderr
    kept = run(*HASH, "ingest", "--keep-going", prices, *bad)
    assert "1 documents read" in kept.stdout
    assert "empty.txt" in kept.stderr


def test_wrong_numbers_are_refused(run, prices: Path):
    run(*HASH, "ingest", prices)

    assert "TOP_K: got 99" in run(*HASH, "search", "x", "--top-k", "99", exit_code=1).stderr
    assert "allowed" in run(*HASH, "search", "x", "-k", "../x", exit_code=1).stderr
    refused = run(*HASH, "--set", "CHUNK_SIZE=1", "ingest", prices, exit_code=1).stderr
    assert "CHUNK_SIZE" in refused
