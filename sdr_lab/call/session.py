"""One call. The only module that acts: every input passes one queue, one owner handles it.

Whatever happens at an interruption happens in `_cut_in`, in that order, always. Nothing races.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime

from sdr_lab.agents.conversation import Conversation
from sdr_lab.agents.intent import detect_intent
from sdr_lab.agents.prompt import with_lines_filled
from sdr_lab.call.delivery import Delivery
from sdr_lab.call.ears import Ears
from sdr_lab.call.echo import is_echo
from sdr_lab.call.guards import Guards
from sdr_lab.call.hearing import Hearing
from sdr_lab.call.holding import Holding
from sdr_lab.call.inbox import Expired, Item, LineClosed, Order, ReplyDone, Tick, TranscriberFailed
from sdr_lab.call.keys import key_call
from sdr_lab.call.last_words import last_turn
from sdr_lab.call.line import Digit, Frame, Line, Mark
from sdr_lab.call.log import (
    CallLog,
    Sink,
    log_signal,
    log_start,
    log_turn_ending,
    log_turn_over,
    log_words,
)
from sdr_lab.call.mind import make_mind
from sdr_lab.call.mouth import Mouth
from sdr_lab.call.orders import Orders, UserText, log_order
from sdr_lab.call.parts import Outcome, Parts, Rest
from sdr_lab.call.record import CallFolder
from sdr_lab.call.replies import Replies
from sdr_lab.call.safe_line import SafeLine
from sdr_lab.events import (
    CallEnded,
    CallerStarted,
    CallerStopped,
    DigitPressed,
    Interrupted,
    ProviderFailed,
    TimedOut,
    ToolDropped,
    TurnDropped,
    Withdrawn,
)
from sdr_lab.records import CallConfig, Signal, TurnSignal, Words
from sdr_lab.stt.base import Cue
from sdr_lab.turns.decision import Decision, Kind, State
from sdr_lab.turns.floor import Floor

TOOLS_END_S = 5.0
"""Tools that have begun may go on for so long when the call is over."""

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
        self.floor = Floor.of(settings)
        self._inbox: asyncio.Queue[Item] = asyncio.Queue()
        self._line = SafeLine(line, self._inbox.put_nowait)
        self._ears = Ears(parts.transcriber, self._inbox.put_nowait)
        self._guards = Guards(settings, self._inbox.put_nowait)
        self._rest: Rest | None = None
        self._prompts = 0

    def tell(self, order: Order) -> None:
        """Give an order from outside the call, in the call's loop. Too late it is forgotten."""
        self._inbox.put_nowait(order)

    async def run(self) -> Outcome:
        """Greet, talk, and return when the call is over. Cancelling it hangs up."""
        loop = asyncio.get_running_loop()
        self._log = CallLog(loop.time, [self._folder.event, *self._listeners])
        self._mouth = Mouth(self._line, self.floor, self._log, self.config.settings.ahead_ms)
        reason = ""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._set_up(tasks)
                helpers = [
                    tasks.create_task(self._line.read()),
                    tasks.create_task(self._ears.run()),
                    tasks.create_task(self._guards.watch()),
                    tasks.create_task(self._mind.warm_up(self._log)),
                ]
                log_start(self._log, self.config)
                await self._own()
                await self._settle()
                for task in helpers:
                    task.cancel()
        except BaseException as error:
            reason = "cancelled" if isinstance(error, asyncio.CancelledError) else "error"
            await self._line.hang_up()
            raise
        finally:
            outcome = self._finish(reason)
        return outcome

    def _set_up(self, tasks: asyncio.TaskGroup) -> None:
        post, log = self._inbox.put_nowait, self._log
        self._mind = make_mind(self.config, self.conversation, self._parts, self._now, tasks)
        self._replies = Replies(self._mind, self._mouth, log, post)
        self._delivery = Delivery(
            self._line, self._mouth, self._replies, self.floor, self.conversation, log
        )
        self._holding = Holding(self._delivery, log)
        self._orders = Orders(self._delivery, self._holding, self._mind, self._guards, log)
        self._hearing = Hearing(
            self.config.settings.filters, self._folder, self._ears, self._mouth, self._guards, log
        )

    # ---- the owner

    async def _own(self) -> None:
        if greeting := self.config.agent.first_message:
            self._delivery.greet(greeting)
        while not self._delivery.reason:
            item = await self._inbox.get()
            if isinstance(item, Frame):
                await self._on_frame(item)
            elif isinstance(item, tuple):
                reply, speech = item
                if reply is self._replies.current:  # else made before its reply was cancelled
                    await self._mouth.say(speech, self._log.at_ms)
            elif isinstance(item, Words):
                await self._on_words(item)
            elif isinstance(item, Order):
                await self._on_order(item)
            else:
                await self._on_other(item)

    async def _on_other(self, item: Item) -> None:
        match item:
            case Mark(name):
                self._mouth.marked(name, self._log.at_ms)
                await self._delivery.stop_if_played()
            case ReplyDone(reply):
                if reply is self._replies.current:
                    self._replies.is_made = True
                    await self._delivery.stop_if_played()
            case Tick(now_ms):
                await self._mouth.send(now_ms)
            case Digit(digit):
                self._log.add(DigitPressed, digit=digit)
                await self._act_on(self.floor.press(digit))
            case TurnSignal():
                await self._on_signal(item)
            case Expired(name):
                await self._on_time_out(name)
            case TranscriberFailed(provider, reason):
                self._failed("stt", provider, reason)
                if self._replies.current is None and not self.floor.is_held:
                    self._delivery.say_line(self.config.agent.apology, "apology")
            case LineClosed(fault):
                gone = "voicemail" if self._orders.is_message else "caller"
                self._delivery.reason = "error" if fault else gone
                if fault:
                    self._failed("line", self._line.kind, fault)
            case _:
                raise TypeError(f"unknown input {item!r}")

    async def _on_time_out(self, name: str) -> None:
        if name == "error" and self.floor.is_held:
            return  # nobody needs to be understood any more
        self._log.add(TimedOut, name=name)
        if name == "max_length":
            await self._orders.say_goodbye(name)
        elif name == "error":
            await self._orders.say_goodbye(name, is_sorry=True)
        else:
            await self._delivery.hang_up(self._orders.reason if name == "overdue" else name)

    async def _on_order(self, order: Order) -> None:
        log_order(self._log, order)
        if isinstance(order, UserText):
            await self._act_on(self.floor.type(order.text))
        else:
            await self._orders.take(order)

    async def _on_signal(self, heard: TurnSignal) -> None:
        log_signal(self._log, heard)
        await self._act_on(self.floor.signal(heard))
        if heard.signal is Signal.TURN_RESUMED:
            self._replies.drop_prepared()
        elif heard.signal is Signal.TURN_ENDING:
            self._speculate()

    def _failed(self, stage: str, provider: str, reason: str) -> None:
        self._log.add(ProviderFailed, stage=stage, provider=provider, error=reason)

    async def _on_frame(self, frame: Frame) -> None:
        for listened in self._hearing.take(frame):
            await self._act_on(self.floor.hear(listened))
            if self._mouth.is_busy:
                await self._mouth.send(self._log.at_ms)
                await self._delivery.stop_if_played()
            await self._orders.go_on()

    async def _on_words(self, words: Words) -> None:
        log_words(self._log, words)
        await self._act_on(self.floor.read(words))
        if not self.floor.is_caller_speaking:
            self._speculate()

    # ---- decisions

    async def _act_on(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            await self._act(decision)

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
                log_turn_ending(self._log, decision)
                self._ears.hear(Cue.FINISH)
            case Kind.TURN_OVER:
                await self._answer(decision)
            case Kind.WITHDRAW:
                self._withdraw()
            case Kind.HOLD:
                await self._holding.hold(decision)
            case Kind.RELEASE:
                await self._holding.release(decision.why)
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
        is_spoken = decision.why not in ("digits", "typed")
        if rest is not None and is_spoken and is_echo(decision.text, rest.planned):
            self._log.add(TurnDropped, text=decision.text, why="echo")
            await self._resume()
            return
        self._begin_turn(decision)
        if rest is not None and rest.ends_call and self._says_bye(decision.text):
            await self._delivery.hang_up(rest.ends_call, rest.transfers_to)
            return
        key = key_call(decision.digits, self.config.agent)
        self._replies.begin(self._delivery.turn, decision.text, key=key)
        self.conversation.caller_said(decision.text, decision.since_ms)

    def _begin_turn(self, decision: Decision) -> None:
        self._delivery.turn += 1
        self._prompts = 0
        rest, self._rest = self._rest, None
        if rest is not None and (call := rest.proposed) is not None:
            self._log.add(ToolDropped, turn=self._delivery.turn, name=call.name, why="cancelled")
        log_turn_over(self._log, self._delivery.turn, decision)

    def _says_bye(self, text: str) -> bool:
        return detect_intent(text, self.conversation.asked).name in SAYS_BYE

    async def _cut_in(self, decision: Decision) -> None:
        """Stop the agent, in this order: task, line, account, log, listen."""
        is_made = self._replies.is_made
        self._replies.cancel()
        cleared = await self._mouth.clear(self._log.at_ms)
        is_whole = is_made and not cleared.rest
        self.conversation.agent_said(cleared.heard, not is_whole, self._log.at_ms)
        if is_whole:  # only the marks were outstanding: he answers, he does not interrupt
            self._delivery.stopped(self._mouth.turn, cleared.heard)
        else:
            self._log.add(
                Interrupted,
                turn=self._mouth.turn,
                heard=cleared.heard,
                planned=cleared.planned,
                onset_ms=decision.since_ms,
                detector=decision.why,
            )
        self._rest = self._replies.stopped(cleared)

    def _withdraw(self) -> None:
        """The caller goes on: nothing of the reply has been heard, nothing of it remains."""
        self._replies.cancel()
        is_answer = self._replies.is_answer
        rest = self._replies.stopped(self._mouth.forget(self._log.at_ms))
        if is_answer:
            self.conversation.caller_goes_on()
        else:
            self._rest = rest  # unasked: said later, if that was but noise
        self._log.add(Withdrawn, turn=self._mouth.turn)

    async def _resume(self) -> None:
        """The interruption was no speech: say the rest of what was cut off."""
        rest, self._rest = self._rest, None
        if rest is not None and rest.text:
            self._delivery.say_line(rest.text, "rest", rest.ends_call, rest.transfers_to)
            self.conversation.pending = rest.proposed or self.conversation.pending
        elif rest is not None and rest.ends_call:
            await self._delivery.hang_up(rest.ends_call, rest.transfers_to)
        elif self.floor.state is not State.LISTENING:
            self._delivery.stopped(self._delivery.turn, "")

    def _prompt(self, line: str, why: str) -> None:
        """Ask a caller who is silent or not understood; after some times, say goodbye."""
        if self._replies.current is not None:
            return  # the greeting is still being made
        self._prompts += 1
        if self._prompts <= self.config.settings.silence_prompts:
            self._delivery.say_line(line, why)
        else:
            self._delivery.say_line(self.config.agent.goodbye, "goodbye", "silence")

    def _speculate(self) -> None:
        """Prepare the reply to what may be the whole turn."""
        settings, floor = self.config.settings, self.floor
        is_open = floor.state is State.LISTENING and not floor.is_held
        if not settings.speculate or not is_open or len(floor.text) < settings.interim_min_length:
            return
        if self.conversation.pending is None:  # else a yes or no decides: nothing to prepare
            self._replies.prepare(self._delivery.turn + 1, floor.text)

    # ---- the end of the call

    async def _settle(self) -> None:
        """The line is closed. What was heard and said counts, to the caller's last word."""
        self._delivery.account()
        self._replies.drop_prepared()
        wait_ms = self.config.settings.endpoint.transcript_wait_ms
        over = await last_turn(self.floor, self._ears, self._inbox, self._log, wait_ms)
        with suppress(TimeoutError):
            async with asyncio.timeout(TOOLS_END_S):
                if not self._orders.is_message:
                    await self._replies.settle_current()
                if over is not None:
                    await self._hear_last_words(over)
                self._replies.cancel_all()
                await self._mind.tools_done()
        self._replies.cancel_all()
        self._mind.stop_tools()

    async def _hear_last_words(self, over: Decision) -> None:
        """The call has ended in the middle of his turn: "never call me again" counts as ever."""
        self._begin_turn(over)
        self._replies.cancel()
        key = key_call(over.digits, self.config.agent)
        await self._replies.settle(self._delivery.turn, over.text, key)
        self.conversation.caller_said(over.text, over.since_ms)

    def _finish(self, reason: str) -> Outcome:
        """Write the last event and close the folder."""
        self._delivery.account()
        outcome = Outcome(
            reason or self._delivery.reason or "error",
            self._log.at_ms,
            self._delivery.turn,
            self._mouth.underruns,
            self._folder.error,
        )
        self._log.add(CallEnded, reason=outcome.reason, duration_ms=self._log.at_ms)
        self._folder.close({k: v for k, v in asdict(outcome).items() if v != ""})
        return replace(outcome, recording_error=self._folder.error)
