"""What a recorded call may teach: places where detector, transcript and outcome disagree.

A proposal is a guess at a label. A human confirms or rejects it (`sdr_lab.tune.review`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sdr_lab.errors import BadInput
from sdr_lab.events import (
    CallEnded,
    CallerStopped,
    Event,
    Held,
    Interrupted,
    Resumed,
    SentenceReady,
    TurnDropped,
    TurnOver,
    WordsHeard,
    read_events,
)
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.corpus import EVENTS, agent_intervals, open_corpus
from sdr_lab.tune.detect import Detected, detect
from sdr_lab.tune.labels import Interval
from sdr_lab.turns.wordings import Wordings, is_own

HIGH, MIDDLE, LOW = 1, 2, 3
PRIORITIES = {HIGH: "high", MIDDLE: "middle", LOW: "low"}

LIVE_ONLY = ("keys", "typed")
"""Interruptions that no detector made: the caller pressed a key or wrote."""
LEAST_OVER_MS = 300
"""Words that lie over the agent's speech for less are a change of turns."""
SHORTEST_MS = 100
"""A label needs a length that can be heard."""
UNKNOWN_MS = 400
"""Length of a sound whose end is not in the log."""
NEAR_MS = 500
"""A decision so near to words is about them."""
GAP_MS = 600
"""Two findings of one kind so near to each other are one."""
FAIR_MS = 1000
"""Another detector may take so much longer than the one that stopped the agent."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A label that somebody should confirm or reject."""

    call: str
    kind: str
    """What it probably is: a kind of label."""
    onset_ms: int
    offset_ms: int
    reason: str
    """Why it is proposed, in words."""
    priority: int
    """1 high to 3 low."""
    rule: str
    """`false_stop`, `held`, `missed`, `agreed`, `other_detector`."""

    @property
    def id(self) -> str:
        """Names it among all calls: `conv_0001@12340`."""
        return f"{self.call}@{self.onset_ms}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {"id": self.id, **asdict(self), "priority": PRIORITIES[self.priority]}


@dataclass(frozen=True, slots=True)
class Found:
    """A proposal in the making."""

    kind: str
    onset_ms: int
    offset_ms: int
    reason: str
    priority: int
    rule: str


class Facts:
    """What the log of a call says, by kind."""

    def __init__(self, events: Sequence[Event], settings: InterruptSettings) -> None:
        self.events = events
        self.duration_ms = max((event.at_ms for event in events), default=0)
        self.agent = agent_intervals(events, self.duration_ms)
        self.stops = [
            e for e in events if isinstance(e, Interrupted) and e.detector not in LIVE_ONLY
        ]
        self.holds = [e for e in events if isinstance(e, Held)]
        self.words = [e for e in events if isinstance(e, WordsHeard) and e.is_final and e.text]
        self._wordings = Wordings.of(settings)

    def outcome(self, at_ms: int) -> TurnOver | TurnDropped | CallEnded | None:
        """Return how the turn ended that a stop began."""
        ends = (e for e in self.events if isinstance(e, TurnOver | TurnDropped | CallEnded))
        return next((e for e in ends if e.at_ms >= at_ms), None)

    def end_of_hold(self, held: Held) -> Resumed | None:
        """Return how the agent went on; None: he was stopped, or the call ended."""
        later = (e for e in self.events if isinstance(e, Resumed | Interrupted | CallEnded))
        end = next((e for e in later if e.at_ms >= held.at_ms), None)
        return end if isinstance(end, Resumed) else None

    def end_of_sound(self, onset_ms: int) -> int:
        """Return when the sound ended that began at `onset_ms`."""
        ends = [
            e.last_voiced_ms
            for e in self.events
            if isinstance(e, CallerStopped) and e.last_voiced_ms > onset_ms
        ]
        ends += [w.end_ms for w in self.words if w.start_ms <= onset_ms + NEAR_MS < w.end_ms]
        return min(ends, default=onset_ms + UNKNOWN_MS)

    def end_of_words(self, words: WordsHeard) -> int:
        """Return when the sound of a result ended: its own end may lie in the pause behind it."""
        ends = [e.last_voiced_ms for e in self.events if isinstance(e, CallerStopped)]
        return max((t for t in ends if words.start_ms < t <= words.end_ms), default=words.end_ms)

    def words_in(self, start_ms: int, end_ms: int) -> str:
        """Return what was understood between two moments."""
        return " ".join(w.text for w in self.words if w.start_ms < end_ms and w.end_ms > start_ms)

    def said_by(self, at_ms: int) -> str:
        """Return what the agent had been given to say in the turn of that moment."""
        turn = None
        for event in self.events:
            if event.at_ms > at_ms:
                break
            if isinstance(event, SentenceReady):
                turn = event.turn
        sentences = [e.text for e in self.events if isinstance(e, SentenceReady) and e.turn == turn]
        return " ".join(sentences)

    def judge(self, text: str, at_ms: int) -> str:
        """Return what words over the agent are: a kind of label; empty when there are none."""
        if not text.strip() or self._wordings.is_filler(text):
            return ""
        if is_own(text, self.said_by(at_ms)):
            return "echo"
        return "backchannel" if self._wordings.is_acknowledgement(text) else "interruption"


def proposals(
    folder: Path,
    others: Sequence[InterruptSettings] = (),
    settings: InterruptSettings | None = None,
) -> list[Proposal]:
    """Derive the proposals of a recorded call, most urgent first.

    Args:
        folder: Of the call, with `events.jsonl` and `audio.wav`.
        others: Detectors that the live one is compared with; each hears the whole call.
        settings: Of the live call, for its lists of words; None: the lists of the language.

    Raises:
        BadInput: the folder holds no event log, or (with `others`) no usable recording.
    """
    log = folder / EVENTS
    if not log.is_file():
        raise BadInput(f"{folder}: no {EVENTS}; give the folder of a call that was recorded here")
    facts = Facts(list(read_events(log)), settings or InterruptSettings())
    found = [*_from_stops(facts), *_from_holds(facts), *_from_words(facts)]
    for other in others:
        found = [*_compared(folder, facts, found, other)]
    call = folder.resolve().name
    joined = _joined(found, facts.duration_ms)
    made = [Proposal(call=call, **asdict(one)) for one in joined]
    return sorted(made, key=lambda p: (p.priority, p.onset_ms))


def _from_stops(facts: Facts) -> Iterator[Found]:
    for stop in facts.stops:
        onset_ms = min(stop.onset_ms, stop.at_ms)
        offset_ms = facts.end_of_sound(onset_ms)
        end = facts.outcome(stop.at_ms)
        cut = f"the agent was cut off{_after(stop.heard)}"
        if isinstance(end, TurnDropped):
            kinds = {"acknowledgement": "backchannel", "echo": "echo"}
            kind = kinds.get(end.why, "noise")
            told = f"and only “{end.text}” was heard" if end.text else "and no word followed"
            yield Found(kind, onset_ms, offset_ms, f"{cut}, {told}", HIGH, "false_stop")
        elif isinstance(end, TurnOver):
            reason = f"{cut}, and the caller said “{_cut(end.text)}”: detector and words agree"
            yield Found("interruption", onset_ms, offset_ms, reason, LOW, "agreed")
        else:
            reason = f"{cut}, and the call ended without a word"
            yield Found("noise", onset_ms, offset_ms, reason, MIDDLE, "false_stop")


def _from_holds(facts: Facts) -> Iterator[Found]:
    for held in facts.holds:
        gone_on = facts.end_of_hold(held)
        if gone_on is None:
            continue
        onset_ms = min(held.onset_ms, held.at_ms)
        offset_ms = facts.end_of_sound(onset_ms)
        text = facts.words_in(onset_ms - NEAR_MS, gone_on.at_ms + NEAR_MS)
        kind = facts.judge(text, onset_ms)
        told = f"the agent was held for {gone_on.held_ms} ms and went on"
        if kind == "interruption":
            reason = f"{told}, although the caller said “{_cut(text)}”"
            yield Found(kind, onset_ms, offset_ms, reason, HIGH, "held")
        elif kind:
            reason = f"{told}; heard was “{_cut(text)}”"
            priority = LOW if kind == "backchannel" else MIDDLE
            yield Found(kind, onset_ms, offset_ms, reason, priority, "held")
        else:
            reason = f"{told}; no word was heard ({gone_on.why})"
            yield Found("noise", onset_ms, offset_ms, reason, MIDDLE, "held")


def _from_words(facts: Facts) -> Iterator[Found]:
    for words in facts.words:
        over = next((x for x in facts.agent if _over_ms(x, words) >= LEAST_OVER_MS), None)
        if over is None or _is_decided(facts, words):
            continue
        kind = facts.judge(words.text, words.start_ms)
        span = (words.start_ms, facts.end_of_words(words))
        said = f"the caller said “{_cut(words.text)}” over the agent"
        if kind == "interruption":
            reason = f"{said}, who went on"
            yield Found(kind, *span, reason, HIGH, "missed")
        elif kind:
            reason = f"{said}, who went on: detector and words agree"
            yield Found(kind, *span, reason, LOW, "agreed")


def _over_ms(agent: Interval, words: WordsHeard) -> int:
    """Return how long words that began in the agent's speech lie over it."""
    if not agent.start_ms <= words.start_ms < agent.end_ms:
        return 0
    return min(agent.end_ms, words.end_ms) - words.start_ms


def _is_decided(facts: Facts, words: WordsHeard) -> bool:
    """Say whether the session has held or stopped because of them."""
    times = [(e.onset_ms, e.at_ms) for e in (*facts.stops, *facts.holds)]
    start_ms, end_ms = words.start_ms - NEAR_MS, words.end_ms + NEAR_MS
    return any(onset_ms <= end_ms and at_ms >= start_ms for onset_ms, at_ms in times)


def _compared(
    folder: Path, facts: Facts, found: Sequence[Found], other: InterruptSettings
) -> Iterator[Found]:
    """Add what another detector says: to what is proposed already, or as a proposal of its own."""
    (call,) = open_corpus(folder, swap=False)
    stopped = {stop.at_ms for stop in facts.stops}
    agent = tuple(
        Interval(x.start_ms, min(call.duration_ms, x.end_ms + FAIR_MS))
        if x.end_ms in stopped
        else x
        for x in call.agent
    )
    stops = detect(replace(call, agent=_apart(agent)), other).stops
    live = [(e.onset_ms, e.at_ms) for e in (*facts.stops, *facts.holds)]
    for one in found:
        yield _beside(one, other.detector, stops)
    for stop in stops:
        onset_ms, at_ms = stop.sign.onset_ms, stop.at_ms
        near = any(a - FAIR_MS <= at_ms and onset_ms <= b + FAIR_MS for a, b in live)
        known = any(x.onset_ms - NEAR_MS <= at_ms <= x.offset_ms + NEAR_MS for x in found)
        if near or known:
            continue
        offset_ms = max(facts.end_of_sound(onset_ms), at_ms)
        text = facts.words_in(onset_ms, at_ms + FAIR_MS)
        reason = (
            f"{other.detector} would have stopped the agent at {at_ms / 1000:.2f} s, who went on"
        )
        kind = facts.judge(text, onset_ms) or "noise"
        yield Found(kind, onset_ms, offset_ms, reason, MIDDLE, "other_detector")


def _beside(one: Found, name: str, stops: Sequence[Detected]) -> Found:
    """Note whether another detector stops there, too; a contradiction makes it more urgent."""
    end_ms = max(one.offset_ms, one.onset_ms + FAIR_MS)
    agrees = any(one.onset_ms - NEAR_MS <= stop.at_ms <= end_ms for stop in stops)
    is_stop = one.rule == "false_stop" or (one.rule == "agreed" and one.kind == "interruption")
    would = f"{name} would {'have' if agrees else 'not have'} stopped"
    contradicts = agrees is not is_stop
    priority = min(one.priority, MIDDLE) if contradicts else one.priority
    return replace(one, reason=f"{one.reason}; {would}", priority=priority)


def _apart(spans: Sequence[Interval]) -> tuple[Interval, ...]:
    """Keep intervals from overlapping."""
    kept: list[Interval] = []
    for span in spans:
        if kept and span.start_ms < kept[-1].end_ms:
            kept[-1] = Interval(kept[-1].start_ms, max(kept[-1].end_ms, span.end_ms))
        else:
            kept.append(span)
    return tuple(kept)


def _joined(found: Iterable[Found], duration_ms: int) -> list[Found]:
    """Make one of neighbours of a kind, and give each a length within the call."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda x: (x.onset_ms, x.priority)):
        one = _within(one, duration_ms)
        same = next(
            (k for k in kept if k.kind == one.kind and one.onset_ms <= k.offset_ms + GAP_MS), None
        )
        if same is None:
            kept.append(one)
            continue
        urgent = min(same, one, key=lambda x: x.priority)
        start_ms, end_ms = same.onset_ms, max(same.offset_ms, one.offset_ms)
        kept[kept.index(same)] = replace(urgent, onset_ms=start_ms, offset_ms=end_ms)
    return _unique(kept)


def _within(one: Found, duration_ms: int) -> Found:
    onset_ms = min(max(0, one.onset_ms), max(0, duration_ms - SHORTEST_MS))
    offset_ms = min(max(one.offset_ms, onset_ms + SHORTEST_MS), max(duration_ms, SHORTEST_MS))
    return replace(one, onset_ms=onset_ms, offset_ms=offset_ms)


def _unique(found: Sequence[Found]) -> list[Found]:
    """Keep the most urgent of several at one moment: their ids would be the same."""
    best: dict[int, Found] = {}
    for one in found:
        other = best.get(one.onset_ms)
        if other is None or one.priority < other.priority:
            best[one.onset_ms] = one
    return list(best.values())


def _after(heard: str) -> str:
    words = heard.split()
    return f" after “… {' '.join(words[-4:])}”" if words else ""


def _cut(text: str, most: int = 60) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[:most].rstrip()} …"
