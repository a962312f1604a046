"""How good a detector's decisions are, by the rules of docs/labels.md.

All times are float seconds and are compared as such: figures equal those of other programs that
apply the same rules to the same JSON, to the last digit.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.detect import Detections
from sdr_lab.tune.labels import Label, s_of

EARLY_S = 0.05
"""A detection may come so long before the labelled onset: labels are not exact."""
LATEST_S = 1.0
"""Later than this after the onset the caller was talked over."""
GRACE_S = 0.3
"""…plus this."""
TAIL_S = 0.4
"""A sound still explains a detection so long after its end."""
REFRACTORY_S = 1.0
"""Detections so soon after a counted one are part of it."""
LOUD_ECHO_RMS, MID_ECHO_RMS = 500, 250
"""Echo of the agent in the caller's channel, RMS in int16 units."""


@dataclass(frozen=True, slots=True)
class TagScore:
    """The calls that have one tag."""

    recall: float
    false_per_min: float
    n: int
    """Interruptions."""


@dataclass(frozen=True, slots=True)
class Score:
    """Figures over a set of calls, rounded as they are published."""

    interruptions: int
    recall: float
    """0..1, four decimals."""
    false: int
    agent_min: float
    """Minutes in which the agent spoke, one decimal."""
    false_per_min: float
    """Per minute of the agent's speech, three decimals."""
    precision: float
    """0..1, four decimals."""
    f1: float
    """0..1, four decimals."""
    latency_median_ms: int | None
    """From the labelled onset to the decision, whole ms; None when nothing was found."""
    latency_p90_ms: int | None
    false_by_cause: Mapping[str, int] = field(default_factory=dict)
    """Most frequent first: a kind of label, or `echo`, `background`, `other`."""
    by_tag: Mapping[str, TagScore] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CallScore:
    """What the detections of one call are worth."""

    call_id: str
    interruptions: int
    agent_s: float
    hits: tuple[tuple[Label, float], ...] = ()
    """Interruptions that were found, with the time of the detection (s)."""
    false: tuple[tuple[float, str], ...] = ()
    """Times of false detections (s) and their causes."""
    missed: tuple[Label, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def agent_min(self) -> float:
        return self.agent_s / 60


def score(calls: Iterable[LabelledCall], detections: Mapping[str, Sequence[float]]) -> Score:
    """Score detections: times in seconds by call id. Calls without any count as silent."""
    return total(score_call(call, detections.get(call.id, ())) for call in calls)


def score_stop(calls: Iterable[LabelledCall], found: Mapping[str, Detections]) -> Score:
    """Score the stops."""
    return score(calls, {key: one.stop_times_s for key, one in found.items()})


def score_hold(calls: Iterable[LabelledCall], found: Mapping[str, Detections]) -> Score:
    """Score the holds; a stop without a hold counts as one."""
    return score(calls, {key: one.hold_times_s for key, one in found.items()})


def score_call(call: LabelledCall, times_s: Sequence[float]) -> CallScore:
    """Judge the detections of one call."""
    agent = [(s_of(x.start_ms), s_of(x.end_ms)) for x in call.agent]
    true = [label for label in call.labels if label.kind == "interruption"]
    others = [label for label in call.labels if label.kind != "interruption"]
    hits: dict[int, float] = {}
    false: list[tuple[float, str]] = []
    last_s = -9.0
    for t in sorted(t for t in times_s if any(a <= t <= b for a, b in agent)):
        if t - last_s < REFRACTORY_S:
            continue
        i = next((i for i, label in enumerate(true) if _is_about(label, t)), None)
        if i is None:
            false.append((t, _cause(call.tags, others, t)))
            last_s = t
        elif i not in hits and t <= _deadline_s(true[i]):
            hits[i] = t
            last_s = t
        # else: said already, or too late: a miss, but no false alarm
    return CallScore(
        call_id=call.id,
        interruptions=len(true),
        agent_s=sum(b - a for a, b in agent),
        hits=tuple((true[i], hits[i]) for i in hits),
        false=tuple(false),
        missed=tuple(label for i, label in enumerate(true) if i not in hits),
        tags=tags_of(call.tags),
    )


def total(parts: Iterable[CallScore]) -> Score:
    """Add up the scores of calls."""
    parts = list(parts)
    latencies_s = sorted(max(0.0, t - s_of(x.onset_ms)) for part in parts for x, t in part.hits)
    causes: dict[str, int] = {}
    for cause in (cause for part in parts for _, cause in part.false):
        causes[cause] = causes.get(cause, 0) + 1
    hits = len(latencies_s)
    n = sum(part.interruptions for part in parts)
    false = sum(len(part.false) for part in parts)
    agent_min = 0.0
    for part in parts:
        agent_min += part.agent_min
    precision, recall = hits / max(1, hits + false), hits / max(1, n)
    p90 = latencies_s[int(0.9 * (hits - 1))] if hits else None
    return Score(
        interruptions=n,
        recall=round(recall, 4),
        false=false,
        agent_min=round(agent_min, 1),
        false_per_min=round(false / max(agent_min, 1e-9), 3),
        precision=round(precision, 4),
        f1=round(2 * precision * recall / max(precision + recall, 1e-9), 4),
        latency_median_ms=round(1000 * statistics.median(latencies_s)) if hits else None,
        latency_p90_ms=None if p90 is None else round(1000 * p90),
        false_by_cause=dict(sorted(causes.items(), key=lambda item: -item[1])),
        by_tag=_by_tag(parts),
    )


def tags_of(tags: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the groups that a call belongs to; a tag that it lacks puts it into none."""
    made = {
        "level": lambda: tags["level"],
        "snr_db": lambda: tags["snr_db"],
        "codec": lambda: tags["codec"],
        "loss_pct": lambda: "yes" if tags["loss_pct"] else "no",
        "floor": lambda: tags["floor"],
        "echo": lambda: _echo(tags["echo"]),
        "caller_human": lambda: tags["caller_human"],
        "scene": lambda: tags["scene"],
    }
    named = {"snr_db": "snr", "loss_pct": "loss", "caller_human": "human"}
    return tuple(f"{named.get(key, key)}={make()}" for key, make in made.items() if key in tags)


def _echo(echo: Any) -> str:
    if not echo:
        return "none"
    rms = echo.get("rms") if isinstance(echo, Mapping) else None
    if not isinstance(rms, int | float):
        return "yes"
    return "loud" if rms >= LOUD_ECHO_RMS else "mid" if rms >= MID_ECHO_RMS else "soft"


def _by_tag(parts: Sequence[CallScore]) -> dict[str, TagScore]:
    sums: dict[str, list[float]] = {}
    for part in parts:
        row = (len(part.hits), part.interruptions, len(part.false), part.agent_min)
        for tag in part.tags:
            sums[tag] = [a + b for a, b in zip(sums.get(tag, [0] * 4), row, strict=True)]
    return {
        tag: TagScore(
            recall=round(hits / max(1, n), 3),
            false_per_min=round(false / max(agent_min, 1e-9), 2),
            n=int(n),
        )
        for tag, (hits, n, false, agent_min) in sorted(sums.items())
    }


def _deadline_s(label: Label) -> float:
    return min(s_of(label.offset_ms), s_of(label.onset_ms) + LATEST_S) + GRACE_S


def _is_about(label: Label, t: float) -> bool:
    end_s = max(_deadline_s(label), s_of(label.offset_ms) + TAIL_S)
    return s_of(label.onset_ms) - EARLY_S <= t <= end_s


def _cause(tags: Mapping[str, Any], others: Sequence[Label], t: float) -> str:
    for label in others:
        if s_of(label.onset_ms) - EARLY_S <= t <= s_of(label.offset_ms) + TAIL_S:
            return label.kind
    if tags.get("echo"):
        return "echo"
    return "background" if tags.get("noise", "none") != "none" else "other"
