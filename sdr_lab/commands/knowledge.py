"""`ingest`, `search` and `documents`: what the agents can look up."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdr_lab.commands.terminal import JSON_HELP, print_json, print_table
from sdr_lab.commands.workspace import workspace
from sdr_lab.errors import BadInput

if TYPE_CHECKING:
    from sdr_lab.knowledge.index import Progress

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Base = Annotated[str, typer.Option("--knowledge", "-k", help="Name of the knowledge base.")]


def ingest(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files or folders; default: the setting DATA_FILE."),
    ] = None,
    name: Base = "default",
    prune: Annotated[
        bool, typer.Option("--prune", help="Forget documents that are not among these.")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Take the good ones when some can't be read.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read documents (txt, md, pdf, docx, html, csv) into a knowledge base.

    A document replaces the one of the same name. Running calls find the new version at their
    next question; if anything fails, the old version stays.
    """
    from sdr_lab.knowledge.index import IngestOptions

    with workspace(ctx) as lab, _progress_bar() as progress:
        default = lab.settings.data_file
        chosen = paths or ([default] if default else [])
        if not chosen:
            raise BadInput("nothing to ingest: give a file or folder, or set DATA_FILE")
        options = IngestOptions(
            lab.settings.chunk_size, lab.settings.max_document_mb, keep_going, prune
        )
        done = lab.knowledge.ingest_sync(name, chosen, options, progress)
    if as_json:
        print_json(dataclasses.asdict(done))
        return
    for note in (*done.failed, *done.notices):
        typer.secho(note, fg="yellow", err=True)
    typer.echo(
        f"{name}: {done.documents} documents read, {len(done.skipped)} unchanged, "
        f"{done.passages} passages in version {done.version}"
    )


def search(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="What a caller might ask.")],
    name: Base = "default",
    top_k: Annotated[int | None, typer.Option(help="How many; default: TOP_K.")] = None,
    as_json: Json = False,
) -> None:
    """Show the passages that the agent would find for a question, best first."""
    if not any(character.isalnum() for character in query):
        raise BadInput(f"got {query!r}: there are no words in it")
    with workspace(ctx, top_k=top_k) as lab:
        if not lab.knowledge.version(name):
            lab.knowledge.documents(name)  # raises: says which there are
        search = lab.knowledge.search_for(name)
        found = asyncio.run(search.search(query, lab.settings.top_k))
    if as_json:
        print_json([dataclasses.asdict(passage) for passage in found])
        return
    for passage in found:
        by_meaning = "–" if passage.vector_score is None else f"{passage.vector_score:.2f}"
        by_word = "–" if passage.keyword_score is None else f"{passage.keyword_score:.2f}"
        heading = f"{passage.score:.2f}  {passage.source}  {passage.title}".rstrip()
        typer.secho(heading, bold=True)
        typer.secho(f"      meaning {by_meaning}, words {by_word}", dim=True)
        typer.echo(f"{passage.text}\n")
    if not found:
        typer.echo("Nothing related: the agent would say that it does not know.")


def documents(
    ctx: typer.Context,
    name: Base = "default",
    delete: Annotated[str | None, typer.Option(help="Forget this document.")] = None,
    as_json: Json = False,
) -> None:
    """List the documents of a knowledge base, or take one out."""
    with workspace(ctx) as lab:
        knowledge = lab.knowledge
        if delete is not None:
            version = knowledge.delete(name, delete)
            if as_json:
                print_json({"deleted": delete, "version": version})
            else:
                typer.echo(f"{delete} is gone from {name}, now at version {version}")
            return
        found = knowledge.documents(name)
    if as_json:
        print_json([dataclasses.asdict(document) for document in found])
        return
    print_table(
        ("document", "passages", "kB", "added"),
        [(d.name, str(d.passages), str(round(d.size / 1000)), d.added_at) for d in found],
        title=f"{name}, version {knowledge.version(name)}",
    )


@contextmanager
def _progress_bar() -> Iterator[Progress | None]:
    """Show a bar on a terminal; elsewhere nothing, so that logs stay short."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("loading", total=None)

        def show(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total)

        yield show
