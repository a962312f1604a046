"""Whom a telephone number belongs to, and what happens when it is dialled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.condition import Condition
from sdr_lab.simulate.phone_faults import CallbackFaults, StreamFaults


@dataclass(frozen=True)
class Subscriber:
    """One number's owner. A machine that answers is a `Caller` that talks first."""

    caller: Caller = field(default_factory=Caller)
    """What he says and when; in the rehearsal, on the simulated line, he does the same."""
    outcome: Literal["answers", "busy", "no-answer", "failed"] = "answers"
    condition: Condition = field(default_factory=Condition)
    ring_s: float | None = None
    """Until he answers; None: by the network's timing. Longer than the order's: no-answer."""
    answered_by: str = "human"
    """Verdict of answering machine detection, in Twilio's words."""
    amd_s: float = 0.1
    """From the answer to that verdict."""
    talks_s: float = 0.05
    """How long he talks to somebody whom a `<Dial>` connected him with."""
    stream_faults: StreamFaults = field(default_factory=StreamFaults)
    callback_faults: CallbackFaults = field(default_factory=CallbackFaults)
