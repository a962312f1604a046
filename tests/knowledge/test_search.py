from __future__ import annotations

from pathlib import Path

import pytest

from sdr_lab.errors import BadInput, SettingError, StorageError
from sdr_lab.knowledge.base import Search
from sdr_lab.knowledge.documents import Source
from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.index import Knowledge


async def test_the_best_passage_comes_first(knowledge: Knowledge, docs: Path):
    knowledge.ingest_sync("a", [docs])
    search: Search = knowledge.search_for("a")

    first, *others = await search.search("what does the starter plan cost per month")

    assert first.id == "prices.md#0"
    assert first.text == "The Starter plan costs $49 per month."
    assert (first.source, first.title) == ("prices.md", "Prices")
    assert first.vector_score == pytest.approx(0.7, abs=0.3)
    assert first.keyword_score is not None
    assert 0 < first.score <= 1
    assert all(other.score < first.score for other in others)


async def test_unrelated_and_empty_questions_find_nothing(knowledge: Knowledge, docs: Path):
    knowledge.ingest_sync("a", [docs])
    search = knowledge.search_for("a")

    for question in ("zebra quartz violin", "", "   ", "?!", "你好", "of it"):
        assert await search.search(question) == [], question


async def test_at_most_top_k(knowledge: Knowledge):
    rows = "".join(f"plan number {n},the plan costs {n}\n" for n in range(30))
    knowledge.ingest_sync("a", [Source("a.csv", f"q,a\n{rows}".encode())])
    search = knowledge.search_for("a")

    assert len(await search.search("plan costs")) == 3
    assert len(await search.search("plan costs", 1)) == 1
    assert len(await search.search("plan costs " * 500, 50)) == 30
    for top_k in (0, -1, 51):
        with pytest.raises(SettingError, match=r"TOP_K: got -?\d+, allowed: 1..50"):
            await search.search("plan", top_k)


async def test_without_knowledge_there_is_nothing_to_find(knowledge: Knowledge, docs: Path):
    search = knowledge.search_for("a")
    assert search.version == ""
    assert await search.search("starter plan") == []

    version = knowledge.ingest_sync("a", [docs]).version
    assert await search.refresh() == version
    assert await search.search("starter plan")


async def test_an_emptied_knowledge_base_finds_nothing(knowledge: Knowledge):
    knowledge.ingest_sync("a", [Source("a.txt", b"The plan.")])
    knowledge.delete("a", "a.txt")

    assert await knowledge.search_for("a").search("plan") == []


async def test_a_switch_is_picked_up_behind_a_search(knowledge: Knowledge, docs: Path):
    old = knowledge.ingest_sync("a", [docs]).version
    search = knowledge.search_for("a")
    await search.search("starter plan")
    (docs / "prices.md").write_text("# Prices\n\nThe Starter plan costs $59 per month.\n")
    new = knowledge.ingest_sync("a", [docs]).version

    (stale, *_) = await search.search("starter plan costs")
    assert "$49" in stale.text
    assert search.version in (old, new)

    assert await search.refresh() == new
    (fresh, *_) = await search.search("starter plan costs")
    assert "$59" in fresh.text


async def test_a_reader_outlives_the_file_it_has_read(knowledge: Knowledge, docs: Path, home: Path):
    old = knowledge.ingest_sync("a", [docs]).version
    search = knowledge.search_for("a")
    await search.warm()
    for price in ("$1", "$2", "$3"):
        (docs / "prices.md").write_text(f"The Starter plan costs {price}.")
        knowledge.ingest_sync("a", [docs])

    assert not (home / "a" / f"{old}.duckdb").exists()
    assert "$49" in (await search.search("starter plan costs"))[0].text
    await search.refresh()
    assert "$3" in (await search.search("starter plan costs"))[0].text


async def test_a_damaged_new_version_does_not_silence_a_running_search(
    knowledge: Knowledge, docs: Path, home: Path, caplog: pytest.LogCaptureFixture
):
    knowledge.ingest_sync("a", [docs])
    search = knowledge.search_for("a")
    await search.warm()
    (home / "a" / "0002-00000000.duckdb").write_bytes(b"not a database")
    (home / "a" / "current").write_text("0002-00000000\n")

    assert await search.search("starter plan")
    with pytest.raises(StorageError, match="can't read the index"):
        await search.refresh()
    assert await search.search("starter plan")
    with pytest.raises(StorageError, match="ingest the documents again"):
        await Knowledge(home, HashEmbedding()).search_for("a").search("starter plan")


async def test_vectors_of_another_embedding_are_refused(home: Path, docs: Path):
    Knowledge(home, HashEmbedding(64)).ingest_sync("a", [docs])

    with pytest.raises(BadInput, match="built with the embedding hash-64, EMBED_MODEL is hash-128"):
        await Knowledge(home, HashEmbedding(128)).search_for("a").search("plan")


async def test_many_calls_share_one_search(knowledge: Knowledge, docs: Path):
    import asyncio

    knowledge.ingest_sync("a", [docs])
    search = knowledge.search_for("a")

    found = await asyncio.gather(*(search.search("starter plan costs") for _ in range(20)))

    assert {passages[0].id for passages in found} == {"prices.md#0"}
    assert knowledge.search_for("a") is search


async def test_text_of_all_languages(knowledge: Knowledge):
    text = "Das Büro öffnet früh.\n\nLe café est chaud.\n\n事務所は東京です。 Straße 😀"
    knowledge.ingest_sync("a", [Source("naïve file ü.txt", text.encode())])
    search = knowledge.search_for("a")

    (found,) = await search.search("wann öffnet das BÜRO")

    assert found.source == "naïve file ü.txt"
    assert "東京" in found.text
