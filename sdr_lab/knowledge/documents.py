"""A file → text in sections. One function a format; what can't be read is refused in one line."""

from __future__ import annotations

import csv
import io
import logging
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sdr_lab.errors import BadInput, NotFound

if TYPE_CHECKING:
    from bs4.element import PageElement

MAX_DOCUMENT_MB = 10
"""Default of the setting. 10 MB of text are about 12,000 passages, 5 minutes on one core."""

MAX_UNPACKED = 8
"""A .docx is a zip file: it may unpack to so many times the size limit."""

_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(\S.*)$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^)\n]{0,2000}\)")
_BULLET = re.compile(r"^[^\S\n]*(?:[-*+]|\d{1,9}[.)]|>)[^\S\n]+", re.MULTILINE)
_RULE = re.compile(r"^(?=.*---)[ \t|:-]+$", re.MULTILINE)
"""A line across the page, or the one below the heads of a table."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_WRAPPED_LINE = re.compile(r"(?<=[^\n]{45})(?<![.!?:;]) ?\n ?(?=\S)")
"""A long line that does not end a sentence; short lines are lists, addresses, tables."""
_WRAPPED_WORD = re.compile(r"(?<=[a-z]{2})-\n(?=[a-z]{2})")
_HTML_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_HTML_BLOCKS = ("p", "div", "li", "dt", "dd", "tr", "br", "pre", "blockquote", "section", "caption")
_HTML_SILENT = ("script", "style", "noscript", "template", "nav", "svg", "title")


@dataclass(frozen=True, slots=True)
class Source:
    """A document to be read: its name in the knowledge base and its bytes, or where they are."""

    name: str
    content: bytes | Path

    @property
    def data(self) -> bytes:
        """
        Raises:
            BadInput: The file can't be read.
        """
        if isinstance(self.content, bytes):
            return self.content
        try:
            return self.content.read_bytes()
        except OSError as error:
            raise BadInput(f"{self.content}: can't be read ({error.strerror})") from error


@dataclass(frozen=True, slots=True)
class Section:
    """Text below one heading."""

    title: str
    """The headings above it, outermost first, joined by `: `. May be empty."""
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document that has been read."""

    name: str
    sections: tuple[Section, ...]
    notice: str = ""
    """Something the user should know, such as a guessed encoding."""


def find_sources(paths: list[Path], max_mb: float = MAX_DOCUMENT_MB) -> Iterator[Source | BadInput]:
    """Yield the documents below `paths`, or the reason why one can't be taken.

    A folder is walked (hidden files and unknown kinds left out); names of its documents are
    relative to it. A file given by itself must be of a known kind.
    """
    for path in paths:
        if path.is_dir():
            yield from _folder(path, max_mb)
        else:
            yield _file(path, path.name, max_mb)


def _folder(folder: Path, max_mb: float) -> Iterator[Source | BadInput]:
    found = False
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
        if path.is_file() and path.suffix.casefold() in READERS and not hidden:
            found = True
            yield _file(path, name, max_mb)
    if not found:
        yield BadInput(f"{folder}: no documents in this folder; allowed: {_KINDS}")


def _file(path: Path, name: str, max_mb: float) -> Source | BadInput:
    if not path.exists():
        return NotFound(f"{path}: no such file or folder")
    if problem := _refusal(path.name, path.stat().st_size, max_mb):
        return BadInput(f"{path}: {problem}")
    return Source(name, path)


def _refusal(name: str, size: int, max_mb: float) -> str:
    """Why a document can't be taken, by its name and size (bytes); empty when it can."""
    suffix = PurePosixPath(name).suffix.casefold()
    if suffix not in READERS:
        return f"files of kind {suffix or '(none)'} can't be read; allowed: {_KINDS}"
    if size == 0:
        return "the file is empty"
    if size > max_mb * 1_000_000:
        return (
            f"{size / 1e6:.1f} MB is too large, allowed: {max_mb:g} MB; "
            "split it into several documents"
        )
    return ""


def read_document(source: Source, max_mb: float = MAX_DOCUMENT_MB) -> Document:
    """Read one document.

    Raises:
        BadInput: Unknown kind, empty, too large, binary, damaged, encrypted or without text.
    """
    source = Source(source.name, source.data)
    if problem := _refusal(source.name, len(source.data), max_mb):
        raise BadInput(f"{source.name}: {problem}")
    reader = READERS[PurePosixPath(source.name).suffix.casefold()]
    sections, notice = reader(source)
    cleaned = tuple(
        Section(_one_line(section.title), text)
        for section in sections
        if (text := _clean(section.text))
    )
    if not cleaned:
        raise BadInput(f"{source.name}: there is no text in it")
    size = sum(len(section.text) for section in cleaned)
    if size > max_mb * 1_000_000:  # packed, it was smaller
        raise BadInput(f"{source.name}: {size / 1e6:.1f} MB of text, allowed: {max_mb:g} MB")
    return Document(source.name, cleaned, f"{source.name}: {notice}" if notice else "")


def _clean(text: str) -> str:
    """NFC, no control characters, one blank line at most, wrapped lines joined to sentences."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _CONTROL.sub(" ", text)
    text = re.sub(r"[^\S\n]+", " ", text)
    text = _WRAPPED_WORD.sub("", text)
    text = _WRAPPED_LINE.sub(" ", text)
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", text).strip()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def decode(source: Source) -> tuple[str, str]:
    """Decode text: UTF-8, UTF-16 with a byte order mark, else Windows-1252 with a notice.

    Raises:
        BadInput: The bytes are not text.
    """
    data = source.data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), ""
        except UnicodeDecodeError:
            raise BadInput(f"{source.name}: damaged UTF-16 text; save it as UTF-8") from None
    if _looks_binary(data):
        raise BadInput(f"{source.name}: binary data, not text; allowed: text in UTF-8")
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        notice = f"not UTF-8 (byte {error.start}), read as Windows-1252; check its accents"
        return data.decode("cp1252", errors="replace"), notice


def _looks_binary(data: bytes) -> bool:
    head = data[:65536]
    if b"\0" in head:
        return True
    odd = sum(head.count(bytes([code])) for code in range(32) if code not in (9, 10, 12, 13, 27))
    return odd > 3 + len(head) / 100


def _text(source: Source) -> tuple[list[Section], str]:
    text, notice = decode(source)
    return [Section("", text)], notice


def _markdown(source: Source) -> tuple[list[Section], str]:
    text, notice = decode(source)
    sections: list[Section] = []
    headings: dict[int, str] = {}
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
            continue
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        sections.append(Section(": ".join(headings.values()), _plain("\n".join(lines))))
        lines.clear()
        depth = len(heading[1])
        headings = {level: name for level, name in headings.items() if level < depth}
        headings[depth] = _plain(heading[2].rstrip(" \t#"))
    sections.append(Section(": ".join(headings.values()), _plain("\n".join(lines))))
    return sections, notice


def _plain(markdown: str) -> str:
    """Markdown without its marks, so that a passage can be spoken.

    No pattern may look far ahead from many places: text that was made for it would take hours.
    """
    text = _uncommented(markdown)
    for _ in range(2):  # a picture may be a link
        text = _LINK.sub(r"\1", text)
    text = _BULLET.sub("", text)
    text = _RULE.sub("", text)
    text = re.sub(r"(\*\*|__|`)(.{1,1000}?)\1", r"\2", text)
    return re.sub(r"(?<!\w)[*_](\S.{0,300}?)[*_](?!\w)", r"\1", text)


def _uncommented(text: str) -> str:
    """Return Markdown without `<!-- … -->`."""
    kept: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join([*kept, text[at:]])


def _html(source: Source) -> tuple[list[Section], str]:
    from bs4 import BeautifulSoup
    from bs4.element import NavigableString, PreformattedString, Tag

    text, notice = decode(source)
    soup = BeautifulSoup(text, "html.parser")
    for dropped in soup(_HTML_SILENT):
        dropped.decompose()
    sections: list[Section] = []
    headings: dict[int, str] = {}
    lines: list[str] = [""]
    waiting: list[PageElement] = [soup.body or soup]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Tag) and node.name in _HTML_HEADINGS:
            sections.append(Section(": ".join(headings.values()), "\n".join(lines)))
            lines = [""]
            depth = int(node.name[1])
            headings = {level: name for level, name in headings.items() if level < depth}
            headings[depth] = node.get_text(" ")
        elif isinstance(node, Tag):
            if node.name in _HTML_BLOCKS:
                lines.append("")
            waiting.extend(reversed(node.contents))
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            lines[-1] += re.sub(r"\s+", " ", node)
    sections.append(Section(": ".join(headings.values()), "\n".join(lines)))
    return sections, notice


def _csv(source: Source) -> tuple[list[Section], str]:
    """One section a row, titled by its first column: `question`, `answer` or any table."""
    text, notice = decode(source)
    try:
        dialect = csv.Sniffer().sniff(text[:8192], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), dialect))
    except csv.Error as error:
        raise BadInput(f"{source.name}: not a CSV table ({error})") from None
    if len(rows) < 2:
        raise BadInput(f"{source.name}: no rows; expected a line of column names and rows below")
    names = [_one_line(name) for name in rows[0]]
    return [_row(names, row) for row in rows[1:]], notice


def _row(names: list[str], row: list[str]) -> Section:
    cells = [cell.strip() for cell in row]
    if len(names) == 2:  # a table of questions and answers, or of terms and meanings
        return Section(cells[0] if cells else "", " ".join(cells[1:]))
    named = [f"{name}: {cell}" for name, cell in zip(names, cells, strict=False) if cell]
    return Section(cells[0] if cells else "", "\n".join([*named, *cells[len(names) :]]))


def _pdf(source: Source) -> tuple[list[Section], str]:
    import pypdf
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it minds, we say in one line
    try:
        if pypdf.PdfReader(io.BytesIO(source.data)).is_encrypted:
            raise BadInput(f"{source.name}: the PDF is encrypted; save it without a password")
    except (PyPdfError, ValueError, OSError, RecursionError) as error:
        raise BadInput(f"{source.name}: not a readable PDF ({_one_line(str(error))})") from None
    from llama_index.readers.file.docs import PDFReader

    pages = _through_file(source, lambda path: PDFReader().load_data(path))
    if not any(page.strip() for page in pages):
        raise BadInput(f"{source.name}: no text in this PDF (scanned pages?); run OCR on it first")
    return [Section("", "\n".join(pages))], ""


def _docx(source: Source) -> tuple[list[Section], str]:
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
            archive.getinfo("word/document.xml")
    except (zipfile.BadZipFile, KeyError):
        raise BadInput(f"{source.name}: not a Word document (.docx)") from None
    if unpacked > MAX_UNPACKED * max(MAX_DOCUMENT_MB * 1_000_000, len(source.data)):
        raise BadInput(f"{source.name}: unpacks to {unpacked / 1e6:.0f} MB, too large")
    from llama_index.readers.file.docs import DocxReader

    return [
        Section("", "\n".join(_through_file(source, lambda path: DocxReader().load_data(path))))
    ], ""


def _through_file(source: Source, load: Callable[[Path], list]) -> list[str]:
    """LlamaIndex's readers want a path, uploads are bytes."""
    with tempfile.TemporaryDirectory(prefix="sdr-lab-") as folder:
        path = Path(folder) / PurePosixPath(source.name).name
        path.write_bytes(source.data)
        try:
            return [document.text for document in load(path)]
        except Exception as error:  # the parsers raise anything on damaged files
            reason = _one_line(str(error.__cause__ or error)) or type(error).__name__
            raise BadInput(f"{source.name}: damaged, can't be read ({reason})") from error


READERS: dict[str, Callable[[Source], tuple[list[Section], str]]] = {
    ".txt": _text,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".csv": _csv,
    ".pdf": _pdf,
    ".docx": _docx,
}
"""Every kind of document, by the ending of its name."""

_KINDS = ", ".join(sorted(READERS))
