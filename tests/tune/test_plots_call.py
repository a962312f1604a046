from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sdr_lab.records import InterruptSettings
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.tune.detect import Detected, Detections, FrameReading, detect
from sdr_lab.tune.plots import LABEL_COLOURS, RIGHT, WRONG, save
from sdr_lab.tune.plots_call import clock, decided, score_series, title_of, waveform
from sdr_lab.tune.view import view
from sdr_lab.turns.detectors.base import Reading, Sign, SignKind
from tests.tune.made_calls import channels, corpus, write_wav

ENERGY = InterruptSettings(detector="energy")


@pytest.fixture
def call(tmp_path: Path) -> LabelledCall:
    (found,) = open_corpus(corpus(tmp_path))
    return found


def scored(call: LabelledCall) -> Detections:
    """A detector with a hold and a stop score, as `hybrid` reports them."""
    limits = {"hold": 0.3, "stop": 0.6}
    readings = tuple(
        FrameReading(at_ms, 100, False, True, Reading({"hold": 0.2, "stop": 0.1}, limits))
        for at_ms in range(0, call.duration_ms, 20)
    )
    hold = Detected(4100, Sign(SignKind.HOLD, 4000, 0.4))
    stop = Detected(4300, Sign(SignKind.STOP, 4000, 0.7))
    return Detections(call.id, (hold,), (stop,), readings)


def rows(figure: Any) -> list[str]:
    return [tick.get_text() for tick in figure.axes[0].get_yticklabels()]


def keys(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_it_shows_labels_agent_and_decisions(call: LabelledCall):
    figure: Any = waveform(view(call, detect(call, ENERGY, trace=True), "energy"))
    assert rows(figure) == ["labels", "agent speaks", "energy decides"]
    bars = {(round(b.get_x(), 2), b.get_facecolor()) for b in figure.axes[0].patches}
    assert len(bars) == 3
    assert [text.get_text() for text in figure.axes[0].texts] == ["interruption"]
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    colours = [str(dot.get_markeredgecolor()) for dot in dots]
    assert colours.count(RIGHT) == 1
    assert colours.count(WRONG) == 2
    assert set(keys(figure)) == {
        "interruption", "backchannel", "noise", "stop, right", "stop, false", "stop, not counted",
        "energy needed",
    }  # fmt: skip


def test_holds_are_hollow_and_stops_filled(call: LabelledCall):
    figure: Any = waveform(view(call, scored(call), "hybrid"))
    hold, stop = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert (hold.get_markerfacecolor(), stop.get_markerfacecolor()) == ("white", RIGHT)


def test_scores_have_a_panel_with_their_limits(call: LabelledCall):
    seen = view(call, scored(call), "hybrid")
    assert [series.name for series in score_series(seen)] == ["hold", "stop"]
    figure: Any = waveform(seen)
    assert len(figure.axes) == 5
    heights = {float(line.get_ydata()[0]) for line in figure.axes[4].lines[:4]}
    assert heights == {0.2, 0.3, 0.1, 0.6}


def test_only_what_is_seen_is_in_the_legend(call: LabelledCall):
    figure: Any = waveform(view(call, detect(call, ENERGY), "energy", 8500, 10_000), at_ms=9100)
    assert set(keys(figure)) == {"noise", "stop, false"}
    assert figure.axes[0].get_xlim() == (8.5, 10.0)


def test_the_words_below_the_title_count_what_is_seen(call: LabelledCall):
    found = detect(call, ENERGY)
    assert decided(view(call, found, "energy")) == "5 stops (1 right, 2 false), no holds"
    assert decided(view(call, found, "energy", 8500, 10_000)) == (
        "1 stop (0 right, 1 false), no holds"
    )
    assert decided(view(call)) == "recorded sound and labels"


@pytest.mark.parametrize("end_ms", [100, 2000, None])
def test_any_stretch_can_be_drawn(call: LabelledCall, tmp_path: Path, end_ms: int | None):
    path = save(waveform(view(call, end_ms=end_ms)), tmp_path / "call.png")
    data = path.read_bytes()
    assert int.from_bytes(data[16:20]) == 1560


def test_spans_have_the_colours_of_their_kind(call: LabelledCall):
    from matplotlib.colors import to_hex

    figure: Any = waveform(view(call))
    colours = {to_hex(bar.get_facecolor()).upper() for bar in figure.axes[0].patches}
    assert {LABEL_COLOURS[kind] for kind in ("interruption", "backchannel", "noise")} <= colours


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.5, "1:05.5"), (125, "2:05")])
def test_times_late_in_a_call_are_minutes(seconds: float, text: str):
    assert clock(seconds) == text


def test_a_long_call_counts_in_minutes(tmp_path: Path):
    caller, agent = channels()
    path = write_wav(tmp_path / "long.wav", caller * 15, agent * 15)
    seen = view(LabelledCall("long", path, 180_000, ()))
    assert title_of(seen) == "Call long, 0:00 to 3:00"
    figure: Any = waveform(seen)
    figure.canvas.draw()
    ticks = [tick.get_text() for tick in figure.axes[-1].get_xticklabels()]
    assert "1:30" in ticks
    assert figure.axes[-1].get_xlabel() == "call time, minutes"
