"""Documents on their way into the knowledge of agents."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from aiohttp import web

from sdr_lab.config import Settings
from sdr_lab.errors import BadInput, NotFound, Refused, StorageError
from sdr_lab.knowledge.documents import Source
from sdr_lab.lab import Lab
from sdr_lab.live.documents import Documents, IndexStatus
from sdr_lab.live.ingest import (
    IngestJob,
    Progress,
    ReadJob,
    checked,
    in_process,
    ingest,
    read,
    work,
)
from tests.live.finished_call import JOE

PRICES = b"# Prices\n\nThe starter plan costs 49 dollars a month."
HOURS = b"# Hours\n\nWe open at nine in the morning."


async def here(job: IngestJob, on_progress: Progress) -> str:
    """Do the work in a thread: quicker to start than a process."""
    loop = asyncio.get_running_loop()

    def report(what: dict) -> None:
        loop.call_soon_threadsafe(on_progress, what["step"], what["done"], what["total"])

    return checked(await asyncio.to_thread(work, job, report))["version"]


def make_lab(home: Path, **changes: object) -> Lab:
    given = {
        "SDR_LAB_HOME": home,
        "EMBED_MODEL": "hash",
        "INSECURE_PRIVATE_WEBHOOKS": True,
        **changes,
    }
    lab = Lab(Settings.load(None, given, environ={}))
    lab.agents.save(replace(JOE, knowledge="default"))
    lab.agents.save(replace(JOE, id="ann", name="Ann", knowledge="default"))
    return lab


@pytest.fixture
def lab(tmp_path: Path):
    lab = make_lab(tmp_path)
    yield lab
    lab.database.close()


@pytest.fixture
async def documents(lab: Lab) -> AsyncIterator[Documents]:
    documents = Documents(lab, here)
    yield documents
    await documents.close()


async def found(lab: Lab, agent_id: str, question: str) -> list[str]:
    """Return what an agent finds, as a call that begins now does."""
    base = lab.agents.get(agent_id).knowledge
    search = lab.knowledge.search_for(base)
    await search.refresh()
    return [passage.text for passage in await search.search(question)]


async def test_a_document_becomes_an_agent_s_knowledge(lab: Lab, documents: Documents):
    document = await documents.add_file("prices.md", PRICES, "Prices 2026")
    state = await documents.attach(document.id, "joe")

    assert (document.name, state.status) == ("Prices 2026", IndexStatus.CREATED)
    await documents.work_off()

    (state,) = await documents.states("joe", [document])
    assert (state.status, state.progress) == (IndexStatus.SUCCEEDED, 100.0)
    assert await found(lab, "joe", "What does the starter plan cost?") == [
        "The starter plan costs 49 dollars a month."
    ]
    assert lab.agents.get("joe").knowledge == "joe"
    assert lab.agents.get("ann").knowledge == "default"


async def test_a_base_that_others_use_is_not_changed(lab: Lab, documents: Documents):
    lab.knowledge.ingest_sync("default", [Source("hours.md", HOURS)])
    document = await documents.add_file("prices.md", PRICES)

    await documents.attach(document.id, "joe")
    await documents.work_off()

    assert await found(lab, "joe", "When do you open in the morning?")  # what it knew before
    assert await found(lab, "joe", "starter plan costs")
    assert not any("49" in text for text in await found(lab, "ann", "starter plan costs"))
    assert await found(lab, "ann", "When do you open in the morning?")


async def test_two_documents_of_one_name_are_two(lab: Lab, documents: Documents):
    for data in (PRICES, HOURS):
        document = await documents.add_file("info.md", data)
        await documents.attach(document.id, "joe")
    await documents.work_off()

    assert len(await documents.bases.names("joe")) == 2
    assert await found(lab, "joe", "starter plan costs")
    assert await found(lab, "joe", "open at nine")


async def test_what_is_taken_away_is_forgotten(lab: Lab, documents: Documents):
    document = await documents.add_file("prices.md", PRICES)
    await documents.attach(document.id, "joe")
    await documents.attach(document.id, "ann")
    await documents.work_off()

    await documents.detach(document.id, "joe")

    assert await found(lab, "joe", "starter plan costs") == []
    assert await found(lab, "ann", "starter plan costs")
    with pytest.raises(NotFound, match="joe"):
        await documents.detach(document.id, "joe")
    with pytest.raises(BadInput, match="ann"):
        await documents.delete(document.id)
    await documents.delete(document.id, force=True)
    assert await found(lab, "ann", "starter plan costs") == []
    assert not document.file.exists()


async def test_what_was_taken_away_before_its_turn_is_not_read_in(lab: Lab, documents: Documents):
    document = await documents.add_file("prices.md", PRICES)
    await documents.attach(document.id, "joe")
    await documents.detach(document.id, "joe")

    await documents.work_off()

    assert await documents.bases.names("joe") == {}


async def test_a_call_finds_the_old_version_until_the_new_one_is_there(
    lab: Lab, documents: Documents
):
    document = await documents.add_file("prices.md", PRICES)
    await documents.attach(document.id, "joe")
    await documents.work_off()
    search = lab.knowledge.search_for("joe")
    await search.refresh()
    seen: list[int] = []

    async def watched(job: IngestJob, on_progress: Progress) -> str:
        seen.append(len(await search.search("starter plan costs")))
        version = await here(job, on_progress)
        seen.append(len(await search.search("starter plan costs")))
        return version

    again = Documents(lab, watched)
    await again.reindex("joe")
    await again.work_off()

    assert seen == [1, 1]
    await again.close()


async def test_the_documents_of_an_agent_are_replaced_as_a_whole(lab: Lab, documents: Documents):
    old = await documents.add_file("prices.md", PRICES)
    new = await documents.add_text("We open at nine.", "Hours")
    await documents.attach(old.id, "joe")

    with pytest.raises(NotFound):
        await documents.replace("joe", [new.id, "doc_9"])
    assert [d.id for d in lab.documents.of("joe")] == [old.id]
    await documents.replace("joe", [new.id])
    await documents.work_off()

    assert [d.id for d in lab.documents.of("joe")] == [new.id]
    assert await found(lab, "joe", "open at nine")


async def test_what_an_earlier_start_has_left_is_taken_up(lab: Lab, documents: Documents):
    document = await documents.add_file("prices.md", PRICES)
    await documents.attach(document.id, "joe")  # and the server stops

    later = Documents(lab, here)
    await later.take_up()
    await later.work_off()
    (state,) = await later.states("joe", [document])
    fresh = Documents(lab, here)
    (known,) = await fresh.states("joe", [document])

    assert state.status is known.status is IndexStatus.SUCCEEDED
    await later.close()
    await fresh.close()


async def test_what_waits_for_one_agent_is_read_in_at_once(lab: Lab):
    jobs: list[list[str]] = []

    async def noted(job: IngestJob, on_progress: Progress) -> str:
        jobs.append([name.partition(" ")[0] for name, _ in job.documents])
        return await here(job, on_progress)

    documents = Documents(lab, noted)
    for agent_id in ("joe", "ann", "joe"):
        document = await documents.add_text(f"Words for {agent_id}.", f"{agent_id}{len(jobs)}")
        await documents.attach(document.id, agent_id)
    await documents.work_off()
    await documents.close()

    assert [len(job) for job in jobs] == [2, 1]
    assert len(await found(lab, "joe", "Words for joe.")) > 0


async def test_one_that_fails_does_not_take_others_with_it(lab: Lab):
    async def picky(job: IngestJob, on_progress: Progress) -> str:
        if any(name.startswith("bad") for name, _ in job.documents):
            raise StorageError("the disk is full")
        return await here(job, on_progress)

    documents = Documents(lab, picky)
    kept = [await documents.add_text("Words.", name) for name in ("good", "bad", "fine")]
    for document in kept:
        await documents.attach(document.id, "joe")
    await documents.work_off()
    states = await documents.states("joe", kept)
    await documents.close()

    assert [str(state.status) for state in states] == ["succeeded", "failed", "succeeded"]
    assert states[1].error == "the disk is full"


async def test_a_failure_is_told_and_can_be_tried_again(lab: Lab):
    async def full(job: IngestJob, on_progress: Progress) -> str:
        on_progress("embedding", 1, 2)
        raise StorageError("the disk is full")

    broken = Documents(lab, full)
    document = await broken.add_file("prices.md", PRICES)
    await broken.attach(document.id, "joe")
    await broken.work_off()

    (state,) = await broken.states("joe", [document])
    assert (state.status, state.error) == (IndexStatus.FAILED, "the disk is full")
    assert lab.agents.get("joe").knowledge == "default"
    await broken.close()


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("virus.exe", b"MZ", "can't be read"),
        ("empty.txt", b"", "empty"),
        ("blank.txt", b" \n ", "no text"),
        ("binary.txt", b"\x00\x01\x02", "binary"),
        ("scan.pdf", b"%PDF-1.4 nonsense", "PDF"),
        ("letter.docx", b"PK nonsense", "Word"),
        ("no-ending", b"text", "can't be read"),
    ],
)
async def test_what_can_not_be_read_is_refused_at_once(
    lab: Lab, documents: Documents, name: str, data: bytes, why: str
):
    with pytest.raises(BadInput, match=why):
        await documents.add_file(name, data)
    assert lab.documents.list().documents == ()


async def test_what_is_too_large_is_refused(tmp_path: Path):
    lab = make_lab(tmp_path, MAX_DOCUMENT_MB=0.1)
    documents = Documents(lab, here)

    with pytest.raises(BadInput, match="too large"):
        await documents.add_file("long.txt", b"many words " * 20_000)
    await documents.close()
    lab.database.close()


async def test_names_can_not_leave_their_folder(lab: Lab, documents: Documents):
    document = await documents.add_file("..\\..\\../etc/prices.MD", PRICES)

    assert document.file.parent == lab.home / "documents" / document.id
    assert document.file.name == "prices.md"


# ---- by URL


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async def page(request: web.Request) -> web.Response:
        return web.Response(
            text="<title>x</title><h1>Prices</h1><p>49 dollars.</p><script>1</script>",
            content_type="text/html",
        )

    async def image(request: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG", content_type="image/png")

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound("https://elsewhere.example/")

    app = web.Application()
    for handler in (page, image, moved):
        app.router.add_get(f"/{handler.__name__}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_page_is_fetched_and_kept(documents: Documents, site: str):
    document = await documents.add_url(f"{site}/page")

    assert (document.type, document.source_url) == ("url", f"{site}/page")
    assert await documents.content(document, "text") == "Prices\n49 dollars."
    assert await documents.content(document, "html") == "<h2>Prices</h2><p>49 dollars.</p>"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/image", "image/png"),
        ("/moved", "https://elsewhere.example/"),
        ("/nowhere", "answered 404"),
    ],
)
async def test_a_page_that_can_not_be_had(
    lab: Lab, documents: Documents, site: str, path: str, why: str
):
    with pytest.raises(BadInput, match=why):
        await documents.add_url(f"{site}{path}")
    assert lab.documents.list().documents == ()


async def test_a_site_that_is_not_there(documents: Documents):
    with pytest.raises(BadInput, match="can't be connected to"):
        await documents.add_url("http://127.0.0.1:9/faq.html")


async def test_a_page_inside_is_not_fetched(tmp_path: Path, site: str):
    lab = make_lab(tmp_path, INSECURE_PRIVATE_WEBHOOKS=False)
    documents = Documents(lab, here)

    with pytest.raises(Refused):
        await documents.add_url(f"{site}/page".replace("http:", "https:"))
    await documents.close()
    lab.database.close()


# ---- in a process of its own


async def test_a_process_does_the_same(lab: Lab):
    seen: list[tuple[str, int, int]] = []

    async def noted(job: IngestJob, on_progress: Progress) -> str:
        def both(step: str, count: int, total: int) -> None:
            seen.append((step, count, total))
            on_progress(step, count, total)

        return await ingest(job, both)

    documents = Documents(lab, noted)
    document = await documents.add_file("prices.md", PRICES)
    await documents.attach(document.id, "joe")
    await documents.work_off()

    assert await found(lab, "joe", "starter plan costs")
    assert [step for step, _, _ in seen] == ["reading", "embedding", "embedding"]
    await documents.close()


async def test_a_large_text_is_read_by_a_process(documents: Documents):
    text = "The starter plan costs 49 dollars a month.\n\n" * 2000

    document = await documents.add_text(text, "Prices")

    assert (await documents.content(document, "text")).count("49 dollars") == 2000


def job_for(tmp_path: Path, *files: Path) -> IngestJob:
    documents = tuple((file.name, str(file)) for file in files)
    return IngestJob(str(tmp_path / "knowledge"), "hash", "joe", documents, 200, 10)


async def test_a_process_tells_what_it_refuses(tmp_path: Path):
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"\x00\x00")

    with pytest.raises(BadInput, match=r"bad\.txt: binary"):
        await ingest(job_for(tmp_path, bad), lambda *_: None)


async def test_a_process_that_is_cancelled_is_gone(tmp_path: Path):
    endless = tmp_path / "pipe.txt"
    os.mkfifo(endless)  # reading it never ends
    reading = asyncio.Event()
    before = psutil.Process().children()
    task = asyncio.create_task(in_process(job_for(tmp_path, endless), lambda *_: reading.set()))
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert psutil.Process().children() == before


async def test_a_document_that_is_not_read_in_time_is_refused(tmp_path: Path):
    endless = tmp_path / "pipe.txt"
    os.mkfifo(endless)
    job = ReadJob("pipe.txt", str(endless), 10, "text", str(tmp_path / "text"))
    before = psutil.Process().children()

    with pytest.raises(BadInput, match=r"pipe\.txt: can't be read within 0\.3 s"):
        await read(job, within_s=0.3)

    assert psutil.Process().children() == before


async def test_a_document_that_takes_too_much_memory_is_refused(tmp_path: Path):
    sparse = tmp_path / "large.txt"
    with sparse.open("wb") as file:
        file.truncate(4 * 2**30)
    job = ReadJob("large.txt", str(sparse), 10_000, "text", str(tmp_path / "text"))

    with pytest.raises(BadInput, match=r"large\.txt: takes too much memory"):
        await read(job)


async def test_a_process_that_is_killed_is_an_error(tmp_path: Path):
    dies = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    with pytest.raises(StorageError, match="signal 9"):
        await in_process(job_for(tmp_path), lambda *_: None, dies)
