"""LlamaIndex's DuckDB vector store, without a network. Import this module where it is needed.

Source: llama-index-vector-stores-duckdb 0.7. Its constructor runs `INSTALL json; INSTALL fts`,
which downloads from extensions.duckdb.org even though json is built in and fts is never used.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
from llama_index.vector_stores.duckdb import DuckDBVectorStore


class OfflineDuckDBVectorStore(DuckDBVectorStore):
    """Creates its table without installing extensions."""

    @classmethod
    def class_name(cls) -> str:
        return "OfflineDuckDBVectorStore"

    @classmethod
    def opened(cls, path: Path, table: str, size: int) -> OfflineDuckDBVectorStore:
        """Open or create a file with a table of passages whose vectors have `size` numbers."""
        return cls(
            database_name=path.name,
            persist_dir=str(path.parent),
            table_name=table,
            embed_dim=size,
            text_search_config=None,
        )

    @classmethod
    def _initialize_table(
        cls, conn: duckdb.DuckDBPyConnection, table_name: str, embed_dim: int | None
    ) -> None:
        conn.execute(
            f"CREATE TABLE IF NOT EXISTS {table_name} (node_id VARCHAR PRIMARY KEY, "
            f"text VARCHAR, embedding {cls._get_embedding_type(embed_dim)}, metadata_ JSON)"
        )

    def close(self) -> None:
        """Free the file for others. (The parent class has no such method.)"""
        self.client.close()
        if self._shared_conn is not None:
            self._shared_conn.close()
