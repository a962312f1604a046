"""Who has the floor. Pure: told every frame, every word and what the agent does; has no clock.

    LISTENING ──TURN_OVER──► THINKING ──agent_started──► SPEAKING ◄─RELEASE─┐
        ▲  ▲                    │                          │  │ └────HOLD───┘
        │  └──────WITHDRAW──────┘                          │  │  (`is_holding`)
        └──────────CUT_IN──────────────────────────────────┘  │
        └──────────agent_stopped──────────────────────────────┘

Equal inputs in equal order give equal decisions, so a replay of the log repeats a call.
"""

from __future__ import annotations

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
from sdr_lab.turns.detectors.base import InterruptDetector, Listened, Sign, is_stop
from sdr_lab.turns.detectors.table import make_detector
from sdr_lab.turns.endpoint import Pause, pause_needed
from sdr_lab.turns.hold import Hold
from sdr_lab.turns.listening import ECHO_TAIL_MS, Listening
from sdr_lab.turns.open_turn import OpenTurn
from sdr_lab.turns.over_agent import LATE_MS, Meaning, OverAgent
from sdr_lab.turns.phase import Phase, for_phase

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
        self._settings = self._interrupt
        """Those of what the agent says now, which may be the greeting."""
        self._thinking = for_phase(self._interrupt, Phase.THINKING)
        self.detector = detector
        self._silence_prompt_ms = silence_prompt_ms
        self._listening = Listening(detector)
        self._gate = self._listening.gate
        self._over = OverAgent(self._interrupt)
        self._phase = Phase.SPEAKING
        self._hold = Hold()
        self._onset_ms = 0
        self._now_ms = 0
        self._quiet_since_ms = 0
        self._last_voiced_ms = 0
        self._echo_until_ms = 0
        self._turn = OpenTurn()
        self._answered = ""
        self._pause = Pause(endpoint.silence_ms, "plain")

    @classmethod
    def of(cls, settings: CallSettings) -> Floor:
        """Make the floor of a call."""
        interrupt = settings.interrupt
        detector = make_detector(interrupt)
        return cls(settings.endpoint, detector, round(settings.silence_prompt_s * 1000), interrupt)

    @property
    def is_holding(self) -> bool:
        """The agent has fallen silent in mid-speech: perhaps the caller cuts in."""
        return self._hold.is_on

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
        return self._turn.text

    @property
    def has_turn(self) -> bool:
        """The caller has begun a turn that is not over."""
        return self._turn.is_open and not self._hears_machine

    # ---- inputs

    def hear(self, frame: Listened) -> list[Decision]:
        """Take 20 ms of the caller. `frame.is_voiced` is filled in by the floor's own gate."""
        self._now_ms = frame.at_ms + FRAME_MS
        was_open = self._gate.is_open
        voiced, sign = self._listening.hear(frame, self._is_guarded)
        if voiced and self._gate.is_open:
            self._last_voiced_ms = self._now_ms
        if has_opened := self._gate.is_open and not was_open:
            self._onset_ms = self._gate.onset_ms(self._now_ms)
        decisions = self._hear_over_agent(sign) if self._may_be_stopped else []
        if self.state is not State.SPEAKING and decisions:
            started = [Decision(Kind.CALLER_STARTED, self._onset_ms)] if has_opened else []
            return decisions + started
        if self._gate.is_open:
            return decisions + self._hear_speech(was_open)
        if voiced:
            return decisions  # perhaps he is about to go on: two frames more will tell
        return decisions + (self._hear_silence() if self._turn.is_open else self._wait_for_anyone())

    def read(self, words: Words) -> list[Decision]:
        """Take a transcriber's result."""
        text, meaning = words.text.strip(), Meaning.NOTHING
        if self.state is State.SPEAKING:
            meaning = self._over.meaning(words, self._onset_ms if self._gate.is_open else 0)
        is_echo = meaning is Meaning.OURS and not self._turn.is_open
        self._turn.read("" if is_echo else text, words.is_final)
        decisions = self._read_over_agent(words, meaning) if text and self._may_be_stopped else []
        return decisions or self._look_again()

    def signal(self, heard: TurnSignal) -> list[Decision]:
        """Take what a transcriber with an end-of-turn model of its own says."""
        if heard.signal in (Signal.TURN_STARTED, Signal.TURN_RESUMED):
            self._turn.signalled_ms = None
        if heard.signal is Signal.TURN_STARTED and self._may_be_stopped:
            sign = self.detector.read(A_WORD)
            onset_ms = sign.onset_ms if is_stop(sign) else None
            if onset_ms is None and self._settings.by_signal and self._settings.enabled:
                onset_ms = min(heard.at_ms, self._now_ms)
            return [] if onset_ms is None else self._cut_in(onset_ms, "signal")
        if heard.signal is Signal.TURN_ENDED:
            self._turn.signalled_ms = heard.at_ms if self._turn.is_open else None
            return self._look_again()
        return []

    def press(self, digit: str) -> list[Decision]:
        """Take a key. A gap of `DIGIT_GAP_MS`, or #, ends a number."""
        decisions = self._begin_typing("keys")
        self._turn.press(digit, self._now_ms)
        return decisions + self._look_again()

    def type(self, text: str) -> list[Decision]:
        """Take words that the caller has typed: nothing more follows."""
        if not text.strip():
            return []
        decisions = self._begin_typing("typed")
        self._turn.finals.append(text.strip())
        self._turn.typed_due_ms = self._now_ms
        return decisions + self._look_again()

    def hold(self, from_machine: bool = False) -> None:
        """The agent keeps the floor to the end of the call: nobody stops it, no turn is taken.

        What the caller says is still followed, and `hang_up` returns it; unless he is a machine.
        """
        self.is_held = True
        self._hold.end()
        self._hears_machine = self._hears_machine or from_machine

    def agent_greets(self) -> None:
        """The agent is about to say its first message; the floor stays the caller's until then."""
        self._phase = Phase.GREETING

    def agent_thinking(self) -> None:
        """The agent is about to speak unasked (a prompt after silence, an apology)."""
        self.state = State.THINKING
        self._answered = ""

    def agent_started(self) -> None:
        """The first audio of a reply was handed to the line."""
        self.state = State.SPEAKING
        self._hold.end()
        self._settings = for_phase(self._interrupt, self._phase)
        self._over.begin(self._now_ms, self._settings)
        self.detector.arm(self._now_ms, self._settings)

    def agent_says(self, sentence: str) -> None:
        """The first audio of a sentence was handed to the line."""
        self._over.says(sentence)

    def agent_stopped(self, asked: bool) -> None:
        """The reply has been played to its end, or there was nothing to say."""
        if self.state is State.SPEAKING and not self.is_holding:
            self._echo_until_ms = self._now_ms + ECHO_TAIL_MS
        self._fall_silent()
        self.asked = asked
        self._turn.may_only_listen = False
        self._quiet_since_ms = self._now_ms

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
    def _is_guarded(self) -> bool:
        """The agent's echo may be in what the caller's side sends."""
        is_heard = self.state is State.SPEAKING and not self.is_holding
        return is_heard or self._now_ms <= self._echo_until_ms

    @property
    def _may_be_stopped(self) -> bool:
        return self.state is State.SPEAKING and not self.is_held

    def _hear_over_agent(self, sign: Sign | None) -> list[Decision]:
        sign = self._over.hear(self._now_ms, self._gate.is_open, sign)
        if not self._settings.enabled:
            return []
        if is_stop(sign):
            return self._cut_in(sign.onset_ms)
        may_hold = self._hold.may_begin(self._now_ms, self._gate.is_open)
        if sign is not None and self._settings.hold and may_hold:
            return [self._begin_hold(sign.onset_ms)]
        quiet_ms = self._now_ms - self._last_voiced_ms
        why = self._hold.is_over(self._now_ms, quiet_ms, self._settings.hold_ms)
        return [self._release(why)] if why else []

    def _read_over_agent(self, words: Words, meaning: Meaning) -> list[Decision]:
        """Words confirm, veto or stop at once; see `OverAgent`."""
        if meaning in (Meaning.OURS, Meaning.BEFORE):
            return []
        if meaning is Meaning.LISTENS:
            self._over.veto(self._now_ms)
            return [self._release("acknowledgement")] if self.is_holding else []
        if meaning is Meaning.STOPS and self._settings.enabled:
            return self._stop_by_words("stop_word", words)
        passed = self._over.lift() if meaning is Meaning.TALKS else None
        sign = self.detector.read(words.text.strip()) or passed
        if is_stop(sign):
            return self._cut_in(sign.onset_ms)
        if meaning is Meaning.TALKS and self.is_holding:
            return self._stop_by_words("words", words)
        return []

    def _begin_hold(self, onset_ms: int) -> Decision:
        self._hold.begin(self._now_ms)
        self._onset_ms = onset_ms
        self._echo_until_ms = self._now_ms + ECHO_TAIL_MS
        return Decision(Kind.HOLD, onset_ms, why=self.detector.name)

    def _release(self, why: str) -> Decision:
        self._hold.release(self._now_ms)
        self.detector.arm(self._now_ms, self._settings)
        return Decision(Kind.RELEASE, self._hold.since_ms, why=why)

    def _cut_in(self, onset_ms: int, why: str = "") -> list[Decision]:
        decisions = [self._stop_agent(onset_ms, why)]
        if not self._gate.is_open:
            self._gate.open()
            self._last_voiced_ms = self._now_ms
            decisions.append(Decision(Kind.CALLER_STARTED, onset_ms))
        self._turn.has_speech = True
        return decisions

    def _stop_by_words(self, why: str, words: Words) -> list[Decision]:
        """He may have finished already: the gate stays as it is."""
        self._turn.has_speech = True
        is_of_them = self._onset_ms >= words.start_ms - LATE_MS
        onset_ms = self._onset_ms if is_of_them else words.start_ms
        return [self._stop_agent(min(onset_ms, self._now_ms), why)]

    def _stop_agent(self, onset_ms: int, why: str, is_spoken: bool = True) -> Decision:
        self._turn.open(self.state is State.SPEAKING)
        self._turn.was_over_agent = False
        self._turn.was_cut_in = True
        self._turn.may_only_listen = is_spoken and not self._over.may_ask
        self.asked = self._over.asked
        if not self.is_holding:
            self._echo_until_ms = self._now_ms + ECHO_TAIL_MS
        self._fall_silent()
        return Decision(Kind.CUT_IN, onset_ms, why=why or self.detector.name)

    def _fall_silent(self) -> None:
        self.state = State.LISTENING
        self._hold.end()
        self._phase = Phase.SPEAKING
        self._over.lift()
        self.detector.disarm(self._now_ms)

    def _withdraw(self) -> Decision:
        self.state = State.LISTENING
        self._turn.kept = self._answered
        self._turn.was_cut_in = not self._answered  # what nobody asked for may still be said
        return Decision(Kind.WITHDRAW, self._last_voiced_ms)

    @property
    def _may_be_withdrawn(self) -> bool:
        return self.state is State.THINKING and not self.is_held and self._thinking.enabled

    def _begin_typing(self, why: str) -> list[Decision]:
        """The caller does not talk but type: that counts at once, like talk that is certain."""
        decisions: list[Decision] = []
        if self._may_be_stopped and self._settings.enabled:
            decisions.append(self._stop_agent(self._now_ms, why, is_spoken=False))
        elif self._may_be_withdrawn:
            decisions.append(self._withdraw())
        self._turn.open(self.state is State.SPEAKING)
        self._turn.typed_ms = self._now_ms
        return decisions

    def _look_again(self) -> list[Decision]:
        """Something new is known of the open turn: it may be over."""
        return self._hear_silence() if self._turn.is_open and not self._gate.is_open else []

    def _hear_speech(self, was_open: bool) -> list[Decision]:
        decisions = []
        if not was_open:
            self._turn.open(self.state is State.SPEAKING)
            self._turn.has_speech = True
            decisions.append(Decision(Kind.CALLER_STARTED, self._onset_ms))
        if self._may_be_withdrawn and self._gate.voiced_ms >= self._thinking.min_speech_ms:
            decisions.append(self._withdraw())
        if self._now_ms - self._last_voiced_ms >= self._endpoint.stopped_ms:
            self._turn.voiced_ms += self._gate.voiced_ms
            self._gate.close()
            decisions.append(Decision(Kind.CALLER_STOPPED, self._last_voiced_ms))
        return decisions

    def _hear_silence(self) -> list[Decision]:
        if self.is_held or self._turn.is_being_typed(self._now_ms):
            return []
        if (known := self._turn.known_end(self._now_ms, self._last_voiced_ms)) is not None:
            self._pause = known
            return [self._end_turn()] if self.state is State.LISTENING else []
        silence_ms = self._now_ms - self._last_voiced_ms
        if not self._turn.is_ending:
            self._pause = pause_needed(self.text, self.asked, self._endpoint)
            if silence_ms < self._pause.ms:
                return []
            self._turn.is_ending = True
            self._turn.has_final = False
            return [Decision(Kind.TURN_ENDING, self._last_voiced_ms, "", *self._pause)]
        waited_ms = silence_ms - self._pause.ms
        if not self._turn.has_final and waited_ms < self._endpoint.transcript_wait_ms:
            return []
        if self.state is State.LISTENING:
            return [self._end_turn()]
        if not self.text and self._turn.has_final:
            return [self._drop("no_words")]
        only_listens = self._turn.was_over_agent and not self._over.may_ask
        if only_listens and self._over.is_acknowledgement(self.text):
            return [self._drop("acknowledgement")]  # what is asked later it does not answer
        return []

    def _end_turn(self) -> Decision:
        text, digits = self.text, self._turn.digits
        typed_ms = self._turn.typed_ms if self._turn.is_typed else None
        since_ms = typed_ms or self._last_voiced_ms
        over_agent = self._turn.was_over_agent
        if not text:
            is_speech = self._turn.is_long
            dropped = self._drop("no_words")
            if is_speech and not over_agent and dropped.kind is not Kind.RESUME:
                return Decision(Kind.NOT_UNDERSTOOD, since_ms)
            return dropped
        is_over = over_agent and not self.asked
        if (is_over or self._turn.may_only_listen) and self._over.is_acknowledgement(text):
            return self._drop("acknowledgement")
        self.state = State.THINKING
        self._answered = text
        self._turn = OpenTurn()
        keys = digits if digits == text else ""
        return Decision(Kind.TURN_OVER, since_ms, text, *self._pause, digits=keys)

    def _drop(self, why: str) -> Decision:
        kind = Kind.RESUME if self._turn.was_cut_in else Kind.TURN_DROPPED
        decision = Decision(kind, self._last_voiced_ms, self.text, 0, why)
        self._turn = OpenTurn()
        return decision

    def _wait_for_anyone(self) -> list[Decision]:
        silent_ms = self._now_ms - max(self._quiet_since_ms, self._last_voiced_ms)
        is_idle = self.state is State.LISTENING and not self.is_held
        if not is_idle or silent_ms < self._silence_prompt_ms:
            return []
        self._quiet_since_ms = self._now_ms
        return [Decision(Kind.SILENCE, self._quiet_since_ms)]
