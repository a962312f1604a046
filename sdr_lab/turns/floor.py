"""Who has the floor. Pure: told every frame, every word and what the agent does; has no clock.

    LISTENING ──TURN_OVER──► THINKING ──agent_started──► SPEAKING
        ▲  ▲                    │                          │  │
        │  └──────WITHDRAW──────┘                          │  │
        └──────────CUT_IN──────────────────────────────────┘  │
        └──────────agent_stopped──────────────────────────────┘

Equal inputs in equal order give equal decisions, so a replay of the log repeats a call.
"""

from __future__ import annotations

from typing import TypeGuard

from sdr_lab.records import (
    FRAME_MS,
    CallSettings,
    EndpointSettings,
    InterruptSettings,
    Signal,
    TurnSignal,
    Words,
)
from sdr_lab.turns.decision import Decision, Kind, State
from sdr_lab.turns.detectors.base import InterruptDetector, Listened, Sign, SignKind
from sdr_lab.turns.detectors.table import make_detector
from sdr_lab.turns.endpoint import Pause, is_acknowledgement, pause_needed
from sdr_lab.turns.voice import SpeechGate

ECHO_TAIL_MS = 300
"""The agent's echo may still arrive for so long after its last sample was played."""
WITHDRAW_VOICED_MS = 100
"""Voiced audio that withdraws a reply in preparation: more than a click or a breath."""
SPEECH_WITHOUT_WORDS_MS = 600
"""So much voiced audio without a word was probably speech that nobody could make out."""
DIGIT_GAP_MS = 1500
"""Nobody needs longer from one key to the next."""
MAX_DIGITS = 64
"""More keys in a row are no number."""
A_WORD = "…"
"""Stands for the words of a caller who, as a transcriber says, has begun to speak."""


class Floor:
    """The state machine. One object per call."""

    def __init__(
        self,
        endpoint: EndpointSettings,
        detector: InterruptDetector,
        silence_prompt_ms: int = 10_000,
        interrupt: InterruptSettings | None = None,
    ) -> None:
        self.state = State.LISTENING
        self.asked = False
        """The agent's last sentence was a question."""
        self.is_held = False
        """The agent keeps the floor to the end of the call; see `hold`."""
        self._hears_machine = False
        self._endpoint = endpoint
        self._interrupt = interrupt or InterruptSettings()
        self._detector = detector
        self._silence_prompt_ms = silence_prompt_ms
        self._gate = SpeechGate()
        self._now_ms = 0
        self._quiet_since_ms = 0
        self._last_voiced_ms = 0
        self._echo_until_ms = 0
        self._voiced_ms = 0
        self._is_open = False
        self._is_ending = False
        self._has_final = False
        self._finals: list[str] = []
        self._tail = ""
        self._kept = ""
        self._answered = ""
        self._was_over_agent = False
        self._was_cut_in = False
        self._has_speech = False
        self._signalled_ms: int | None = None
        """The transcriber says that the turn is over, by the audio up to here."""
        self._digits = ""
        self._typed_ms: int | None = None
        self._typed_due_ms = 0
        self._pause = Pause(endpoint.silence_ms, "plain")

    @classmethod
    def of(cls, settings: CallSettings) -> Floor:
        """Make the floor of a call."""
        interrupt = settings.interrupt
        detector = make_detector(interrupt)
        return cls(settings.endpoint, detector, round(settings.silence_prompt_s * 1000), interrupt)

    @property
    def detector(self) -> InterruptDetector:
        return self._detector

    @property
    def last_voiced_ms(self) -> int:
        """End of the caller's last voiced frame, stream time."""
        return self._last_voiced_ms

    @property
    def is_caller_speaking(self) -> bool:
        return self._gate.is_open

    @property
    def silent_ms(self) -> int:
        """How long the caller has been silent."""
        return 0 if self._gate.is_open else self._now_ms - self._last_voiced_ms

    @property
    def text(self) -> str:
        """The words of the open turn so far, then the keys."""
        parts = (self._kept, *self._finals, self._tail, self._digits)
        return " ".join(part for part in parts if part)

    @property
    def has_turn(self) -> bool:
        """The caller has begun a turn that is not over."""
        return self._is_open and not self._hears_machine

    # ---- inputs

    def hear(self, frame: Listened) -> list[Decision]:
        """Take 20 ms of the caller. `frame.is_voiced` is filled in by the floor's own gate."""
        self._now_ms = frame.at_ms + FRAME_MS
        is_guarded = self.state is State.SPEAKING or self._now_ms <= self._echo_until_ms
        was_open = self._gate.is_open
        voiced = self._gate.hear(
            frame.energy, self._detector.threshold if is_guarded and not was_open else 0.0
        )
        if voiced and self._gate.is_open:
            self._last_voiced_ms = self._now_ms
        sign = self._detector.hear(
            Listened(frame.at_ms, frame.mulaw, frame.energy, voiced, frame.played)
        )
        if _is_stop(sign) and self._may_be_stopped:
            return self._cut_in(sign.onset_ms)
        if self._gate.is_open:
            return self._hear_speech(was_open)
        if voiced:
            return []  # perhaps he is about to go on: two frames more will tell
        return self._hear_silence() if self._is_open else self._wait_for_anyone()

    def read(self, words: Words) -> list[Decision]:
        """Take a transcriber's result."""
        text = words.text.strip()
        if words.is_final:
            self._tail = ""
            if text:
                self._finals.append(text)
            self._has_final = True
        else:
            self._tail = text
        sign = self._detector.read(text) if text else None
        if _is_stop(sign) and self._may_be_stopped:
            return self._cut_in(sign.onset_ms)
        return self._look_again()

    def signal(self, heard: TurnSignal) -> list[Decision]:
        """Take what a transcriber with an end-of-turn model of its own says."""
        if heard.signal in (Signal.TURN_STARTED, Signal.TURN_RESUMED):
            self._signalled_ms = None
        if heard.signal is Signal.TURN_STARTED and self._may_be_stopped:
            sign = self._detector.read(A_WORD)
            onset_ms = sign.onset_ms if _is_stop(sign) else None
            if onset_ms is None and self._interrupt.by_signal and self._interrupt.enabled:
                onset_ms = min(heard.at_ms, self._now_ms)
            return [] if onset_ms is None else self._cut_in(onset_ms, "signal")
        if heard.signal is Signal.TURN_ENDED:
            self._signalled_ms = heard.at_ms if self._is_open else None
            return self._look_again()
        return []

    def press(self, digit: str) -> list[Decision]:
        """Take a key. A gap of `DIGIT_GAP_MS`, or #, ends a number."""
        decisions = self._begin_typing("keys")
        is_end = digit == "#" and bool(self._digits)
        if not is_end and len(self._digits) < MAX_DIGITS:
            self._digits += digit
        self._typed_due_ms = self._now_ms if is_end else self._now_ms + DIGIT_GAP_MS
        return decisions + self._look_again()

    def type(self, text: str) -> list[Decision]:
        """Take words that the caller has typed: nothing more follows."""
        if not text.strip():
            return []
        decisions = self._begin_typing("typed")
        self._finals.append(text.strip())
        self._typed_due_ms = self._now_ms
        return decisions + self._look_again()

    def hold(self, from_machine: bool = False) -> None:
        """The agent keeps the floor to the end of the call: nobody stops it, no turn is taken.

        What the caller says is still followed, and `hang_up` returns it; unless he is a machine.
        """
        self.is_held = True
        self._hears_machine = self._hears_machine or from_machine

    def agent_thinking(self) -> None:
        """The agent is about to speak unasked (a prompt after silence, an apology)."""
        self.state = State.THINKING
        self._answered = ""

    def agent_started(self) -> None:
        """The first audio of a reply was handed to the line."""
        self.state = State.SPEAKING
        self._detector.arm(self._now_ms, self._interrupt)

    def agent_stopped(self, asked: bool) -> None:
        """The reply has been played to its end, or there was nothing to say."""
        if self.state is State.SPEAKING:
            self._echo_until_ms = self._now_ms + ECHO_TAIL_MS
        self.state = State.LISTENING
        self.asked = asked
        self._quiet_since_ms = self._now_ms
        self._detector.disarm(self._now_ms)

    def hang_up(self) -> Decision | None:
        """The caller has hung up: return the TURN_OVER of what he said last, if there was any."""
        if not self.has_turn or not self.text:
            return None
        self.state = State.LISTENING
        self._pause = Pause(0, "hung_up")
        decision = self._end_turn()
        return decision if decision.kind is Kind.TURN_OVER else None

    # ---- decisions

    @property
    def _may_be_stopped(self) -> bool:
        return self.state is State.SPEAKING and not self.is_held

    def _cut_in(self, onset_ms: int, why: str = "") -> list[Decision]:
        decisions = [self._stop_agent(onset_ms, why)]
        if not self._gate.is_open:
            self._gate.open()
            self._last_voiced_ms = self._now_ms
            decisions.append(Decision(Kind.CALLER_STARTED, onset_ms))
        self._has_speech = True
        return decisions

    def _stop_agent(self, onset_ms: int, why: str) -> Decision:
        self._open()
        self._was_over_agent = False
        self._was_cut_in = True
        self.asked = False
        self.state = State.LISTENING
        self._echo_until_ms = self._now_ms + ECHO_TAIL_MS
        self._detector.disarm(self._now_ms)
        return Decision(Kind.CUT_IN, onset_ms, why=why or self._detector.name)

    def _withdraw(self) -> Decision:
        self.state = State.LISTENING
        self._kept = self._answered
        self._was_cut_in = not self._answered  # what nobody asked for may still be said
        return Decision(Kind.WITHDRAW, self._last_voiced_ms)

    def _begin_typing(self, why: str) -> list[Decision]:
        """The caller does not talk but type: that counts at once, like talk that is certain."""
        decisions: list[Decision] = []
        if self._may_be_stopped and self._interrupt.enabled:
            decisions.append(self._stop_agent(self._now_ms, why))
        elif self.state is State.THINKING and not self.is_held:
            decisions.append(self._withdraw())
        self._open()
        self._typed_ms = self._now_ms
        return decisions

    def _look_again(self) -> list[Decision]:
        """Something new is known of the open turn: it may be over."""
        return self._hear_silence() if self._is_open and not self._gate.is_open else []

    def _hear_speech(self, was_open: bool) -> list[Decision]:
        decisions = []
        if not was_open:
            self._open()
            self._has_speech = True
            onset_ms = self._gate.onset_ms(self._now_ms)
            decisions.append(Decision(Kind.CALLER_STARTED, onset_ms))
        is_thinking = self.state is State.THINKING and not self.is_held
        if is_thinking and self._gate.voiced_ms >= WITHDRAW_VOICED_MS:
            decisions.append(self._withdraw())
        if self._now_ms - self._last_voiced_ms >= self._endpoint.stopped_ms:
            self._voiced_ms += self._gate.voiced_ms
            self._gate.close()
            decisions.append(Decision(Kind.CALLER_STOPPED, self._last_voiced_ms))
        return decisions

    def _hear_silence(self) -> list[Decision]:
        if self.is_held or (self._typed_ms is not None and self._now_ms < self._typed_due_ms):
            return []
        if (known := self._known_end()) is not None:
            self._pause = known
            return [self._end_turn()] if self.state is State.LISTENING else []
        silence_ms = self._now_ms - self._last_voiced_ms
        if not self._is_ending:
            self._pause = pause_needed(self.text, self.asked, self._endpoint)
            if silence_ms < self._pause.ms:
                return []
            self._is_ending = True
            self._has_final = False
            return [Decision(Kind.TURN_ENDING, self._last_voiced_ms, "", *self._pause)]
        waited_ms = silence_ms - self._pause.ms
        if not self._has_final and waited_ms < self._endpoint.transcript_wait_ms:
            return []
        if self.state is State.LISTENING:
            return [self._end_turn()]
        if not self.text and self._has_final:
            return [self._drop("no_words")]
        return []

    def _known_end(self) -> Pause | None:
        """The turn is over for certain, whatever its pause: return that."""
        if self._typed_ms is not None and not self._has_speech:
            why = "digits" if self._digits else "typed"
            return Pause(self._now_ms - self._typed_ms, why)
        signalled_ms = self._signalled_ms
        if signalled_ms is not None and self._last_voiced_ms <= signalled_ms and self.text:
            return Pause(self._now_ms - self._last_voiced_ms, "signal")
        return None

    def _end_turn(self) -> Decision:
        text, digits = self.text, self._digits
        is_typed = self._typed_ms is not None and not self._has_speech
        since_ms = self._typed_ms if is_typed and self._typed_ms else self._last_voiced_ms
        over_agent = self._was_over_agent
        if not text:
            spoken_ms = self._voiced_ms
            dropped = self._drop("no_words")
            is_speech = spoken_ms >= SPEECH_WITHOUT_WORDS_MS
            if is_speech and not over_agent and dropped.kind is not Kind.RESUME:
                return Decision(Kind.NOT_UNDERSTOOD, since_ms)
            return dropped
        if over_agent and not self.asked and is_acknowledgement(text):
            return self._drop("acknowledgement")
        self.state = State.THINKING
        self._answered = text
        self._close()
        keys = digits if digits == text else ""
        return Decision(Kind.TURN_OVER, since_ms, text, *self._pause, digits=keys)

    def _drop(self, why: str) -> Decision:
        kind = Kind.RESUME if self._was_cut_in else Kind.TURN_DROPPED
        decision = Decision(kind, self._last_voiced_ms, self.text, 0, why)
        self._close()
        return decision

    def _wait_for_anyone(self) -> list[Decision]:
        silent_ms = self._now_ms - max(self._quiet_since_ms, self._last_voiced_ms)
        is_idle = self.state is State.LISTENING and not self.is_held
        if not is_idle or silent_ms < self._silence_prompt_ms:
            return []
        self._quiet_since_ms = self._now_ms
        return [Decision(Kind.SILENCE, self._quiet_since_ms)]

    # ---- the open turn

    def _open(self) -> None:
        if not self._is_open:
            self._is_open = True
            self._voiced_ms = 0
            self._was_over_agent = self.state is State.SPEAKING
        self._is_ending = False

    def _close(self) -> None:
        self._kept = ""
        self._was_cut_in = False
        self._is_open = False
        self._is_ending = False
        self._has_final = False
        self._has_speech = False
        self._signalled_ms = None
        self._finals = []
        self._tail = ""
        self._digits = ""
        self._typed_ms = None


def _is_stop(sign: Sign | None) -> TypeGuard[Sign]:
    return sign is not None and sign.kind is SignKind.STOP
