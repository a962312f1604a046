from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from sdr_lab.errors import BadInput, NotFound, SettingError, StorageError
from sdr_lab.knowledge.documents import Source
from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.index import IngestOptions, Knowledge

from .files import docx, pdf


class CountingEmbedding(HashEmbedding):
    """Remembers what it was asked to embed."""

    def __init__(self, size: int = 256) -> None:
        super().__init__(size)
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return super().embed(texts)


def names(knowledge: Knowledge, name: str = "a") -> list[str]:
    return [document.name for document in knowledge.documents(name)]


def test_documents_go_in_and_are_listed(knowledge: Knowledge, docs: Path):
    done = knowledge.ingest_sync("a", [docs])

    assert (done.documents, done.passages, done.reused) == (2, 2, 0)
    assert done.version == knowledge.version("a")
    app, prices = knowledge.documents("a")
    assert (app.name, app.passages, app.size) == ("app.txt", 1, 45)
    assert prices.name == "prices.md"
    assert prices.added_at.endswith("+00:00")
    assert knowledge.names() == ["a"]


def test_every_kind_of_document(knowledge: Knowledge):
    uploads = [
        Source("a.txt", b"Text."),
        Source("b.md", b"# B\nText."),
        Source("c.pdf", pdf("Text.")),
        Source("d.docx", docx("Text.")),
        Source("e.html", b"<p>Text.</p>"),
        Source("f.csv", b"question,answer\nWhat?,Text.\n"),
    ]

    assert knowledge.ingest_sync("a", uploads).passages == 6


def test_nothing_changes_when_nothing_has_changed(home: Path, docs: Path):
    embedding = CountingEmbedding()
    knowledge = Knowledge(home, embedding)
    first = knowledge.ingest_sync("a", [docs])
    asked = len(embedding.asked)
    files = sorted((home / "a").iterdir())

    again = knowledge.ingest_sync("a", [docs])

    assert again.version == first.version
    assert (again.documents, again.reused) == (0, 2)
    assert again.skipped == ("app.txt", "prices.md")
    assert len(embedding.asked) == asked
    assert sorted((home / "a").iterdir()) == files


def test_a_changed_document_replaces_itself_and_only_new_passages_are_embedded(
    home: Path, docs: Path
):
    embedding = CountingEmbedding()
    knowledge = Knowledge(home, embedding)
    (docs / "prices.md").write_text("# P\nOld one.\n# Q\nStays.\n# R\nGoes.\n")
    first = knowledge.ingest_sync("a", [docs])
    embedding.asked.clear()
    (docs / "prices.md").write_text("# P\nNew one.\n# Q\nStays.\n")

    done = knowledge.ingest_sync("a", [docs / "prices.md"])

    assert embedding.asked == ["P. New one."]
    assert (done.documents, done.passages, done.reused) == (1, 3, 2)
    assert first.version.startswith("0001-")
    assert done.version.startswith("0002-")
    assert names(knowledge) == ["app.txt", "prices.md"]


def test_another_chunk_size_cuts_again(knowledge: Knowledge, tmp_path: Path):
    path = tmp_path / "long.txt"
    path.write_text(" ".join(f"This is sentence number {n} of a text." for n in range(50)))
    few = knowledge.ingest_sync("a", [path]).passages

    assert knowledge.ingest_sync("a", [path], IngestOptions(chunk_size=32)).passages > 2 * few


def test_another_embedding_embeds_everything_again(home: Path, docs: Path):
    Knowledge(home, HashEmbedding(64)).ingest_sync("a", [docs])
    other = CountingEmbedding(128)

    done = Knowledge(home, other).ingest_sync("a", [docs / "app.txt"])

    assert done.reused == 0
    assert done.passages == 2
    assert len(other.asked) == 2


def test_prune_forgets_what_is_not_there_any_more(knowledge: Knowledge, docs: Path):
    knowledge.ingest_sync("a", [docs])
    (docs / "app.txt").unlink()

    assert knowledge.ingest_sync("a", [docs]).passages == 2
    assert knowledge.ingest_sync("a", [docs], IngestOptions(prune=True)).passages == 1
    assert names(knowledge) == ["prices.md"]


def test_deleting(knowledge: Knowledge, docs: Path):
    before = knowledge.ingest_sync("a", [docs]).version

    after = knowledge.delete("a", "app.txt")

    assert after == knowledge.version("a") != before
    assert names(knowledge) == ["prices.md"]
    with pytest.raises(NotFound, match=r"no document 'app.txt' in 'a'; there are: prices.md"):
        knowledge.delete("a", "app.txt")
    knowledge.delete("a", "prices.md")
    assert names(knowledge) == []
    assert knowledge.ingest_sync("a", [docs]).passages == 2


def test_unknown_knowledge_bases(knowledge: Knowledge, docs: Path):
    assert knowledge.names() == []
    assert knowledge.version("a") == ""
    with pytest.raises(NotFound, match="no knowledge base 'a'; there are: none yet"):
        knowledge.documents("a")
    knowledge.ingest_sync("b", [docs])
    with pytest.raises(NotFound, match="no knowledge base 'a'; there are: b"):
        knowledge.delete("a", "x")


def test_bad_documents_leave_everything_as_it_was(knowledge: Knowledge, docs: Path):
    before = knowledge.ingest_sync("a", [docs]).version
    (docs / "prices.md").write_text("changed")
    (docs / "app.txt").write_bytes(b"")
    (docs / "new.pdf").write_bytes(b"broken")

    with pytest.raises(BadInput) as caught:
        knowledge.ingest_sync("a", [docs, docs / "missing.md"])

    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0].rsplit("/", 1)[-1] for line in lines] == [
        "app.txt",
        "new.pdf",
        "missing.md",
    ]
    assert knowledge.version("a") == before


def test_good_documents_go_in_when_asked(knowledge: Knowledge, docs: Path):
    (docs / "bad.txt").write_bytes(b"\0\1")

    done = knowledge.ingest_sync("a", [docs], IngestOptions(keep_going=True))

    assert done.documents == 2
    assert done.failed == ("bad.txt: binary data, not text; allowed: text in UTF-8",)
    with pytest.raises(BadInput, match="binary"):
        knowledge.ingest_sync("b", [docs / "bad.txt"], IngestOptions(keep_going=True))
    assert knowledge.names() == ["a"]


def test_bad_arguments(knowledge: Knowledge, docs: Path, tmp_path: Path):
    with pytest.raises(BadInput, match="no documents given"):
        knowledge.ingest_sync("a", [])
    with pytest.raises(SettingError, match="CHUNK_SIZE"):
        knowledge.ingest_sync("a", [docs], IngestOptions(chunk_size=1))
    (tmp_path / "app.txt").write_text("Other.")
    with pytest.raises(BadInput, match=r"app.txt: two documents have this name"):
        knowledge.ingest_sync("a", [docs, tmp_path / "app.txt"])


def test_guessed_encodings_are_told(knowledge: Knowledge):
    done = knowledge.ingest_sync("a", [Source("a.txt", "Café.".encode("cp1252"))])

    assert done.notices == ("a.txt: not UTF-8 (byte 3), read as Windows-1252; check its accents",)


def test_a_read_only_workspace(knowledge: Knowledge, home: Path, docs: Path):
    home.parent.joinpath("knowledge").write_text("a file where the folder should be")

    with pytest.raises(StorageError, match="can't be written"):
        knowledge.ingest_sync("a", [docs])


def test_progress_ends_at_the_total(knowledge: Knowledge, tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("q,a\n" + "".join(f"question {n},answer {n}\n" for n in range(70)))
    seen: list[tuple[str, int, int]] = []

    knowledge.ingest_sync("a", [path], on_progress=lambda *step: seen.append(step))

    assert seen == [
        ("reading", 0, 1),
        ("embedding", 0, 70),
        ("embedding", 32, 70),
        ("embedding", 64, 70),
        ("embedding", 70, 70),
    ]


async def test_ingest_without_blocking_the_loop(knowledge: Knowledge, docs: Path):
    seen: list[str] = []

    done = await knowledge.ingest("a", [docs], on_progress=lambda step, *_: seen.append(step))

    assert done.passages == 2
    assert seen[0] == "reading"


class WaitingEmbedding(HashEmbedding):
    """Stops in the middle until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.started, self.go = threading.Event(), threading.Event()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.started.set()
        self.go.wait(30)
        return super().embed(texts)


async def test_a_cancelled_ingest_leaves_the_old_version(home: Path, docs: Path):
    before = Knowledge(home, HashEmbedding()).ingest_sync("a", [docs / "app.txt"]).version
    embedding = WaitingEmbedding()
    knowledge = Knowledge(home, embedding)
    work = asyncio.ensure_future(knowledge.ingest("a", [docs]))
    await asyncio.to_thread(embedding.started.wait, 30)

    work.cancel()
    asyncio.get_running_loop().call_later(0.01, embedding.go.set)

    with pytest.raises(asyncio.CancelledError):
        await work
    assert knowledge.version("a") == before
    assert not list((home / "a").glob(".building*"))


def test_two_ingests_at_once_queue(home: Path, docs: Path):
    embedding = WaitingEmbedding()
    knowledge = Knowledge(home, embedding)
    first = threading.Thread(target=knowledge.ingest_sync, args=("a", [docs / "app.txt"]))
    second = threading.Thread(target=knowledge.ingest_sync, args=("a", [docs / "prices.md"]))
    first.start()
    embedding.started.wait(30)
    with pytest.raises(StorageError, match="another ingest is running"):
        knowledge.ingest_sync("a", [docs], IngestOptions(lock_wait_s=0))
    second.start()
    embedding.go.set()
    first.join(30)
    second.join(30)

    assert names(knowledge) == ["app.txt", "prices.md"]


def test_any_llamaindex_program_can_read_the_file(home: Path, knowledge: Knowledge, docs: Path):
    from llama_index.core.vector_stores.types import VectorStoreQuery

    from sdr_lab.knowledge.duckdb_store import OfflineDuckDBVectorStore

    version = knowledge.ingest_sync("a", [docs]).version
    store = OfflineDuckDBVectorStore.opened(home / "a" / f"{version}.duckdb", "passages", 256)
    query = HashEmbedding().embed(["starter plan costs"])[0].tolist()

    found = store.query(VectorStoreQuery(query_embedding=query, similarity_top_k=1))

    store.close()
    assert found.ids == ["prices.md#0"]
    assert found.nodes is not None
    assert found.nodes[0].ref_doc_id == "prices.md"


def test_nothing_is_open_after_an_ingest(home: Path, knowledge: Knowledge, docs: Path):
    version = knowledge.ingest_sync("a", [docs]).version

    with duckdb.connect(str(home / "a" / f"{version}.duckdb")) as writable:
        assert writable.execute("SELECT count(*) FROM passages").fetchone() == (2,)
