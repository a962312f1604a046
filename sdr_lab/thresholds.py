"""The thresholds of a call: when a turn is over, when the agent is interrupted, what is too long.

Plain values; `records` hands them on, so that all plain values come from one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """When a pause ends the caller's turn."""

    mode: Literal["smart", "fixed"] = "smart"
    silence_ms: int = 800
    """`silence_threshold_sec` of the agent. The whole rule in mode `fixed`."""
    complete_factor: float = 0.6
    """`smart`: a finished sentence, or a short answer to a question, needs this share of it."""
    trailing_factor: float = 1.6
    """`smart`: a trailing "and…", "so…", or a number being read out needs this share of it."""
    min_ms: int = 300
    """`smart`: never end a turn sooner than this."""
    stopped_ms: int = 160
    """Silence after which the caller counts as having stopped (starts the transcription)."""
    transcript_wait_ms: int = 3000
    """How long a transcript slower than the pause is waited for."""


@dataclass(frozen=True, slots=True)
class InterruptSettings:
    """When the caller may stop the agent. Names and defaults of the seed's INTERRUPT_* settings."""

    enabled: bool = True
    detector: str = "hybrid"
    min_energy: int = 800
    """RMS of a 20 ms frame in int16 units, 0..32124."""
    baseline_factor: float = 2.8
    min_speech_ms: int = 100
    debounce_ms: int = 400
    require_text: bool = False
    use_vad: bool = False
    by_signal: bool = False
    """A transcriber's own `TURN_STARTED` is enough to stop the agent."""
    hold: bool = True
    """Fall silent early, and go on when it was nothing."""
    hold_ms: int = 800
    """How long a hold waits for a stop before the agent goes on."""
    hold_score: float | None = None
    """0..1, score of `hybrid` (or a VAD) for a hold; None: the detector's own."""
    stop_score: float | None = None
    """0..1, score of `hybrid` (or a VAD) for a stop; None: the detector's own."""
    hold_activity_ms: int = 120
    """`echo_gate` and VADs: activity that holds."""
    activity_ms: int = 300
    """`echo_gate` and VADs: activity that stops."""
    noise_margin_db: float = 9.0
    """`echo_gate`: level over the noise of the line."""
    echo_margin_db: float = 6.0
    """`echo_gate`: level over the predicted echo of what we sent."""
    acknowledgements: tuple[str, ...] | None = None
    """What a listener says without wanting the floor; None: the list of the language."""
    stop_words: tuple[str, ...] | None = None
    """What stops the agent as soon as it is transcribed; None: the list of the language."""
    greeting: Mapping[str, Any] = field(default_factory=dict)
    """Overrides while the first message is spoken, by field name (not `detector`)."""
    thinking: Mapping[str, Any] = field(default_factory=dict)
    """Overrides while a reply is in preparation (`enabled`, `min_speech_ms`)."""


@dataclass(frozen=True, slots=True)
class CallSettings:
    """The thresholds of one call, all that `call.json` needs to repeat its decisions."""

    endpoint: EndpointSettings = EndpointSettings()
    interrupt: InterruptSettings = InterruptSettings()
    speculate: bool = True
    """ENABLE_INTERIM_PROCESSING: prepare the reply in the pause before the turn is over."""
    interim_min_length: int = 4
    """INTERIM_MIN_LENGTH: characters of interim text worth preparing for."""
    ahead_ms: int = 200
    """Audio handed to the line ahead of its playback."""
    max_sentences: int = 10
    """Sentences spoken per reply at most."""
    max_call_s: float = 1800
    silence_prompt_s: float = 10
    """Caller silent for so long: ask whether he is there (twice), then hang up."""
    silence_prompts: int = 2
    reply_timeout_s: float = 15
    """No first sentence from the model for so long: apologise."""
    stall_timeout_s: float = 10
    """No audio from the line for so long: the line is dead."""
    filters: tuple[str, ...] = ()
    """Names of filters on the caller's audio before STT and the gate."""
