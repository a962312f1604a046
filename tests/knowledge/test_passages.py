from __future__ import annotations

import pytest

from sdr_lab.errors import SettingError
from sdr_lab.knowledge.documents import Document, Section
from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.passages import check_chunk_size, content_hash, fingerprint, split

tokens = HashEmbedding().tokens


def document(*sections: tuple[str, str]) -> Document:
    return Document("a.md", tuple(Section(title, text) for title, text in sections))


def test_a_section_is_a_passage_and_knows_its_title():
    pieces = split(document(("Plans: Growth", "It costs $129."), ("", "Bye.")), tokens)

    assert [piece.id for piece in pieces] == ["a.md#0", "a.md#1"]
    assert [piece.embedded for piece in pieces] == ["Plans: Growth. It costs $129.", "Bye."]


def test_long_sections_are_cut_between_sentences_and_fit():
    sentences = [f"This is sentence number {number} of the long text." for number in range(60)]

    pieces = split(document(("Long", " ".join(sentences))), tokens, chunk_size=50)

    assert len(pieces) > 60 * 9 / 50
    for piece in pieces:
        assert len(tokens(piece.embedded)) <= 50
        assert piece.text.startswith("This")
        assert piece.text.endswith(".")
    said = " ".join(piece.text for piece in pieces)
    assert all(sentence in said for sentence in sentences)


def test_a_word_without_an_end_is_cut_too():
    pieces = split(document(("", "word" * 20_000)), list, chunk_size=1000)

    assert max(len(piece.text) for piece in pieces) <= 1000
    assert sum(len(piece.text) for piece in pieces) >= 80_000


def test_long_texts_are_cut_at_paragraphs_before_they_are_split():
    paragraphs = [
        f"Paragraph {number} has a few words. {'More words. ' * 20}" for number in range(300)
    ]

    pieces = split(document(("", "\n\n".join(paragraphs))), tokens, chunk_size=100)

    said = " ".join(piece.text for piece in pieces)
    assert len(said) > 20_000
    assert all(f"Paragraph {number} has a few words." in said for number in range(300))


def test_a_title_takes_at_most_a_third():
    title = f"Outer heading: {' '.join(f'word{i}' for i in range(40))}"

    (piece,) = split(document((title, "Short.")), tokens, chunk_size=32)

    assert piece.title.startswith("word0 word1")
    assert len(tokens(piece.title)) <= 32 // 3


def test_ids_and_digests_repeat():
    once = split(document(("T", "One. Two."), ("U", "Three.")), tokens)
    again = split(document(("T", "One. Two."), ("U", "Three.")), tokens)

    assert once == again
    assert content_hash(once, "e") == content_hash(again, "e") != content_hash(once, "other")
    assert content_hash(once[:1], "e") != content_hash(once, "e")


def test_a_document_is_read_again_when_anything_that_matters_changes():
    marks = {
        fingerprint(data, size, name)
        for data in (b"a", b"b")
        for size in (100, 200)
        for name in ("x", "y")
    }

    assert len(marks) == 8


def test_chunk_size_is_checked():
    assert check_chunk_size(200, 256) == ""
    assert "CHUNK_SIZE 300 is more than the 256 tokens" in check_chunk_size(300, 256)
    with pytest.raises(SettingError, match=r"CHUNK_SIZE: got 5, allowed: 32\.\.2048"):
        check_chunk_size(5, 256)
