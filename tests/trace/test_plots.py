from pathlib import Path

import pytest

from sdr_lab.errors import BadInput, StorageError
from sdr_lab.events import Event, to_json
from sdr_lab.trace.latency import CallLatency, TurnLatency, measure
from sdr_lab.trace.plots import (
    COLOURS,
    MAX_TURNS,
    label,
    percentile_plot,
    png_of,
    waterfall,
    write_waterfall,
)
from sdr_lab.trace.stages import ANSWER, STAGES, TOTAL

PNG = b"\x89PNG\r\n\x1a\n"


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(PNG)
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def bars(figure) -> set[tuple[float, float]]:
    return {
        (round(bar.get_x(), 1), round(bar.get_x() + bar.get_width(), 1))
        for bar in figure.axes[1].patches
    }


def test_bars_stand_where_the_stages_were(events: list[Event]):
    drawn = bars(waterfall(measure(events)))
    assert {(0, 600), (500, 600), (615, 665), (665, 700), (700, 780), (780, 800)} <= drawn
    assert {(0, 500), (201, 261), (261, 300), (300, 400)} <= drawn  # before the turn was over


def test_rows_name_the_caller_and_mark_interruptions(events: list[Event]):
    axes = waterfall(measure(events)).axes[1]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "1  how much is it", "× 2  and then",
    ]  # fmt: skip
    assert [text.get_text() for text in axes.texts] == ["800 ms", "502 ms"]


def test_the_lane_shows_who_speaks(events: list[Event]):
    lane = waterfall(measure(events)).axes[0]
    assert len(lane.patches) == 6
    assert len(lane.lines) == 1  # the one cut


@pytest.mark.parametrize("count", [0, 1, 20, 90])
def test_any_number_of_turns_can_be_drawn(count: int):
    turns = tuple(
        TurnLatency(turn=i, caller="well", last_voiced_ms=0, over_ms=500 + i, sent_ms=600 + i)
        for i in range(count)
    )
    figure = waterfall(CallLatency("conv_1", turns))
    width, height = size_of(png_of(figure))
    assert width == 1560
    assert height <= 2600
    assert len(figure.axes[1].get_yticks()) == min(count, MAX_TURNS) or count == 0


def test_labels_are_short_and_no_formulas():
    long = TurnLatency(turn=3, caller="we pay $20 or $30 a month, " * 5, interrupted=True)
    assert label(long).startswith(r"× 3  we pay \$20 or \$30")
    assert label(long).endswith(" …")
    assert len(label(long)) < 50


def test_percentiles_of_many_calls_are_drawn(events: list[Event]):
    figure = percentile_plot([measure(events), measure(events)])
    assert size_of(png_of(figure))[0] == 1560
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "2 turns heard out", "2 turns interrupted",
    ]  # fmt: skip
    assert png_of(percentile_plot([])).startswith(PNG)


def test_every_stage_has_a_colour_of_its_own():
    keys = [stage.key for stage in (*STAGES, ANSWER, TOTAL)]
    assert len({COLOURS[key] for key in keys}) == len(keys)


def test_the_picture_lies_in_the_call_folder(tmp_path: Path, events: list[Event]):
    (tmp_path / "events.jsonl").write_text("".join(to_json(e) + "\n" for e in events))
    path = write_waterfall(tmp_path)
    assert path == tmp_path / "latency.png"
    assert path.read_bytes().startswith(PNG)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["events.jsonl", "latency.png"]


def test_what_can_not_be_drawn_or_written_is_said(tmp_path: Path, events: list[Event]):
    with pytest.raises(BadInput, match=r"has no events.jsonl"):
        write_waterfall(tmp_path)
    (tmp_path / "events.jsonl").write_text("".join(to_json(e) + "\n" for e in events))
    (tmp_path / "latency.png.part").mkdir()
    with pytest.raises(StorageError, match=r"can't write .*latency.png: Is a directory"):
        write_waterfall(tmp_path)
