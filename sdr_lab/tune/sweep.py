"""Many settings of one detector over a corpus: what each reaches, and which to take.

calls = open_corpus(Path("datasets/calls"))
space = grid_space(InterruptSettings(), ["min_energy=400:1600:200", "min_speech_ms=60,100,200"])
result = sweep(calls, space, jobs=2)
result.rows[result.chosen]
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdr_lab.errors import AudioError, BadInput, reason_of
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.bootstrap import FEWEST_CALLS, Span
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.front import pareto_front
from sdr_lab.tune.labels import label_row
from sdr_lab.tune.sweep_choice import HeldOut, figures_of, held_out, intervals_of
from sdr_lab.tune.sweep_objective import DEFAULT, Objective, parse_objective
from sdr_lab.tune.sweep_run import Progress, count_all
from sdr_lab.tune.sweep_space import Space
from sdr_lab.tune.sweep_tally import causes_of, tags_of
from sdr_lab.turns.detectors.table import make_detector

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SweepResult:
    """All that a sweep found."""

    space: Space
    objective: Objective
    rows: tuple[Row, ...]
    """One per setting: what was varied, the figures of `Score`, those of the holds as `hold_…`,
    `false_by_cause` and `by_tag` as JSON, `on_front`, `is_chosen`."""
    front: tuple[int, ...]
    """Rows that nothing beats in recall, false stops a minute and median latency together."""
    chosen: int
    """The row that is best by the objective."""
    intervals: Mapping[str, Span | None]
    """Of the chosen row, 95 %; empty with too few calls. They know nothing of the choice."""
    held_out: HeldOut | None
    """The honest figures of the chosen point; None with too few calls."""
    corpus: str
    """Fingerprint of the calls and their labels."""
    calls: int
    audio_ms: int
    notes: tuple[str, ...]
    """What a reader should know: limits that nothing keeps, too few calls."""

    @property
    def settings(self) -> InterruptSettings:
        """The chosen settings."""
        return self.space.settings[self.chosen]

    def to_dict(self) -> Row:
        """Return the outcome as plain values; the table is left out."""
        held = self.held_out
        return {
            "detector": self.space.detector,
            "objective": str(self.objective),
            "settings": len(self.rows),
            "calls": self.calls,
            "audio_s": self.audio_ms / 1000,
            "corpus": self.corpus,
            "chosen": self.space.values(self.chosen),
            "figures": _figures(self.rows[self.chosen]),
            "intervals": _plain(self.intervals),
            "held_out": held and {
                "figures": dict(held.figures),
                "intervals": _plain(held.intervals),
                "choices": [self.space.values(i) for i in held.choices],
            },
            "front": [self.space.values(i) | _figures(self.rows[i]) for i in self.front],
            "notes": list(self.notes),
        }  # fmt: skip


def sweep(
    calls: Sequence[LabelledCall],
    space: Space,
    objective: str = DEFAULT,
    jobs: int = 1,
    on_progress: Progress | None = None,
    seed: int = 0,
) -> SweepResult:
    """Try all settings of a space on all calls.

    Args:
        objective: As `recall@false_per_min<=0.5`; see `parse_objective`.
        jobs: Processes.
        on_progress: Told in this process.
        seed: Of the folds and the bootstrap; equal seeds give equal results, whatever `jobs` is.

    Raises:
        BadInput: the objective is not understood, or there is nothing to score against.
        AudioError: a recording can't be read.
    """
    aim = parse_objective(objective)
    _check(calls)
    make_detector(space.settings[0])  # a missing library is told before processes are started
    counted = count_all(calls, space.settings, jobs, on_progress)
    rows = figures_of(counted)
    causes, tags = (made([one.stops for one in counted]) for made in (causes_of, tags_of))
    chosen = aim.best(rows)
    front = pareto_front(rows, ("recall",), ("false_per_min", "latency_median_ms"))
    on_front = set(front)
    table = tuple(
        space.values(i)
        | rows[i]
        | {"false_by_cause": causes[i], "by_tag": tags[i]}
        | {"on_front": i in on_front, "is_chosen": i == chosen}
        for i in range(len(rows))
    )
    return SweepResult(
        space=space,
        objective=aim,
        rows=table,
        front=tuple(front),
        chosen=chosen,
        intervals=intervals_of(counted, chosen, seed),
        held_out=held_out(counted, aim, seed),
        corpus=fingerprint(calls),
        calls=len(calls),
        audio_ms=sum(call.duration_ms for call in calls),
        notes=_notes(aim, rows[chosen], len(calls)),
    )


def fingerprint(calls: Sequence[LabelledCall]) -> str:
    """Return 16 hex digits that change with any call's audio, labels or intervals.

    Raises:
        AudioError: a recording can't be read.
    """
    whole = hashlib.blake2b(digest_size=8)
    for call in sorted(calls, key=lambda call: call.id):
        agent = [(x.start_ms, x.end_ms) for x in call.agent]
        labels = [sorted(label_row(label).items(), key=str) for label in call.labels]
        whole.update(repr((call.id, call.is_swapped, call.filters, agent, labels)).encode())
        whole.update(_digest(call.audio))
    return whole.hexdigest()


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError as error:
        raise AudioError(f"{path}: can't be read: {reason_of(error)}") from None


def _check(calls: Sequence[LabelledCall]) -> None:
    if not any(label.kind == "interruption" for call in calls for label in call.labels):
        raise BadInput(
            f"no interruption is labelled in {len(calls)} calls: nothing to choose by; label some "
            "with `sdr-lab interrupts label`"
        )
    if not any(call.agent for call in calls):
        raise BadInput(f"the agent never speaks in {len(calls)} calls: nobody can be interrupted")


def _notes(aim: Objective, row: Row, calls: int) -> tuple[str, ...]:
    notes = []
    if not aim.is_kept(row):
        notes.append(f"no setting keeps {aim.missed(row)}; the nearest one is chosen")
    if calls < FEWEST_CALLS:
        notes.append(
            f"not enough calls: {calls}; intervals and held-out figures need {FEWEST_CALLS}, and "
            "without them the chosen figures flatter the choice"
        )
    return tuple(notes)


def _figures(row: Mapping[str, Any]) -> Row:
    from sdr_lab.tune.sweep_objective import ALL

    return {name: row[name] for name in ALL}


def _plain(spans: Mapping[str, Span | None]) -> Row:
    return {name: span and [span.low, span.high] for name, span in spans.items()}
