import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.errors import BadInput, NotFound, StorageError
from sdr_lab.records import Agent
from sdr_lab.store.agents import AgentStore
from sdr_lab.store.database import Database, open_database
from sdr_lab.store.documents import DocumentStore, safe_file_name
from tests.store.threads import at_once


@pytest.fixture
def documents(database: Database, tmp_path: Path) -> DocumentStore:
    return DocumentStore(database, tmp_path)


def test_a_document_is_kept_byte_for_byte(documents: DocumentStore, tmp_path: Path):
    made = documents.create("Prices 2026.pdf", "file", b"%PDF\x00\xff")
    assert made.id.startswith("doc_")
    assert made.file == tmp_path / "documents" / made.id / "Prices 2026.pdf"
    assert made.file.read_bytes() == b"%PDF\x00\xff"
    assert (made.name, made.type, made.size_bytes) == ("Prices 2026.pdf", "file", 6)
    assert (made.source_url, made.agents) == ("", ())
    assert made.created_at == made.updated_at
    assert documents.get(made.id) == made
    assert os.listdir(made.file.parent) == ["Prices 2026.pdf"]


def test_two_of_one_name_are_two(documents: DocumentStore):
    first, second = (documents.create("a.txt", "text", text) for text in (b"one", b"two"))
    assert [d.file.read_bytes() for d in (first, second)] == [b"one", b"two"]


def test_a_page_remembers_its_address(documents: DocumentStore):
    made = documents.create("Prices", "url", b"<p>", "https://example.com/prices")
    assert documents.get(made.id).source_url == "https://example.com/prices"


def test_unusable_documents_are_refused(documents: DocumentStore, tmp_path: Path):
    with pytest.raises(BadInput, match="needs a name: got an empty one"):
        documents.create(" ", "text", b"")
    with pytest.raises(BadInput, match="document type 'song', allowed: file, text, url"):
        documents.create("a", "song", b"")  # type: ignore[arg-type]
    assert not (tmp_path / "documents").exists()


# ---- names


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.docx", "a.docx"),
        ("..", "document"),
        ("/", "document"),
        (".htaccess", "htaccess"),
        ("a\x00b\n.txt", "a_b_.txt"),
        ('<a>:"b"|?*.md', "_a___b____.md"),
        ("trailing. ", "trailing"),
        ("é" * 300 + ".pdf", "é" * 98 + ".pdf"),
        ("\ud800.txt", "_.txt"),
    ],
)
def test_a_name_can_not_lead_out_of_the_folder(documents: DocumentStore, name: str, kept: str):
    assert safe_file_name(name) == kept


@given(st.text(max_size=300))
def test_every_name_is_one_short_file_name(name: str):
    kept = safe_file_name(name)
    assert kept
    assert Path(kept).name == kept
    assert kept not in (".", "..")
    assert len(kept.encode()) <= 220


def test_rename_changes_what_is_shown(documents: DocumentStore):
    made = documents.create("a.txt", "file", b"x")
    renamed = documents.rename(made.id, "Prices / 2026")
    assert (renamed.name, renamed.file) == ("Prices / 2026", made.file)
    assert renamed.updated_at > made.updated_at
    with pytest.raises(BadInput, match="needs a name"):
        documents.rename(made.id, "")
    with pytest.raises(NotFound):
        documents.rename("doc_x", "a")


# ---- deleting


def test_a_deleted_document_is_gone(documents: DocumentStore, sam: Agent):
    made, other = (documents.create("a.txt", "file", b"x") for _ in range(2))
    documents.attach(made.id, "sam")
    documents.delete(made.id)
    assert not made.file.parent.exists()
    assert documents.of("sam") == []
    for change in (documents.get, documents.delete):
        with pytest.raises(NotFound, match="no document 'doc_"):
            change(made.id)
    assert documents.get(other.id).file.read_bytes() == b"x"


def test_what_can_not_be_written_leaves_nothing(documents: DocumentStore, tmp_path: Path):
    (tmp_path / "documents").write_text("a file")
    with pytest.raises(StorageError, match=r"can't keep the document a\.txt: a part of that path"):
        documents.create("a.txt", "file", b"x")
    assert documents.list().documents == ()


def test_a_row_that_can_not_be_written_leaves_no_file(tmp_path: Path):
    home = tmp_path / "home"
    database = open_database(home)
    database.write(lambda s: s.connection().exec_driver_sql("DROP TABLE document_agents"))
    database.write(lambda s: s.connection().exec_driver_sql("DROP TABLE documents"))
    with pytest.raises(StorageError):
        DocumentStore(database, home).create("a.txt", "file", b"x")
    assert list((home / "documents").iterdir()) == []


# ---- agents


def test_agents_are_given_documents(documents: DocumentStore, sam: Agent, database: Database):
    AgentStore(database).create(Agent("eve", "Eve", 0, "", ""))
    first, second = (documents.create(name, "file", b"x") for name in ("a.txt", "b.txt"))
    for _ in range(2):
        documents.attach(first.id, "Sam")
    documents.attach(first.id, "eve")
    documents.attach(second.id, "sam")
    assert documents.get(first.id).agents == ("eve", "sam")
    assert [d.id for d in documents.of("sam")] == [first.id, second.id]
    for _ in range(2):
        documents.detach(first.id, "sam")
    assert documents.get(first.id).agents == ("eve",)
    with pytest.raises(NotFound, match="no document"):
        documents.attach("doc_x", "sam")
    with pytest.raises(NotFound, match="no document"):
        documents.detach("doc_x", "sam")
    with pytest.raises(NotFound, match="no agent"):
        documents.attach(first.id, "nobody")


def test_a_deleted_agents_documents_stay(documents: DocumentStore, sam: Agent, database: Database):
    made = documents.create("a.txt", "file", b"x")
    documents.attach(made.id, "sam")
    AgentStore(database).delete("sam")
    assert documents.get(made.id).agents == ()
    assert documents.of("sam") == []


def test_many_may_attach_at_once(two: tuple[Database, Database], tmp_path: Path, sam: Agent):
    stores = [DocumentStore(opened, tmp_path) for opened in two]
    made = stores[0].create("a.txt", "file", b"x")
    results = at_once(*(lambda s=s: s.attach(made.id, "sam") for s in stores * 3))
    assert results == [None] * 6
    assert stores[0].get(made.id).agents == ("sam",)


# ---- lists


@pytest.fixture
def many(documents: DocumentStore, sam: Agent) -> DocumentStore:
    for i, name in enumerate(["Prices.pdf", "prices 100%.txt", "About us", "Prices_old", "Teas"]):
        made = documents.create(name, ("file", "text", "url")[i % 3], b"x")  # type: ignore[arg-type]
        if i < 3:
            documents.attach(made.id, "sam")
    return documents


def names(store: DocumentStore, **which) -> list[str]:
    return [document.name for document in store.list(**which).documents]


def test_pages_hold_every_document_once_newest_first(many: DocumentStore):
    seen, cursor = [], ""
    while True:
        page = many.list(page_size=2, cursor=cursor)
        seen += [document.name for document in page.documents]
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == ["Teas", "Prices_old", "About us", "prices 100%.txt", "Prices.pdf"]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        ({"search": "PRICES"}, ["Prices_old", "prices 100%.txt", "Prices.pdf"]),
        ({"search": "%"}, ["prices 100%.txt"]),
        ({"search": "s_o"}, ["Prices_old"]),
        ({"types": ["url", "text"]}, ["Teas", "About us", "prices 100%.txt"]),
        ({"agent_id": "sam"}, ["About us", "prices 100%.txt", "Prices.pdf"]),
        ({"agent_id": "sam", "types": ["file"], "search": "pr"}, ["Prices.pdf"]),
        ({"agent_id": "eve"}, []),
    ],
)
def test_filters(many: DocumentStore, which: dict, found: list[str]):
    assert names(many, **which) == found


def test_lists_that_can_not_be_are_refused(documents: DocumentStore):
    with pytest.raises(BadInput, match=r"page size 501, allowed: 1\.\.500"):
        documents.list(page_size=501)
    with pytest.raises(BadInput, match="document type 'song', allowed"):
        documents.list(types=["song"])
    with pytest.raises(BadInput, match="cursor 'zzz'"):
        documents.list(cursor="zzz")
