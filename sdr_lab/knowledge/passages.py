"""A document → passages: pieces short enough for the embedding, each making sense alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sdr_lab.errors import SettingError
from sdr_lab.knowledge.documents import Document

CHUNK_SIZE = 200
"""Tokens of a passage, its title included. MiniLM reads 256 and cuts the rest silently."""

MIN_CHUNK_SIZE, MAX_CHUNK_SIZE = 32, 2048
OVERLAP_SHARE = 8
"""Passages of one section share an eighth of their tokens, so that no thought is cut in two."""

MAX_TITLE_SHARE = 3
"""A title takes at most a third of a passage."""

BLOCK = 20_000
"""Characters given to the splitter at once."""

_ENDLESS_WORD = re.compile(r"\S{200}(?=\S)")
"""Not a word: encoded data, or a script that does without spaces."""

Tokens = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage before it has a vector."""

    id: str
    """`<document>#<number>`: the same after each ingest, so that a document replaces itself."""
    document: str
    number: int
    title: str
    text: str

    @property
    def embedded(self) -> str:
        """What the embedding and the keyword index see: the title gives a passage its context."""
        return f"{self.title}. {self.text}" if self.title else self.text

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.embedded.encode()).hexdigest()


def check_chunk_size(chunk_size: int, max_tokens: int) -> str:
    """Return a warning, empty when all is well.

    Raises:
        SettingError: CHUNK_SIZE is out of range.
    """
    if not MIN_CHUNK_SIZE <= chunk_size <= MAX_CHUNK_SIZE:
        raise SettingError("CHUNK_SIZE", chunk_size, f"{MIN_CHUNK_SIZE}..{MAX_CHUNK_SIZE}")
    if chunk_size > max_tokens - 2:
        return (
            f"CHUNK_SIZE {chunk_size} is more than the {max_tokens} tokens that the embedding "
            "reads: the end of long passages is only found by its words"
        )
    return ""


def split(document: Document, tokens: Tokens, chunk_size: int = CHUNK_SIZE) -> list[Piece]:
    """Cut a document at its headings, then at sentences.

    Args:
        tokens: The embedding's own tokens, so that `chunk_size` counts what the model counts.
    """
    pieces: list[Piece] = []
    splitters: dict[int, Any] = {}
    for section in document.sections:
        title = _shorten(section.title, tokens, chunk_size // MAX_TITLE_SHARE)
        room = max(1, chunk_size - (len(tokens(f"{title}. ")) if title else 0))
        if room not in splitters:
            splitters[room] = _splitter(tokens, room)
        for block in _blocks(section.text):
            for text in splitters[room].split_text(block):
                number = len(pieces)
                piece_id = f"{document.name}#{number}"
                pieces.append(Piece(piece_id, document.name, number, title, text.strip()))
    return pieces


def _blocks(text: str) -> Iterator[str]:
    """Cut a long text at paragraphs, else at lines or words: the splitter's time is not linear."""
    text = _ENDLESS_WORD.sub(r"\g<0> ", text)
    start = 0
    while len(text) - start > BLOCK:
        for mark in ("\n\n", "\n", " "):
            end = text.rfind(mark, start, start + BLOCK)
            if end > start + BLOCK // 2:
                break
        else:
            end = start + BLOCK
        yield text[start:end]
        start = end
    yield text[start:]


def _splitter(tokens: Tokens, size: int) -> Any:
    from llama_index.core.node_parser import SentenceSplitter

    return SentenceSplitter(
        chunk_size=size,
        chunk_overlap=size // OVERLAP_SHARE,
        tokenizer=tokens,
        include_metadata=False,
    )


def _shorten(title: str, tokens: Tokens, limit: int) -> str:
    """Drop outer headings, then words, until the title fits."""
    parts = title.split(": ")
    while len(parts) > 1 and len(tokens(": ".join(parts))) > limit:
        parts.pop(0)
    words = ": ".join(parts).split()
    while len(words) > 1 and len(tokens(" ".join(words))) > limit:
        words.pop()
    return " ".join(words)


def fingerprint(data: bytes, chunk_size: int, embedding: str) -> str:
    """Tell whether a document has to be read again: its bytes and how they are cut."""
    about = f"{READING_VERSION}\0{chunk_size}\0{embedding}\0".encode()
    return hashlib.sha256(about + data).hexdigest()


READING_VERSION = 1
"""Raise it when reading or splitting changes, so that unchanged files are read again."""


def content_hash(pieces: Sequence[Piece], embedding: str) -> str:
    """Name the content of an index: the same documents give the same eight letters."""
    digest = hashlib.sha256(embedding.encode())
    for piece in pieces:
        digest.update(f"\0{piece.id}\0{piece.digest}".encode())
    return digest.hexdigest()[:8]
