from __future__ import annotations

from pathlib import Path

import pytest

from sdr_lab.errors import BadInput, NotFound
from sdr_lab.knowledge.documents import (
    MAX_DOCUMENT_MB,
    Document,
    Section,
    Source,
    find_sources,
    read_document,
)

from .files import blank_pdf, docx, encrypted_pdf, pdf, zip_bomb


def read(name: str, data: bytes | str) -> Document:
    return read_document(Source(name, data if isinstance(data, bytes) else data.encode()))


def test_headings_of_markdown_become_titles():
    text = (
        "Intro.\n# Plans\nAll plans.\n## Growth\nIt costs **$129**.\n"
        "## Fleet\n- No limit.\n# End\nBye."
    )

    assert read("a.md", text).sections == (
        Section("", "Intro."),
        Section("Plans", "All plans."),
        Section("Plans: Growth", "It costs $129."),
        Section("Plans: Fleet", "No limit."),
        Section("End", "Bye."),
    )


def test_marks_of_markdown_are_not_spoken():
    text = (
        "# See [the plans](http://x) #\n\n> *Quoted*, `code` and __bold__.\n1. First.\n\n"
        "|Plan|Price|\n|---|---|\n|Starter|$49|\n<!-- hidden -->\n\n```\n# no heading\n```\n"
        "snake_case_name and 2 * 3 * 4 stay."
    )

    (section,) = read("a.md", text).sections

    assert section.title == "See the plans"
    assert "Quoted, code and bold." in section.text
    assert "---" not in section.text
    assert "hidden" not in section.text
    assert "# no heading" in section.text
    assert "snake_case_name and 2 * 3 * 4 stay." in section.text


def test_wrapped_lines_are_joined_and_lists_are_not():
    text = (
        "Maplewood copies every technician's jobs into\nGoogle Calendar. "
        "It also keeps them in sched-\nuling order.\n\nTools:\nhammer\nsaw\n"
    )

    assert read("a.txt", text).sections[0].text == (
        "Maplewood copies every technician's jobs into Google Calendar. It also keeps them in "
        "scheduling order.\n\nTools:\nhammer\nsaw"
    )


def test_html_keeps_headings_and_drops_what_is_not_read():
    html = (
        "<html><head><title>T</title><style>p{}</style></head><body><nav>Menu</nav>"
        "<h1>App</h1>Loose text.<p>Runs on <b>Android</b>.</p><h2>Offline</h2><ul><li>Works.</li>"
        "<li>Syncs &amp; sends.</li></ul><script>x()</script><!-- no --></body></html>"
    )

    assert read("a.html", html).sections == (
        Section("App", "Loose text.\nRuns on Android."),
        Section("App: Offline", "Works.\nSyncs & sends."),
    )


def test_a_table_of_two_columns_is_questions_and_answers():
    assert read("faq.csv", 'question;answer\nIs it free?;"Yes; for 14 days."\n').sections == (
        Section("Is it free?", "Yes; for 14 days."),
    )


def test_rows_of_a_table_name_their_columns_even_when_cells_are_missing():
    sections = read("t.csv", "plan,price,limit\nStarter,$49,3\nFleet,$299\n").sections

    assert sections[0] == Section("Starter", "plan: Starter\nprice: $49\nlimit: 3")
    assert sections[1] == Section("Fleet", "plan: Fleet\nprice: $299")


def test_pdf_and_word_files_are_read():
    assert "costs $49" in read("a.pdf", pdf("The plan", "costs $49.")).sections[0].text
    assert read("a.docx", docx("First.", "Second é.")).sections[0].text == "First.\n\nSecond é."


@pytest.mark.parametrize(
    ("data", "text", "notice"),
    [
        ("café 你好 😀".encode(), "café 你好 😀", ""),
        (b"\xef\xbb\xbfcaf\xc3\xa9", "café", ""),
        ("café".encode("utf-16"), "café", ""),
        ("café “x”".encode("cp1252"), "café “x”", "a.txt: not UTF-8 (byte 3)"),
        ("e\u0301".encode(), "é", ""),
        (b"one\r\ntwo\rthree", "one\ntwo\nthree", ""),
        (b"bell\x07 and \x1b[1mbold", "bell and [1mbold", ""),
    ],
)
def test_encodings(data: bytes, text: str, notice: str):
    document = read("a.txt", data)

    assert document.sections[0].text == text
    assert document.notice.startswith(notice)
    assert bool(document.notice) == bool(notice)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.txt", b"", "a.txt: the file is empty"),
        ("a.md", b" \n\t\n", "a.md: there is no text in it"),
        ("a.html", b"<html><script>x</script></html>", "a.html: there is no text in it"),
        ("a.txt", bytes(range(256)) * 40, "a.txt: binary data, not text"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0\0", "a.txt: binary data, not text"),
        ("a.txt", b"\xff\xfea\xd8\x00", "a.txt: damaged UTF-16 text"),
        ("a.exe", b"MZ", "a.exe: files of kind .exe can't be read; allowed: .csv, .docx"),
        ("README", b"x", "README: files of kind (none) can't be read"),
        ("a.csv", b"only,names\n", "a.csv: no rows"),
        ("a.pdf", b"%PDF-1.4 nonsense", "a.pdf: not a readable PDF"),
        ("a.pdf", b"no pdf at all", "a.pdf: not a readable PDF"),
        ("a.pdf", pdf("text")[:200], "a.pdf: "),
        ("a.pdf", encrypted_pdf(), "a.pdf: the PDF is encrypted"),
        ("a.pdf", blank_pdf(), "a.pdf: no text in this PDF"),
        ("a.docx", b"PK\x03\x04 broken", "a.docx: not a Word document"),
        ("a.docx", b"text", "a.docx: not a Word document"),
        ("a.docx", zip_bomb(), "a.docx: unpacks to 100 MB"),
        ("a.docx", docx("word " * 2_500_000), "a.docx: 12.5 MB of text, allowed: 10 MB"),
        ("a.txt", b"x" * 50_000_000, "a.txt: 50.0 MB is too large, allowed: 10 MB"),
    ],
)
def test_bad_documents_are_refused_in_one_line(name: str, data: bytes, said: str):
    with pytest.raises(BadInput) as caught:
        read(name, data)

    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_a_folder_is_walked_without_hidden_and_unknown_files(tmp_path: Path):
    for name in ("b.md", "sub/a.txt", ".hidden/c.md", "photo.jpg", "~notes"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("text")

    names = [found.name for found in find_sources([tmp_path]) if isinstance(found, Source)]

    assert names == ["b.md", "sub/a.txt"]


def test_paths_that_can_not_be_taken(tmp_path: Path):
    (tmp_path / "empty.md").touch()
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(MAX_DOCUMENT_MB * 1_000_000 + 1)
    (tmp_path / "folder").mkdir()
    names = ("missing.md", "empty.md", "big.txt", "folder")

    found = list(find_sources([tmp_path / name for name in names]))

    assert [type(one) for one in found] == [NotFound, BadInput, BadInput, BadInput]
    assert [str(one).split(": ", 1)[1].split(";")[0] for one in found] == [
        "no such file or folder",
        "the file is empty",
        "10.0 MB is too large, allowed: 10 MB",
        "no documents in this folder",
    ]


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("a.md", "\n"),
        ("a.md", "\x85"),
        ("a.md", "-"),
        ("a.md", "\n# a" + " #" * 16_000 + "a"),
        ("a.md", "|: "),
        ("a.md", "["),
        ("a.md", "[]("),
        ("a.md", "<!--"),
        ("a.md", " *a"),
        ("a.md", "\u2003"),
        ("a.html", "<b>x"),
    ],
)
def test_text_made_to_be_read_slowly_is_read_like_any_other(name: str, piece: str):
    text = "word " + piece * (16_000 // len(piece) + 1) + "\n\nend"

    assert read(name, text.encode()).sections[-1].text.endswith("end")


def test_headings_may_be_closed_and_links_be_pictures():
    text = "# Prices ##\n[![Our logo](logo.png)](https://example.com) Call us.<!-- todo --> Now."

    (section,) = read("a.md", text.encode()).sections

    assert (section.title, section.text) == ("Prices", "Our logo Call us. Now.")
