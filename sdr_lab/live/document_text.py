"""A document that has been read, as text and as harmless HTML."""

from __future__ import annotations

import html

from sdr_lab.knowledge.documents import Document


def as_text(document: Document) -> str:
    """Return all sections below each other, titles on lines of their own."""
    return "\n\n".join(
        f"{part.title}\n{part.text}" if part.title else part.text for part in document.sections
    )


def as_html(document: Document) -> str:
    """Return headings and paragraphs; nothing of the original's markup is left."""
    return "".join(
        (f"<h2>{html.escape(part.title)}</h2>" if part.title else "")
        + "".join(f"<p>{html.escape(text)}</p>" for text in part.text.split("\n\n"))
        for part in document.sections
    )
