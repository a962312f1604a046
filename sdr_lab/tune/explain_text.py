"""An explanation in words, and its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdr_lab.records import FRAME_MS
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.detect import Detections
from sdr_lab.tune.explain import Check, Explanation, Moment
from sdr_lab.tune.labels import Interval
from sdr_lab.tune.plots import in_words
from sdr_lab.tune.view import Mark, view

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEFORE_MS, AFTER_MS = 2500, 2500
"""What a picture shows around the moment."""

NAMES = {
    "energy": "energy (RMS)",
    "speech_ms": "sustained (ms)",
    "high_frames": "frames above the threshold",
    "probability": "probability of a voice",
    "hold_activity_ms": "active for a hold (ms)",
    "activity_ms": "active for a stop (ms)",
    "hold": "score for a hold",
    "stop": "score for a stop",
    "over_noise_db": "over the noise of the line (dB)",
    "over_echo_db": "over the expected echo (dB)",
    "voiced_share": "share of voiced frames",
    "expected_rms": "echo and noise expected (RMS)",
}


def headline(said: Explanation) -> str:
    """Return the answer in a sentence."""
    stop, hold = said.stop, said.hold
    if stop is not None:
        verdict = f"{said.detector} stopped the agent at {_s(stop.at_ms)}{_after_onset(said, stop)}"
        return f"{verdict}; {_judged(said)}"
    if said.best is None:
        return f"{said.detector} could decide nothing: the agent was silent {_span(said.within)}"
    held = f"only held, at {_s(hold.at_ms)}," if hold is not None else "did not stop the agent"
    verdict = f"{said.detector} {held} {_span(said.within)}"
    missing = [check for check in said.best.checks if not check.is_reached]
    why = said.debounced_until_ms
    if not said.settings.enabled:
        return f"{verdict}: interrupting is switched off"
    if missing:
        parts = ", ".join(_reached(check) for check in missing)
        return f"{verdict}: {parts} at best, at {_s(said.best.at_ms)}"
    if why is not None:
        return f"{verdict}: after the stop before, nothing counts until {_s(why)}"
    if said.settings.require_text:
        return f"{verdict}: it waits for a word of the transcriber (require_text)"
    return verdict


def text_of(said: Explanation) -> str:
    """Return the explanation in lines, as a terminal shows it."""
    rows = [f"Call {said.call} at {_s(said.at_ms)}: {headline(said)}.", ""]
    rows += [f"  {name:<18}{what}" for name, what in _facts(said)]
    rows += ["", *_seen(f"seen at {_s(said.moment.at_ms)}", said.moment)]
    if said.best is not None and said.best.at_ms != said.moment.at_ms:
        rows += ["", *_seen(f"{_why_best(said)}, at {_s(said.best.at_ms)}", said.best)]
    rows += ["", "  what would have to change", *(f"    {row}" for row in _changes(said))]
    return "\n".join(rows)


def picture_of(said: Explanation, call: LabelledCall, found: Detections | None = None) -> Figure:
    """Draw the moment with what lies around it."""
    from sdr_lab.tune.plots_call import waveform

    start_ms = min(said.at_ms, said.within.start_ms) - BEFORE_MS
    end_ms = max(said.at_ms, said.within.end_ms) + AFTER_MS
    seen = view(call, found, said.detector, start_ms, end_ms)
    return waveform(seen, said.at_ms, headline(said))


def _facts(said: Explanation) -> list[tuple[str, str]]:
    label = said.label
    facts = [
        ("label", "nothing is labelled here" if label is None else
         f"{in_words(label.kind)} {_s(label.onset_ms)} to {_s(label.offset_ms)}"
         + (f", by {label.by}" if label.by else "") + (f": {label.note}" if label.note else "")),
        ("agent", "silent: nothing to interrupt" if said.agent is None else
         f"speaks from {_s(said.agent.start_ms)} to {_s(said.agent.end_ms)}: detector armed"),
    ]  # fmt: skip
    if said.debounced_until_ms is not None:
        facts.append(("after a stop", f"nothing counts until {_s(said.debounced_until_ms)}"))
    facts.append(("decision before", _decision(said.before)))
    if said.decisions:
        facts.append(("decisions here", ", ".join(map(_decision, said.decisions))))
    facts.append(("decision after", _decision(said.after)))
    for live in said.live:
        facts.append(("live call", f"{_s(live.at_ms)}: {live.words}"))
    return facts


def _seen(title: str, moment: Moment) -> list[str]:
    voiced = "voiced" if moment.is_voiced else "not voiced"
    rows = [f"  {title} ({voiced}, energy {moment.energy})"]
    for check in moment.checks:
        mark = "✓" if check.is_reached else "✗"
        short = "" if check.is_reached else f"   {number(check.missing)} short"
        name = name_of(check.name)
        rows.append(
            f"    {mark} {name:<32}{number(check.value):>8}   needs {number(check.limit)}{short}"
        )
    for name, value in moment.others.items():
        rows.append(f"      {name_of(name):<32}{number(value):>8}")
    return rows


def _changes(said: Explanation) -> list[str]:
    if said.changes:
        return [change.words for change in said.changes]
    if said.best is None:
        return ["nothing can: the agent was silent"]
    return ["no setting alone decides otherwise here; more than one would have to change"]


def _why_best(said: Explanation) -> str:
    if said.stop is None or said.best is None:
        return "where it came closest"
    is_deciding = said.best.at_ms + FRAME_MS == said.stop.at_ms
    return "when it decided" if is_deciding else "in the frame before it decided"


def name_of(reading: str) -> str:
    """Return the name of a detector's value as people write it."""
    for ending, unit in (("_ms", " (ms)"), ("_db", " (dB)"), ("_rms", " (RMS)")):
        if reading.endswith(ending):
            return NAMES.get(reading, in_words(reading.removesuffix(ending)) + unit)
    return NAMES.get(reading, in_words(reading))


def _after_onset(said: Explanation, mark: Mark) -> str:
    label = said.label
    if label is None:
        return ""
    after_ms = mark.at_ms - label.onset_ms
    when = f"{after_ms} ms after" if after_ms >= 0 else f"{-after_ms} ms before"
    return f", {when} the labelled {in_words(label.kind)} began"


def _judged(said: Explanation) -> str:
    stop = said.stop
    verdict = None if stop is None else stop.is_right
    words = {True: "right", False: "a false stop", None: "the score does not count it"}
    if verdict is None and said.label is None:
        return "nobody has labelled what it was"
    return words[verdict]


def _reached(check: Check) -> str:
    name = name_of(check.name)
    return f"{name} reached {number(check.value)} of {number(check.limit)}"


def _decision(mark: Mark | None) -> str:
    if mark is None:
        return "none"
    words = {True: ", right", False: ", false", None: ""}[mark.is_right]
    return f"{mark.kind} at {_s(mark.at_ms)}{words}"


def _span(within: Interval) -> str:
    return f"between {_s(within.start_ms)} and {_s(within.end_ms)}"


def number(value: float) -> str:
    """Return a value in as many digits as people read."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _s(ms: int) -> str:
    return f"{ms / 1000:.2f} s"
