"""LlamaIndex's DuckDB vector store, without a network. Import this module where it is needed.

Source: llama-index-vector-stores-duckdb 0.7. Its constructor runs `INSTALL json; INSTALL fts`,
which downloads from extensions.duckdb.org even though json is built in and fts is never used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.vector_stores.duckdb import DuckDBVectorStore
from numpy.typing import NDArray

from sdr_lab.errors import StorageError
from sdr_lab.knowledge.passages import Piece

TABLE = "passages"
BATCH = 1000
"""Rows per insert: LlamaIndex makes Python lists of the vectors, 40 kB each."""


class OfflineDuckDBVectorStore(DuckDBVectorStore):
    """Creates its table without installing extensions."""

    @classmethod
    def class_name(cls) -> str:
        return "OfflineDuckDBVectorStore"

    @classmethod
    def _initialize_table(
        cls, conn: duckdb.DuckDBPyConnection, table_name: str, embed_dim: int | None
    ) -> None:
        conn.execute(
            f"CREATE TABLE IF NOT EXISTS {table_name} (node_id VARCHAR PRIMARY KEY, "
            f"text VARCHAR, embedding {cls._get_embedding_type(embed_dim)}, metadata_ JSON)"
        )


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
    try:
        store = OfflineDuckDBVectorStore.from_local(
            str(path), table_name=TABLE, embed_dim=contents.vectors.shape[1]
        )
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
        _close(store)
    except (duckdb.Error, OSError) as error:
        raise StorageError(f"{path}: can't write the index ({_first_line(error)})") from error


def read(path: Path) -> Contents:
    """Load an index file into memory and close it, so that no process keeps it locked."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            about = {
                key: json.loads(value)
                for key, value in connection.execute("SELECT key, value FROM about").fetchall()
            }
            table = connection.execute(
                f"SELECT node_id, text, metadata_->>'document' AS document, "
                f"CAST(metadata_->>'number' AS INTEGER) AS number, metadata_->>'title' AS title, "
                f"embedding FROM {TABLE} ORDER BY document, number"
            ).fetch_arrow_table()
    except (duckdb.Error, OSError) as error:
        raise StorageError(
            f"{path}: can't read the index ({_first_line(error)}); ingest the documents again"
        ) from error
    vectors = table.column("embedding").combine_chunks()
    if hasattr(vectors, "chunks"):  # pyarrow returns a chunked array when there are no rows
        flat = np.zeros(0, np.float32)
    else:
        flat = vectors.flatten().to_numpy(zero_copy_only=False)
    columns = [table.column(name).to_pylist() for name in ("document", "number", "title", "text")]
    ids = table.column("node_id").to_pylist()
    pieces = [Piece(*row) for row in zip(ids, *columns, strict=True)]
    return Contents(
        pieces=pieces,
        vectors=np.array(flat, np.float32).reshape(len(pieces), about["size"]),
        documents=about.pop("documents"),
        about=about,
    )


def _node(piece: Piece, vector: Sequence[float] | NDArray[np.float32]) -> TextNode:
    node = TextNode(
        id_=piece.id,
        text=piece.text,
        embedding=np.asarray(vector).tolist(),
        metadata={"document": piece.document, "number": piece.number, "title": piece.title},
    )
    node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=piece.document)
    return node


def _close(store: OfflineDuckDBVectorStore) -> None:
    """The store has no close; DuckDB frees the file when its last connection is closed."""
    store.client.close()
    if store._shared_conn is not None:
        store._shared_conn.close()


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
