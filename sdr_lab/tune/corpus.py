"""Labelled calls, from either layout on disk.

A corpus is a folder with `truth.json` and `calls/<id>.wav`, or a folder of call folders
(`audio.wav`, `labels.json`, and `events.jsonl` if the call was recorded here), or one call folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdr_lab.tune.labels import Interval, Label
from sdr_lab.tune.two_channels import read_frames

TRUTH = "truth.json"
AUDIO = "audio.wav"


@dataclass(frozen=True, slots=True)
class LabelledCall:
    """A recorded call and what is known of it. Holds no audio; picklable."""

    id: str
    audio: Path
    """Two channels, 8 kHz: caller left, agent right (unless `is_swapped`)."""
    duration_ms: int
    agent: tuple[Interval, ...]
    """When the agent was heard, in order, not overlapping."""
    labels: tuple[Label, ...] = ()
    """In order of onset."""
    tags: Mapping[str, Any] = field(default_factory=dict)
    caller_turns: tuple[Interval, ...] = ()
    """The caller's own turns, while the agent was silent."""
    filters: tuple[str, ...] = ()
    """Audio filters of the live call, which the detector heard through."""
    is_swapped: bool = False
    """The caller is on the right channel of the file."""

    def frames(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield 20 ms at a time, 160 bytes of µ-law each: caller, agent. Reads as it goes.

        Raises:
            AudioError: the file is gone or damaged.
        """
        return read_frames(self.audio, self.is_swapped)


def open_corpus(
    path: Path,
    swap: bool | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> list[LabelledCall]:
    """Read a corpus: all labels, no audio but what the checks need.

    Args:
        path: A folder of either layout, or one call folder.
        swap: True: the caller is on the right; False: on the left, unchecked; None: on the left,
            refused when the channels look swapped.
        on_warning: Told in one line of what was left out.

    Raises:
        BadInput: no calls, or one that can't be used.
    """
    raise NotImplementedError
