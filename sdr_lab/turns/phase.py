"""Which interrupt settings hold when: during the greeting, in any other speech, in thought."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from sdr_lab.records import InterruptSettings

WITHDRAW_SPEECH_MS = 100
"""Voiced audio that withdraws a reply in preparation: more than a click or a breath."""


class Phase(StrEnum):
    GREETING = "greeting"
    """The first message is spoken."""
    SPEAKING = "speaking"
    """Anything else is."""
    THINKING = "thinking"
    """A reply is in preparation and nothing of it has been heard."""


def for_phase(settings: InterruptSettings, phase: Phase) -> InterruptSettings:
    """Return the settings of a phase.

    The greeting has those of all speech, but for what it overrides. Thought has its own: words
    of the caller withdraw the reply unless `thinking` says `enabled: false`, after
    `WITHDRAW_SPEECH_MS` of voice unless it says otherwise; whether and how the agent may be
    interrupted in speech is no matter there.
    """
    match phase:
        case Phase.GREETING:
            return replace(settings, **settings.greeting)
        case Phase.THINKING:
            own = {"enabled": True, "min_speech_ms": WITHDRAW_SPEECH_MS, **settings.thinking}
            return replace(settings, **own)
        case Phase.SPEAKING:
            return settings
