"""Reading documents, beside the server: in a process of low priority.

Embedding takes a core for as long as it lasts, and parsers hold Python's lock; in the server's own
process both would be heard in the calls that run. The process is told its job as JSON on standard
input and reports as JSON lines on standard output. It reads no settings.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sdr_lab.errors import BadInput, SdrLabError, StorageError
from sdr_lab.knowledge.documents import Source, read_document
from sdr_lab.live.document_text import as_html, as_text

NICE = 10
"""Calls come first."""

LINE_BYTES = 1_000_000
"""Longest line of a report: a list of problems of very many documents."""

READ_S = 60.0
"""A document that takes longer was made to: 10 MB of text take 2 s, of PDF 30 s."""

READ_BYTES = 2 * 2**30
"""Memory of a process that reads one document: a small file can unpack to a very large tree."""

LAST_S = 5.0
"""A process that is to stop is killed after so long."""

Progress = Callable[[str, int, int], None]
"""Called in the event loop with (`reading` or `embedding`, done, total)."""


@dataclass(frozen=True, slots=True)
class IngestJob:
    """What is to be done with one knowledge base."""

    home: str
    """Folder of all knowledge bases."""
    embed_model: str
    base: str
    documents: tuple[tuple[str, str], ...]
    """Name in the knowledge base, and its file."""
    chunk_size: int
    max_document_mb: float
    kind: Literal["ingest"] = "ingest"


@dataclass(frozen=True, slots=True)
class ReadJob:
    """One document to be read."""

    name: str
    """Its ending says how."""
    file: str
    max_document_mb: float
    form: Literal["text", "html"]
    target: str
    """File that what was read is written to."""
    kind: Literal["read"] = "read"


async def ingest(job: IngestJob, on_progress: Progress) -> str:
    """Read documents in and make the result the base's current version, which is returned.

    Cancelling it leaves the version before in place.

    Raises:
        BadInput: a document can't be taken; nothing was changed.
        StorageError: the base can't be written, or the process was killed.
    """
    return (await in_process(job, on_progress))["version"]


async def read(job: ReadJob, within_s: float = READ_S) -> None:
    """Read a document and write what it says to the job's target. Raises like `ingest`, and

    Raises:
        BadInput: it takes too long.
    """
    try:
        async with asyncio.timeout(within_s):
            await in_process(job, lambda *_: None)
    except TimeoutError:
        told = f"{job.name}: can't be read within {within_s:g} s; give it as plain text"
        raise BadInput(told) from None


async def in_process(
    job: IngestJob | ReadJob, on_progress: Progress, command: Sequence[str] = ()
) -> dict[str, Any]:
    """Have a job done by a process of its own; return its last report.

    Args:
        command: What to run; empty: this module.
    """
    process = await asyncio.create_subprocess_exec(
        *(command or (sys.executable, "-m", "sdr_lab.live.ingest")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )  # fmt: skip
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
        process.stdin.close()
        async for line in process.stdout:
            report = json.loads(line)
            if "step" in report:
                on_progress(report["step"], report["done"], report["total"])
                continue
            await process.wait()
            return checked(report)
        code = await process.wait()
    finally:
        await _stop(process)
    why = f"signal {-code}" if code < 0 else f"exit code {code}"
    raise StorageError(f"reading documents broke off ({why}); try again")


def checked(report: dict[str, Any]) -> dict[str, Any]:
    """Return the last report of a job; raise what it has raised."""
    if report.get("bad_input"):
        raise BadInput(report["bad_input"])
    if report.get("error"):
        raise StorageError(report["error"])
    return report


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(LAST_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


# ---- the work itself


def work(job: IngestJob | ReadJob, report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Do a job here and now; returns its last report."""
    try:
        return _ingest(job, report) if isinstance(job, IngestJob) else _read(job)
    except BadInput as error:
        return {"bad_input": str(error)}
    except (SdrLabError, OSError) as error:
        return {"error": str(error)}
    except MemoryError:
        if isinstance(job, IngestJob):
            return {"error": "there is not enough memory"}
        return {"bad_input": f"{job.name}: takes too much memory to read; give it as plain text"}


def _ingest(job: IngestJob, report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    from sdr_lab.knowledge.embed import embedding_of
    from sdr_lab.knowledge.index import IngestOptions, Knowledge

    def progress(step: str, done: int, total: int) -> None:
        report({"step": step, "done": done, "total": total})

    sources = [Source(name, Path(path)) for name, path in job.documents]
    options = IngestOptions(job.chunk_size, job.max_document_mb)
    knowledge = Knowledge(Path(job.home), lambda: embedding_of(job.embed_model))
    return {"version": knowledge.ingest_sync(job.base, sources, options, progress).version}


def _read(job: ReadJob) -> dict[str, Any]:
    document = read_document(Source(job.name, Path(job.file)), job.max_document_mb)
    text = as_html(document) if job.form == "html" else as_text(document)
    Path(job.target).write_text(text, encoding="utf-8")
    return {"done": True}


def _limit_memory(most_bytes: int) -> None:
    """Have this process fail rather than take more; only where the system can."""
    try:
        import resource
    except ImportError:
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))


def main() -> None:
    """The process."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    given = json.loads(sys.stdin.readline())
    if given["kind"] == "read":
        job: IngestJob | ReadJob = ReadJob(**given)
        _limit_memory(READ_BYTES)
    else:
        documents = tuple((name, path) for name, path in given.pop("documents"))
        job = IngestJob(documents=documents, **given)
    reports, sys.stdout = sys.stdout, sys.stderr  # libraries print what they like

    def report(what: dict[str, Any]) -> None:
        reports.write(json.dumps(what) + "\n")
        reports.flush()

    report(work(job, report))


if __name__ == "__main__":
    main()
