"""Several processes over one knowledge base: switch, lock, kill, no network."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sdr_lab.errors import StorageError
from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.index import IngestOptions, Knowledge

INGEST = """
import sys
from pathlib import Path
from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.index import Knowledge
print(Knowledge(Path(sys.argv[1]), HashEmbedding()).ingest_sync("a", [Path(sys.argv[2])]).version)
"""

HANG = """
import sys, time
from pathlib import Path
from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.index import Knowledge

class Hanging(HashEmbedding):
    def embed(self, texts):
        print("embedding", flush=True)
        time.sleep(60)

Knowledge(Path(sys.argv[1]), Hanging()).ingest_sync("a", [Path(sys.argv[2])])
"""

HANG_WRITING = """
import sys, time
from pathlib import Path
from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.index_file import Contents, write
from sdr_lab.knowledge.passages import Piece
from sdr_lab.knowledge.versions import Versions
import numpy as np

class Rows(list):
    def __getitem__(self, item):
        if isinstance(item, slice) and item.start:
            print("writing", flush=True)
            time.sleep(60)
        return super().__getitem__(item)

versions = Versions.of(Path(sys.argv[1]), "a")
with versions.locked(0):
    pieces = Rows(Piece(f"d#{n}", "d", n, "", "text") for n in range(1500))
    vectors = np.ones((1500, 256), np.float32)
    write(versions.building(), Contents(pieces, vectors, {}, {"embedding": "", "size": 256}))
"""


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from sdr_lab.errors import StorageError
from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.index import Knowledge
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    Knowledge(Path(sys.argv[1]), HashEmbedding()).ingest_sync("a", [Path(sys.argv[2])])
except StorageError as error:
    print(error)
"""


def run(code: str, home: Path, docs: Path, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, str(home), str(docs)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **variables},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def test_a_reader_sees_the_ingest_of_another_process(
    knowledge: Knowledge, home: Path, docs: Path
):
    knowledge.ingest_sync("a", [docs])
    search = knowledge.search_for("a")
    assert "$49" in (await search.search("starter plan costs"))[0].text
    (docs / "prices.md").write_text("The Starter plan costs $59 per month.")

    version = run(INGEST, home, docs)

    assert knowledge.version("a") == version
    async with asyncio.timeout(60):
        while search.version != version:  # each search looks; the version loads behind them
            await search.search("starter plan costs")
    assert "$59" in (await search.search("starter plan costs"))[0].text


@pytest.mark.parametrize(("code", "word"), [(HANG, "embedding"), (HANG_WRITING, "writing")])
async def test_a_killed_ingest_changes_nothing_and_leaves_nothing(
    knowledge: Knowledge, home: Path, docs: Path, code: str, word: str
):
    before = knowledge.ingest_sync("a", [docs]).version
    (docs / "prices.md").write_text("The Starter plan costs $59 per month.")
    command = [sys.executable, "-c", code, str(home), str(docs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: ASYNC220
        assert child.stdout is not None
        assert child.stdout.readline() == f"{word}\n"

        with pytest.raises(StorageError, match="another ingest is running"):
            knowledge.ingest_sync("a", [docs], IngestOptions(lock_wait_s=0))
        assert "$49" in (await knowledge.search_for("a").search("starter plan costs"))[0].text
        child.send_signal(signal.SIGKILL)

    assert knowledge.version("a") == before
    assert "$49" in (await knowledge.search_for("a").search("starter plan costs"))[0].text

    assert knowledge.ingest_sync("a", [docs]).version.startswith("0002-")
    assert not list((home / "a").glob(".building*"))


def test_a_full_disk_changes_nothing(knowledge: Knowledge, home: Path, docs: Path):
    before = knowledge.ingest_sync("a", [docs]).version
    rows = "".join(f"question {number},answer {number}\n" for number in range(500))
    (docs / "more.csv").write_text(f"q,a\n{rows}")

    said = run(FULL_DISK, home, docs)

    assert "can't write the index" in said
    assert "\n" not in said
    assert knowledge.version("a") == before
    assert not list((home / "a").glob(".building*"))


def test_no_extension_is_downloaded(home: Path, docs: Path, tmp_path: Path):
    """DuckDB puts what it downloads below the home folder, and raises when it can't."""
    empty = tmp_path / "home"
    empty.mkdir()

    run(INGEST, home, docs, HOME=str(empty), HF_HUB_OFFLINE="1")

    assert Knowledge(home, HashEmbedding()).documents("a")
    assert not (empty / ".duckdb").exists()


def test_the_package_is_light_to_import():
    heavy = "torch llama_index duckdb onnxruntime bm25s numpy.random bs4 pypdf filelock"
    code = (
        "import sys, sdr_lab.knowledge.index, sdr_lab.knowledge.embed\n"
        f"print([name for name in {heavy.split()!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = done.stdout.strip()
    assert loaded in ("[]", "['numpy.random']")
