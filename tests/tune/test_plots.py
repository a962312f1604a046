from pathlib import Path

import pytest

from sdr_lab.errors import BadInput, StorageError
from sdr_lab.tune.labels import KINDS
from sdr_lab.tune.plots import CAUSE_COLOURS, LABEL_COLOURS, fitted, head, new_figure, save


def test_every_kind_of_label_has_a_colour_of_its_own():
    assert tuple(LABEL_COLOURS) == KINDS
    assert len(set(CAUSE_COLOURS.values())) == len(CAUSE_COLOURS)


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("b.svg", b"<?xml")])
def test_pictures_are_written_whole(tmp_path: Path, name: str, begins: bytes):
    figure = new_figure(2)
    head(figure, "It costs $5 or $6", "in words")
    path = save(figure, tmp_path / "new" / name)
    assert path.read_bytes().startswith(begins)
    assert [p.name for p in path.parent.iterdir()] == [name]


def test_other_formats_are_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"a.gif: pictures are written as .png or .svg"):
        save(new_figure(2), tmp_path / "a.gif")


def test_what_can_not_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a part of that path is a file"):
        save(new_figure(2), tmp_path / "file" / "a.png")


@pytest.mark.parametrize("letters", [10, 120, 170, 400])
def test_heads_stay_within_the_picture(letters: int):
    figure = new_figure(2, 9.0)
    head(figure, "Callers noticed", "the operating point notices it " * (letters // 30 + 1))
    figure.canvas.draw()
    for text in figure.texts:
        assert text.get_window_extent().x1 <= figure.bbox.x1  # pyright: ignore


def test_short_texts_keep_their_size():
    assert fitted("short", 9.5, 8) == ("short", 9.5)
    text, size = fitted("x" * 500, 9.5, 8)
    assert text.endswith("…")
    assert size == 7
