"""What the network should have said, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdr_lab.records import FRAME_MS
from sdr_lab.tune.corpus import LabelledCall

Values = NDArray[np.float32]

LATE_MS = 1300
"""An interruption not noticed by now is missed: the frames after count little."""
LATE_WEIGHT = 0.25
EARLY_MS = 400
EARLY_HOLD_WEIGHT = 2.5
"""Frames that decide about a hold."""
BLUR_MS = 120
"""Around the end of a sound nothing is asked."""
DISTRACTOR_WEIGHT = 1.5
LONG_MS = 550
"""No sound alone tells a longer backchannel from a short interruption; nothing is asked then, the
transcript knows."""
TAIL_MS = 400
"""A sound is answered for so long after its end."""


KINDS = ("", "interruption", "backchannel", "nonverbal", "noise", "side_speech")


@dataclass
class Targets:
    """All of shape (frames,) but `events`."""

    is_caller: Values
    """1: an interruption is under way."""
    hold_weight: Values
    stop_weight: Values
    kind: NDArray[np.int64]
    """What sounds, index into `KINDS`; an auxiliary task that teaches the difference."""
    events: list[tuple[int, int, bool]]
    """First and last frame of each sound, and whether the agent should stop for it."""


def targets_of(call: LabelledCall, start_ms: int, frames: int) -> Targets:
    """Make the targets of a segment that begins at `start_ms`."""
    ends_ms = start_ms + FRAME_MS * (1 + np.arange(frames))
    is_caller = np.zeros(frames, np.float32)
    hold_weight = np.ones(frames, np.float32)
    stop_weight = np.ones(frames, np.float32)
    kind = np.zeros(frames, np.int64)
    events = []
    others = [x for x in call.labels if x.kind != "interruption"]
    for label in others:
        within = (ends_ms > label.onset_ms) & (ends_ms <= label.offset_ms + TAIL_MS)
        hold_weight[within] = stop_weight[within] = DISTRACTOR_WEIGHT
        if label.kind in KINDS:
            kind[within & (ends_ms <= label.offset_ms)] = KINDS.index(label.kind)
        if label.kind == "backchannel" and label.offset_ms - label.onset_ms > LONG_MS:
            late = within & (ends_ms > label.onset_ms + LONG_MS - 150)
            hold_weight[late] = stop_weight[late] = 0.0
            continue
        _note(events, within, False)
    for label in (x for x in call.labels if x.kind == "interruption"):
        within = (ends_ms > label.onset_ms) & (ends_ms <= label.offset_ms)
        is_caller[within] = 1.0
        kind[within] = 1
        early = within & (ends_ms <= label.onset_ms + EARLY_MS)
        late = within & (ends_ms > label.onset_ms + LATE_MS)
        hold_weight[within] = stop_weight[within] = 1.0
        hold_weight[early] = EARLY_HOLD_WEIGHT
        hold_weight[late] = stop_weight[late] = LATE_WEIGHT
        blur = (ends_ms > label.offset_ms) & (ends_ms <= label.offset_ms + BLUR_MS)
        hold_weight[blur] = stop_weight[blur] = 0.0
        last_ms = min(label.offset_ms, label.onset_ms + 1000) + 200
        _note(events, (ends_ms > label.onset_ms) & (ends_ms <= last_ms), True)
    return Targets(is_caller, hold_weight, stop_weight, kind, events)


def _note(events: list[tuple[int, int, bool]], within: NDArray[np.bool_], is_caller: bool) -> None:
    places = np.flatnonzero(within)
    if len(places):
        events.append((int(places[0]), int(places[-1]), is_caller))
