from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdr_lab.errors import BadInput
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.tune.detect import detect
from sdr_lab.tune.explain import Explanation, explain, parse_time
from sdr_lab.tune.explain_text import headline, picture_of, text_of
from tests.tune.made_calls import EVENTS, corpus
from tests.tune.made_talks import held_talk

ENERGY = InterruptSettings(detector="energy")
QUIET = (("interruption", 4.0, 5.2, 300.0),)


@pytest.fixture
def calls(tmp_path: Path) -> dict[str, LabelledCall]:
    return {c.id: c for c in open_corpus(corpus(tmp_path, talk=EVENTS, quiet=QUIET))}


def why(call: LabelledCall, at_ms: int, **settings: object) -> Explanation:
    return explain(call, at_ms, InterruptSettings(detector="energy", **settings))  # pyright: ignore


@pytest.mark.parametrize(
    ("text", "ms"), [("12.34", 12_340), ("0", 0), ("1:02.5", 62_500), ("7s", 7000), (" 3. ", 3000)]
)
def test_times_are_seconds_or_minutes(text: str, ms: int):
    assert parse_time(text) == ms


@pytest.mark.parametrize("text", ["", "x", "-1", "1:2:3", "12,5"])
def test_other_times_are_refused(text: str):
    with pytest.raises(BadInput, match="allowed: seconds"):
        parse_time(text)


@pytest.mark.parametrize("at_ms", [-1, 12_000, 90_000])
def test_a_moment_outside_the_call_is_refused(calls: dict[str, LabelledCall], at_ms: int):
    with pytest.raises(BadInput, match=r"outside call talk; allowed: 0 to 12.00 s"):
        why(calls["talk"], at_ms)


def test_why_it_stopped(calls: dict[str, LabelledCall]):
    said = why(calls["talk"], 4300)
    assert said.stop is not None
    assert said.stop.at_ms == 4100
    assert headline(said) == (
        "energy stopped the agent at 4.10 s, 100 ms after the labelled interruption began; right"
    )
    assert said.after is not None
    assert (said.before, said.after.at_ms) == (None, 7500)
    change = next(c for c in said.changes if c.setting == "min_speech_ms")
    assert change.stop_ms is None
    again = detect(
        calls["talk"], InterruptSettings(detector="energy", min_speech_ms=int(change.value))
    )
    assert not [s for s in again.stops if 3950 <= s.at_ms <= 5300]


def test_why_it_did_not_and_what_would_have_to_change(calls: dict[str, LabelledCall]):
    said = why(calls["quiet"], 4300)
    assert said.stop is None
    assert said.best is not None
    energy = said.best.checks[0]
    assert (energy.name, energy.is_reached, energy.limit) == ("energy", False, 800)
    assert energy.missing == 800 - energy.value
    assert headline(said).startswith(
        "energy did not stop the agent between 3.95 s and 5.30 s: energy (RMS) reached "
    )
    change = next(c for c in said.changes if c.setting == "min_energy")
    assert change.words.startswith(f"min_energy ≤ {change.value} (now 800) would have stopped")
    again = detect(
        calls["quiet"], InterruptSettings(detector="energy", min_energy=int(change.value))
    )
    assert change.stop_ms in [stop.at_ms for stop in again.stops]


def test_a_false_stop_is_called_so(calls: dict[str, LabelledCall]):
    said = why(calls["talk"], 7500)
    assert headline(said) == (
        "energy stopped the agent at 7.50 s, 100 ms after the labelled backchannel began; "
        "a false stop"
    )
    assert said.before is not None
    assert said.before.at_ms == 4900


def test_nothing_is_decided_while_the_agent_is_silent(calls: dict[str, LabelledCall]):
    said = why(calls["talk"], 6400)
    assert said.agent is None
    assert said.changes == ()
    assert "the agent was silent between 6.10 s and 6.70 s" in headline(said)
    assert "nothing can: the agent was silent" in text_of(said)


def test_a_stop_before_blocks_and_is_named(calls: dict[str, LabelledCall]):
    said = why(calls["talk"], 7500, debounce_ms=5000)
    assert said.stop is None
    assert said.debounced_until_ms == 9100
    assert "nothing counts until 9.10 s" in text_of(said)
    change = next(c for c in said.changes if c.setting == "debounce_ms")
    assert change.stop_ms is not None
    assert change.stop_ms >= 4100 + change.value
    assert change.value > 3400


@pytest.mark.parametrize(
    ("settings", "change", "told"),
    [
        ({"enabled": False}, "enabled = yes", "interrupting is switched off"),
        ({"require_text": True}, "require_text = no", ""),
    ],
)
def test_switches_that_forbid_are_found(
    calls: dict[str, LabelledCall], settings: dict[str, bool], change: str, told: str
):
    said = why(calls["talk"], 4300, **settings)
    assert f"{change} would have stopped the agent at 4.10 s" in [c.words for c in said.changes]
    assert told in headline(said)


def test_the_text_marks_what_was_reached(calls: dict[str, LabelledCall]):
    text = text_of(why(calls["quiet"], 4300))
    assert "✗ energy (RMS)" in text
    assert "needs 800" in text
    assert "label             interruption 4.00 s to 5.20 s" in text
    assert "speaks from 1.00 s to 6.00 s: detector armed" in text


def test_it_can_be_written_as_json(calls: dict[str, LabelledCall]):
    row = json.loads(json.dumps(why(calls["talk"], 4300).to_dict()))
    assert row["stopped"] is True
    assert row["held"] is False
    assert row["moment"]["checks"][0]["name"] == "energy"


def test_the_picture_marks_the_moment(calls: dict[str, LabelledCall]):
    found = detect(calls["talk"], ENERGY, trace=True)
    said = explain(calls["talk"], 4300, ENERGY, found, what_if=False)
    figure = picture_of(said, calls["talk"], found)
    assert figure.axes[0].get_xlim() == (1.44, 7.8)
    assert "4.30 s" in [text.get_text() for text in figure.axes[0].texts]
    assert figure.texts[1].get_text() == headline(said)


def test_a_hold_of_a_live_call_stands_beside_what_the_session_did(tmp_path: Path):
    (call,) = open_corpus(held_talk(tmp_path))
    said = explain(call, 4700, InterruptSettings(detector="echo_gate"))
    assert said.hold is not None
    assert [m.at_ms for m in said.live if m.kind == "hold"] == [said.hold.at_ms]
    assert f"only held, at {said.hold.at_ms / 1000:.2f} s" in headline(said)
    assert "went on after 800 ms (expired)" in text_of(said)
    change = next(c for c in said.changes if c.setting == "activity_ms")
    again = detect(call, InterruptSettings(detector="echo_gate", activity_ms=int(change.value)))
    assert change.stop_ms in [stop.at_ms for stop in again.stops]
