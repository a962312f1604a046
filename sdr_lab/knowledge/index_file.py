"""One version of an index on disk: a DuckDB file with the passages and what is known about them.

The table `passages` is LlamaIndex's (node_id, text, embedding, metadata_), so that any LlamaIndex
program can open it with `OfflineDuckDBVectorStore`; the table `about` (key, value) is ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdr_lab.errors import StorageError
from sdr_lab.knowledge.passages import Piece

TABLE = "passages"
BATCH = 1000
"""Rows per insert: LlamaIndex makes Python lists of the vectors, 40 kB each."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What an index file holds, in the order of documents and passages."""

    pieces: list[Piece]
    vectors: NDArray[np.float32]
    """Unit vectors, shape (n, size), row i belongs to `pieces[i]`."""
    documents: dict[str, dict[str, Any]]
    """Name → fingerprint, passages, bytes, added_at."""
    about: dict[str, Any]
    """embedding, size, chunk_size."""


def write(path: Path, contents: Contents) -> None:
    """Write a new index file and close it; DuckDB keeps its lock no longer than that."""
    import duckdb

    from sdr_lab.knowledge.duckdb_store import OfflineDuckDBVectorStore

    try:
        size = contents.vectors.shape[1]
        store = OfflineDuckDBVectorStore.opened(path, TABLE, size)
        connection = store.client
        for start in range(0, len(contents.pieces), BATCH):
            rows = zip(
                contents.pieces[start : start + BATCH],
                contents.vectors[start : start + BATCH],
                strict=True,
            )
            store.add([_node(piece, vector) for piece, vector in rows])
        connection.execute("CREATE TABLE about (key VARCHAR PRIMARY KEY, value JSON)")
        about = {**contents.about, "documents": contents.documents}
        connection.executemany(
            "INSERT INTO about VALUES (?, ?)", [[k, json.dumps(v)] for k, v in about.items()]
        )
        connection.execute("CHECKPOINT")
        store.close()
    except (duckdb.Error, OSError) as error:
        reason = _first_line(error)
        if "No space left" in str(error):
            reason = "the disk is full: free some space or set SDR_LAB_HOME"
        raise StorageError(f"{path.parent}: can't write the index ({reason})") from error


def read(path: Path) -> Contents:
    """Load an index file into memory and close it, so that no process keeps it locked."""
    about = read_about(path)
    with _opened(path) as connection:
        table = connection.execute(
            "SELECT node_id, metadata_->>'document' AS document, "
            "CAST(metadata_->>'number' AS INTEGER) AS number, metadata_->>'title' AS title, "
            f"text, embedding FROM {TABLE} ORDER BY document, number"
        ).fetch_arrow_table()
    names = ("node_id", "document", "number", "title", "text")
    columns = [table.column(name).to_pylist() for name in names]
    pieces = [Piece(*row) for row in zip(*columns, strict=True)]
    vectors = np.zeros((len(pieces), about["size"]), np.float32)
    row = 0
    for chunk in table.column("embedding").chunks:
        numbers = chunk.flatten()  # its `to_numpy` would import pandas, 0.3 s
        flat = np.frombuffer(numbers.buffers()[1], np.float32)
        flat = flat[numbers.offset : numbers.offset + len(numbers)]
        vectors[row : row + len(chunk)] = flat.reshape(len(chunk), -1)
        row += len(chunk)
    return Contents(pieces, vectors, about.pop("documents"), about)


def read_about(path: Path) -> dict[str, Any]:
    """Read what an index file says about itself: embedding, size, documents."""
    with _opened(path) as connection:
        rows = connection.execute("SELECT key, value FROM about").fetchall()
    return {key: json.loads(value) for key, value in rows}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            yield connection
    except (duckdb.Error, OSError) as error:
        raise StorageError(
            f"{path}: can't read the index ({_first_line(error)}); delete that folder, then "
            "ingest the documents again"
        ) from error


def _node(piece: Piece, vector: NDArray[np.float32]) -> Any:
    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

    node = TextNode(
        id_=piece.id,
        text=piece.text,
        embedding=vector.tolist(),
        metadata={"document": piece.document, "number": piece.number, "title": piece.title},
    )
    node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=piece.document)
    return node


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
