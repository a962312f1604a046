"""Reading documents into a knowledge base, beside the server: in a process of low priority.

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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sdr_lab.errors import BadInput, SdrLabError, StorageError

NICE = 10
"""Calls come first."""

LINE_BYTES = 1_000_000
"""Longest line of a report: a list of problems of very many documents."""

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


async def ingest(job: IngestJob, on_progress: Progress) -> str:
    """Read documents in and make the result the base's current version, which is returned.

    Cancelling it leaves the version before in place.

    Raises:
        BadInput: a document can't be taken; nothing was changed.
        StorageError: the base can't be written, or the process was killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sdr_lab.live.ingest",
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
            return read_result(report)
        code = await process.wait()
    finally:
        await _stop(process)
    why = f"signal {-code}" if code < 0 else f"exit code {code}"
    raise StorageError(f"reading documents into {job.base!r} broke off ({why}); try again")


def read_result(report: dict[str, Any]) -> str:
    """Return the version of a job that is done; raise what it has raised."""
    if report.get("bad_input"):
        raise BadInput(report["bad_input"])
    if report.get("error"):
        raise StorageError(report["error"])
    return report["version"]


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


def work(job: IngestJob, report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Do a job here and now; returns its last report."""
    from sdr_lab.knowledge.documents import Source
    from sdr_lab.knowledge.embed import embedding_of
    from sdr_lab.knowledge.index import IngestOptions, Knowledge

    def progress(step: str, done: int, total: int) -> None:
        report({"step": step, "done": done, "total": total})

    sources = [Source(name, Path(path)) for name, path in job.documents]
    options = IngestOptions(job.chunk_size, job.max_document_mb)
    try:
        knowledge = Knowledge(Path(job.home), embedding_of(job.embed_model))
        return {"version": knowledge.ingest_sync(job.base, sources, options, progress).version}
    except BadInput as error:
        return {"bad_input": str(error)}
    except SdrLabError as error:
        return {"error": str(error)}


def main() -> None:
    """The process."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    given = json.loads(sys.stdin.readline())
    documents = tuple((name, path) for name, path in given.pop("documents"))
    job = IngestJob(documents=documents, **given)
    reports, sys.stdout = sys.stdout, sys.stderr  # libraries print what they like

    def report(what: dict[str, Any]) -> None:
        reports.write(json.dumps(what) + "\n")
        reports.flush()

    report(work(job, report))


if __name__ == "__main__":
    main()
