"""One call. The only module that acts: every input passes one queue, one owner handles it.

Whatever happens at an interruption happens in `_cut_in`, in that order, always. Nothing races.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from sdr_lab.agents.conversation import Conversation
from sdr_lab.agents.intent import detect_intent
from sdr_lab.agents.prompt import with_lines_filled
from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.audio.filters import FilterChain
from sdr_lab.call.ears import Ears
from sdr_lab.call.echo import is_echo
from sdr_lab.call.guards import Guards
from sdr_lab.call.inbox import Expired, Item, LineClosed, Order, ReplyDone, Tick, TranscriberFailed
from sdr_lab.call.last_words import last_turn
from sdr_lab.call.line import Digit, Frame, Line, Mark
from sdr_lab.call.log import CallLog, Sink, log_start, log_turn_over, log_words
from sdr_lab.call.mind import make_mind
from sdr_lab.call.mouth import Mouth
from sdr_lab.call.parts import Outcome, Parts, Rest
from sdr_lab.call.playout import SILENCE
from sdr_lab.call.record import CallFolder
from sdr_lab.call.replies import Replies
from sdr_lab.call.safe_line import SafeLine
from sdr_lab.call.stream_clock import StreamClock
from sdr_lab.events import (
    AgentStopped,
    CallEnded,
    CallerStarted,
    CallerStopped,
    DigitPressed,
    FixedLine,
    GapFilled,
    Interrupted,
    ProviderFailed,
    TimedOut,
    ToolDropped,
    TurnDropped,
    TurnEnding,
    Withdrawn,
)
from sdr_lab.records import FRAME_MS, CallConfig, Words
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.turns.floor import Decision, Floor, Kind, State
from sdr_lab.turns.interrupt import DETECTORS, Listened

HE_IS_GONE = frozenset({"caller", "error", "stalled"})
"""The line ended, not we: perhaps in the middle of his turn."""

SAYS_BYE = frozenset({"GOODBYE", "THANKS", "ACKNOWLEDGE"})
"""Said over our goodbye, these want no answer."""


class Session:
    """Runs one call on one line."""

    def __init__(
        self,
        config: CallConfig,
        line: Line,
        parts: Parts,
        folder: CallFolder,
        now: Callable[[], datetime],
        listeners: Sequence[Sink] = (),
    ) -> None:
        agent = with_lines_filled(config.agent, config.variables)
        self.config = config = replace(config, agent=agent)
        self.conversation = Conversation()
        self._parts = parts
        self._folder = folder
        self._now = now
        self._listeners = tuple(listeners)
        settings = config.settings
        detector = DETECTORS[settings.interrupt.detector](settings.interrupt)
        self._detector = detector
        self.floor = Floor(settings.endpoint, detector, round(settings.silence_prompt_s * 1000))
        self._filters = FilterChain(settings.filters) if settings.filters else None
        self._inbox: asyncio.Queue[Item] = asyncio.Queue()
        self._line = SafeLine(line, self._inbox.put_nowait)
        self._ears = Ears(parts.transcriber, self._inbox.put_nowait)
        self._guards = Guards(settings, self._inbox.put_nowait)
        self._now_ms = 0
        self._turn = 0
        self._rest: Rest | None = None
        self._prompts = 0
        self._reason = ""

    def tell(self, order: Order) -> None:
        """Give an order from outside the call, in the call's loop. Too late it is forgotten."""
        self._inbox.put_nowait(order)

    async def run(self) -> Outcome:
        """Greet, talk, and return when the call is over. Cancelling it hangs up."""
        loop = asyncio.get_running_loop()
        self._log = CallLog(loop.time, [self._folder.event, *self._listeners])
        self._stream = StreamClock(loop.time())
        self._mouth = Mouth(self._line, self.floor, self._log, self.config.settings.ahead_ms)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._mind = make_mind(
                    self.config, self.conversation, self._parts, self._now, tasks
                )
                self._replies = Replies(self._mind, self._mouth, self._log, self._inbox.put_nowait)
                helpers = [
                    tasks.create_task(self._line.read()),
                    tasks.create_task(self._ears.run()),
                    tasks.create_task(self._guards.watch()),
                    tasks.create_task(self._mind.warm_up(self._log)),
                ]
                log_start(self._log, self.config)
                await self._own()
                for task in helpers:
                    task.cancel()
                self._replies.cancel_all()
        except BaseException as error:
            self._reason = "cancelled" if isinstance(error, asyncio.CancelledError) else "error"
            await self._line.hang_up()
            raise
        finally:
            outcome = self._finish()
        return outcome

    # ---- the owner

    async def _own(self) -> None:
        if greeting := self.config.agent.first_message:
            self._log.add(FixedLine, turn=self._turn, text=greeting, why="greeting")
            self._replies.begin(self._turn, "", greeting)  # "hello?" does not withdraw it
        while not self._reason:
            item = await self._inbox.get()
            if isinstance(item, Frame):
                await self._on_frame(item)
            elif isinstance(item, tuple):
                reply, speech = item
                if reply is self._replies.current:  # else made before its reply was cancelled
                    await self._mouth.say(speech, self._now_ms)
            elif isinstance(item, Words):
                await self._on_words(item)
            else:
                await self._on_other(item)
        self._account()
        if self._reason in HE_IS_GONE:
            await self._hear_last_words()

    async def _on_other(self, item: Item) -> None:
        match item:
            case Mark(name):
                self._mouth.marked(name, self._now_ms)
                await self._stop_if_played()
            case ReplyDone(reply):
                if reply is self._replies.current:
                    self._replies.is_made = True
                    await self._stop_if_played()
            case Tick(now_ms):
                await self._mouth.send(now_ms)
            case Digit(digit):
                self._log.add(DigitPressed, digit=digit)
            case Expired(name):
                self._log.add(TimedOut, name=name)
                await self._hang_up(name)
            case TranscriberFailed(provider, reason):
                self._failed("stt", provider, reason)
                if self._replies.current is None:
                    self._say_line(self.config.agent.apology, "apology")
            case LineClosed(fault):
                self._reason = "error" if fault else "caller"
                if fault:
                    self._failed("line", self._line.kind, fault)
            case _:
                raise TypeError(f"unknown input {item!r}")

    def _failed(self, stage: str, provider: str, reason: str) -> None:
        self._log.add(ProviderFailed, stage=stage, provider=provider, error=reason)

    async def _on_frame(self, frame: Frame) -> None:
        missing = self._stream.place(frame.at_ms, asyncio.get_running_loop().time())
        if missing is None:
            return  # repeated: this time has been heard already
        if missing:
            self._log.add(GapFilled, missing_ms=missing * FRAME_MS)
        for _ in range(missing):
            await self._hear(SILENCE)
        await self._hear(frame.mulaw)
        self._guards.heard(self._now_ms)

    async def _hear(self, mulaw: bytes) -> None:
        at_ms = self._now_ms
        self._now_ms = self._log.at_ms = at_ms + FRAME_MS
        played = self._mouth.slot(at_ms)
        self._folder.frame(mulaw, played)
        if self._filters is not None:
            mulaw = self._filters.process_mulaw(mulaw)
        self._ears.hear(Heard(at_ms, mulaw))
        decisions = self.floor.hear(
            Listened(at_ms, mulaw, calculate_audio_energy(mulaw), False, played)
        )
        for decision in decisions:
            await self._act(decision)
        if self._mouth.is_busy:
            await self._mouth.send(self._now_ms)
            await self._stop_if_played()

    async def _on_words(self, words: Words) -> None:
        log_words(self._log, words)
        for decision in self.floor.read(words):
            await self._act(decision)
        self._speculate()

    # ---- decisions

    async def _act(self, decision: Decision) -> None:
        match decision.kind:
            case Kind.CALLER_STARTED:
                self._log.add(CallerStarted, onset_ms=decision.since_ms)
                self._ears.hear(Cue.STARTED)
                self._replies.drop_prepared()
            case Kind.CALLER_STOPPED:
                self._log.add(CallerStopped, last_voiced_ms=decision.since_ms)
                self._ears.hear(Cue.PAUSED)
            case Kind.TURN_ENDING:
                self._log.add(TurnEnding, pause_ms=decision.pause_ms, why=decision.why)
                self._ears.hear(Cue.FINISH)
            case Kind.TURN_OVER:
                await self._answer(decision)
            case Kind.WITHDRAW:
                self._withdraw()
            case Kind.CUT_IN:
                await self._cut_in(decision)
            case Kind.RESUME:
                self._log.add(TurnDropped, text=decision.text, why=decision.why)
                await self._resume()
            case Kind.TURN_DROPPED:
                self._log.add(TurnDropped, text=decision.text, why=decision.why)
                self._replies.drop_prepared()
            case Kind.NOT_UNDERSTOOD:
                self._log.add(TurnDropped, text="", why="no_words")
                self._prompt(self.config.agent.not_heard, "not_heard")
            case Kind.SILENCE:
                self._log.add(TimedOut, name="silence")
                self._prompt(self.config.agent.reprompt, "silence")

    async def _answer(self, decision: Decision) -> None:
        rest = self._rest
        if rest is not None and is_echo(decision.text, rest.planned):
            self._log.add(TurnDropped, text=decision.text, why="echo")
            await self._resume()
            return
        self._begin_turn(decision)
        if rest is not None and rest.ends_call and self._says_bye(decision.text):
            await self._hang_up(rest.ends_call, rest.transfers_to)
            return
        self._replies.begin(self._turn, decision.text)
        self.conversation.caller_said(decision.text, decision.since_ms)

    def _begin_turn(self, decision: Decision) -> None:
        self._turn += 1
        self._prompts = 0
        rest, self._rest = self._rest, None
        if rest is not None and (call := rest.proposed) is not None:
            self._log.add(ToolDropped, turn=self._turn, name=call.name, why="cancelled")
        log_turn_over(self._log, self._turn, decision)

    def _says_bye(self, text: str) -> bool:
        return detect_intent(text, self.conversation.asked).name in SAYS_BYE

    async def _cut_in(self, decision: Decision) -> None:
        """Stop the agent, in this order: task, line, account, log, listen."""
        is_made = self._replies.is_made
        self._replies.cancel()
        cleared = await self._mouth.clear(self._now_ms)
        is_whole = is_made and not cleared.rest
        self.conversation.agent_said(cleared.heard, not is_whole, self._now_ms)
        if is_whole:  # only the marks were outstanding: he answers, he does not interrupt
            self._stopped(self._mouth.turn, cleared.heard)
        else:
            self._log.add(
                Interrupted,
                turn=self._mouth.turn,
                heard=cleared.heard,
                planned=cleared.planned,
                onset_ms=decision.since_ms,
                detector=self._detector.name,
            )
        self._rest = self._replies.stopped(cleared)

    def _withdraw(self) -> None:
        """The caller goes on: nothing of the reply has been heard, nothing of it remains."""
        self._replies.cancel()
        is_answer = self._replies.is_answer
        rest = self._replies.stopped(self._mouth.forget(self._now_ms))
        if is_answer:
            self.conversation.caller_goes_on()
        else:
            self._rest = rest  # unasked: said later, if that was but noise
        self._log.add(Withdrawn, turn=self._mouth.turn)

    async def _resume(self) -> None:
        """The interruption was no speech: say the rest of what was cut off."""
        rest, self._rest = self._rest, None
        if rest is not None and rest.text:
            self._say_line(rest.text, "rest", rest)
            self.conversation.pending = rest.proposed or self.conversation.pending
        elif rest is not None and rest.ends_call:
            await self._hang_up(rest.ends_call, rest.transfers_to)
        elif self.floor.state is not State.LISTENING:
            self._stopped(self._turn, "")

    async def _hear_last_words(self) -> None:
        """The caller has hung up, perhaps in mid-turn: "never call me again" counts as ever."""
        self._replies.drop_prepared()
        wait_ms = self.config.settings.endpoint.transcript_wait_ms
        over = await last_turn(self.floor, self._ears, self._inbox, self._log, wait_ms)
        if over is None:
            return
        self._begin_turn(over)
        self._replies.cancel()
        await self._replies.settle(self._turn, over.text)
        self.conversation.caller_said(over.text, over.since_ms)

    def _prompt(self, line: str, why: str) -> None:
        """Ask a caller who is silent or not understood; after some times, say goodbye."""
        if self._replies.current is not None:
            return  # the greeting is still being made
        self._prompts += 1
        if self._prompts <= self.config.settings.silence_prompts:
            self._say_line(line, why)
        else:
            rest = Rest("", "", ends_call="silence", transfers_to="")
            self._say_line(self.config.agent.goodbye, "goodbye", rest)

    # ---- replies

    def _say_line(self, line: str, why: str, rest: Rest | None = None) -> None:
        """Say a fixed text, unasked."""
        self._turn += 1
        self._log.add(FixedLine, turn=self._turn, text=line, why=why)
        self.floor.agent_thinking()
        self._replies.begin(self._turn, "", line)
        if rest is not None and self._replies.current is not None:
            self._replies.current.ends_call = rest.ends_call
            self._replies.current.transfers_to = rest.transfers_to

    def _speculate(self) -> None:
        settings, floor = self.config.settings, self.floor
        text = floor.text
        if not settings.speculate or floor.state is not State.LISTENING:
            return
        if floor.is_caller_speaking or len(text) < settings.interim_min_length:
            return
        if self.conversation.pending is None:  # else a yes or no decides: nothing to prepare
            self._replies.prepare(self._turn + 1, text)

    # ---- the end of a reply

    async def _stop_if_played(self) -> None:
        reply = self._replies.current
        if reply is None or not self._replies.is_made or not self._mouth.is_done(self._now_ms):
            return
        text = self._mouth.text
        self.conversation.agent_said(text, False, self._now_ms)
        self._stopped(reply.turn, text)
        self._replies.end()
        if reply.ends_call:
            await self._hang_up(reply.ends_call, reply.transfers_to)

    def _stopped(self, turn: int, heard: str) -> None:
        self._log.add(AgentStopped, turn=turn, text=heard)
        self.floor.agent_stopped(self.conversation.asked)

    def _account(self) -> None:
        """The call ends, perhaps in mid-reply: what was heard of it was said."""
        if self._mouth.is_speaking:
            heard = self._mouth.forget(self._now_ms).heard
            self.conversation.agent_said(heard, True, self._now_ms)
            self._stopped(self._mouth.turn, heard)
            self._mouth.end()

    async def _hang_up(self, reason: str, transfers_to: str = "") -> None:
        if transfers_to:
            await self._line.transfer(transfers_to)
        else:
            await self._line.hang_up()
        self._reason = reason

    def _finish(self) -> Outcome:
        self._account()
        outcome = Outcome(
            self._reason or "error",
            self._now_ms,
            self._turn,
            self._mouth.underruns,
            self._folder.error,
        )
        self._log.add(CallEnded, reason=outcome.reason, duration_ms=self._now_ms)
        self._folder.close({k: v for k, v in asdict(outcome).items() if v != ""})
        return replace(outcome, recording_error=self._folder.error)
