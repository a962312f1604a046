"""What the floor hears: the speech gate and the interruption detector, one after the other.

The floor of a live call and a detector's run over a recording both listen through this, so the
two can't differ.
"""

from __future__ import annotations

from sdr_lab.turns.detectors.base import InterruptDetector, Listened, Sign
from sdr_lab.turns.voice import SpeechGate

ECHO_TAIL_MS = 300
"""The agent's echo may still arrive for so long after its last sample was played."""


class Listening:
    """Takes every frame of a call. Pure: equal frames in, equal answers out."""

    def __init__(self, detector: InterruptDetector) -> None:
        self.detector = detector
        self.gate = SpeechGate()

    def hear(self, frame: Listened, is_guarded: bool) -> tuple[bool, Sign | None]:
        """Take 20 ms of the caller. `frame.is_voiced` is filled in here.

        Args:
            frame: The caller's audio and ours.
            is_guarded: Our echo may be in it: the agent is heard, or was within `ECHO_TAIL_MS`.
                What is quieter than the detector's `threshold` does not open the gate then.

        Returns:
            Whether the frame is voiced, and what the detector says.
        """
        least = self.detector.threshold if is_guarded and not self.gate.is_open else 0.0
        voiced = self.gate.hear(frame.energy, least)
        heard = Listened(frame.at_ms, frame.mulaw, frame.energy, voiced, frame.played)
        return voiced, self.detector.hear(heard)
