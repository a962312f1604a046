from typing import Any

import pytest

from sdr_lab.tune.plots_score import false_by_cause, latency_histogram


def texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_causes_stand_in_order_with_their_rate():
    figure: Any = false_by_cause({"noise": 2, "backchannel": 6}, 4.0, "energy")
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [6, 2]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "backchannel (mm-hmm)", "a noise",
    ]  # fmt: skip
    assert axes.texts[0].get_text() == "6  (75%, 1.50 a minute)"
    assert texts(figure)[1] == "8 false stops in 4.0 minutes of the agent's speech: 2.00 a minute"


def test_no_false_stops_are_said():
    assert false_by_cause({}, 4.0).axes[0].texts[0].get_text() == "no false stops"


def test_latencies_show_median_and_p90():
    figure: Any = latency_histogram([float(ms) for ms in range(100, 1100, 100)], 12)
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == 10
    assert [text.get_text() for text in figure.axes[0].texts] == ["median 550 ms", "p90 900 ms"]
    assert texts(figure)[1] == (
        "10 of 12 interruptions noticed, 2 missed; median 550 ms, p90 900 ms"
    )


def test_a_few_latencies_have_no_p90():
    figure: Any = latency_histogram([320, 330], 3)
    assert [text.get_text() for text in figure.axes[0].texts] == ["median 325 ms"]


@pytest.mark.parametrize("latencies", [[0.0], [1299.0] * 12, [float(x) for x in range(40)]])
def test_labels_stay_within_the_picture(latencies: list[float]):
    figure: Any = latency_histogram(latencies, 50)
    figure.canvas.draw()
    axes = figure.axes[0]
    frame = axes.get_window_extent()
    for text in axes.texts:
        box = text.get_window_extent()
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1


def test_nothing_noticed_is_said():
    assert latency_histogram([], 5).axes[0].texts[0].get_text() == "no interruption was noticed"
