"""One call. The only module that acts: every input passes one queue, one owner handles it.

Whatever happens at an interruption happens in `_cut_in`, in that order, always. Nothing races.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from sdr_lab.agents.conversation import Conversation
from sdr_lab.agents.prompt import with_lines_filled
from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.audio.filters import FilterChain
from sdr_lab.call.ears import Ears
from sdr_lab.call.echo import is_echo
from sdr_lab.call.guards import Guards
from sdr_lab.call.inbox import (
    Expired,
    Item,
    LineClosed,
    ReplyDone,
    Tick,
    TranscriberFailed,
)
from sdr_lab.call.line import Digit, Frame, Line, Mark
from sdr_lab.call.log import CallLog, Sink
from sdr_lab.call.mouth import Mouth
from sdr_lab.call.parts import Outcome, Parts, Rest
from sdr_lab.call.playout import SILENCE
from sdr_lab.call.record import CallFolder
from sdr_lab.call.replies import Replies
from sdr_lab.call.reply import Mind
from sdr_lab.call.speaking import Speaking
from sdr_lab.call.streams import closing
from sdr_lab.events import (
    AgentStopped,
    CallEnded,
    CallerStarted,
    CallerStopped,
    CallStarted,
    DigitPressed,
    GapFilled,
    Interrupted,
    ProviderFailed,
    TimedOut,
    TurnDropped,
    TurnEnding,
    TurnOver,
    Withdrawn,
    WordsHeard,
)
from sdr_lab.records import FRAME_MS, CallConfig, Words
from sdr_lab.stt.base import Cue, Heard
from sdr_lab.turns.floor import Decision, Floor, Kind, State
from sdr_lab.turns.interrupt import DETECTORS, Listened

MAX_GAP_FRAMES = 60_000 // FRAME_MS
"""A longer jump of the line's clock is a fault of the line, not lost audio."""


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
        self._line = line
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
        self._ears = Ears(parts.transcriber, self._inbox.put_nowait)
        self._guards = Guards(settings, self._inbox.put_nowait)
        self._now_ms = 0
        self._turn = 0
        self._rest: Rest | None = None
        self._prompts = 0
        self._reason = ""

    async def run(self) -> Outcome:
        """Greet, talk, and return when the call is over. Cancelling it hangs up."""
        loop = asyncio.get_running_loop()
        self._log = CallLog(loop.time, [self._folder.event, *self._listeners])
        self._mouth = Mouth(self._line, self.floor, self._log, self.config.settings.ahead_ms)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._mind = self._make_mind(tasks)
                self._replies = Replies(self._mind, self._mouth, self._log, self._inbox.put_nowait)
                helpers = [
                    tasks.create_task(self._read_line()),
                    tasks.create_task(self._ears.run()),
                    tasks.create_task(self._guards.watch()),
                    tasks.create_task(self._warm_up()),
                ]
                self._log_start()
                await self._own()
                for task in helpers:
                    task.cancel()
                self._replies.cancel_all()
        except asyncio.CancelledError:
            await self._line.hang_up()
            raise
        finally:
            outcome = self._finish()
        return outcome

    # ---- the owner

    async def _own(self) -> None:
        if greeting := self.config.agent.first_message:
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
                self._log.add(ProviderFailed, stage="stt", provider=provider, error=reason)
                if self.floor.state is not State.SPEAKING:
                    self._say_line(self.config.agent.apology)
            case LineClosed():
                self._reason = "caller"
            case _:
                raise TypeError(f"unknown input {item!r}")

    async def _on_frame(self, frame: Frame) -> None:
        missing = (frame.at_ms - self._now_ms) // FRAME_MS
        if frame.at_ms <= self._now_ms - FRAME_MS:
            return  # repeated: this time has been heard already
        if 0 < missing <= MAX_GAP_FRAMES:
            self._log.add(GapFilled, missing_ms=missing * FRAME_MS)
            for _ in range(missing):
                await self._hear(self._now_ms, SILENCE)
        at_ms = frame.at_ms if missing > MAX_GAP_FRAMES else self._now_ms
        await self._hear(at_ms, frame.mulaw)
        self._guards.heard(self._now_ms)

    async def _hear(self, at_ms: int, mulaw: bytes) -> None:
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
        self._log.add(
            WordsHeard,
            text=words.text,
            is_final=words.is_final,
            start_ms=words.start_ms,
            end_ms=words.end_ms,
            confidence=round(words.confidence, 4),
        )
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
                self._answer(decision)
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
                self._say_line(self.config.agent.not_heard)
            case Kind.SILENCE:
                self._prompt_silent_caller()

    def _answer(self, decision: Decision) -> None:
        rest = self._rest
        if rest is not None and is_echo(decision.text, rest.planned):
            self._log.add(TurnDropped, text=decision.text, why="echo")
            self.floor.agent_thinking()
            self._say_line(rest.text or rest.planned, rest.ends_call, rest.transfers_to)
            return
        self._turn += 1
        self._prompts = 0
        self._rest = None
        self._log.add(
            TurnOver,
            turn=self._turn,
            text=decision.text,
            last_voiced_ms=decision.since_ms,
            pause_ms=decision.pause_ms,
            why=decision.why,
        )
        self._replies.begin(self._turn, decision.text)
        self.conversation.caller_said(decision.text, decision.since_ms)

    async def _cut_in(self, decision: Decision) -> None:
        """Stop the agent, in this order: task, line, account, log, listen."""
        reply = self._replies.current
        self._replies.cancel()
        cleared = await self._mouth.clear(self._now_ms)
        self.conversation.agent_said(cleared.heard, True, self._now_ms)
        if reply is not None:
            self._rest = Rest(cleared.rest, cleared.planned, reply.ends_call, reply.transfers_to)
        self._log.add(
            Interrupted,
            turn=self._turn if reply is None else reply.turn,
            heard=cleared.heard,
            planned=cleared.planned,
            onset_ms=decision.since_ms,
            detector=self._detector.name,
        )
        self._replies.end()

    def _withdraw(self) -> None:
        """The caller goes on: nothing of the reply has been heard, nothing of it remains."""
        self._replies.cancel()
        self._mouth.forget(self._now_ms)
        self.conversation.caller_goes_on()
        self._log.add(Withdrawn, turn=self._turn)
        self._replies.end()

    async def _resume(self) -> None:
        """The interruption was no speech: say the rest of what was cut off."""
        rest, self._rest = self._rest, None
        if rest is not None and rest.text:
            self._say_line(rest.text, rest.ends_call, rest.transfers_to)
        elif rest is not None and rest.ends_call:
            await self._hang_up(rest.ends_call, rest.transfers_to)

    def _prompt_silent_caller(self) -> None:
        self._prompts += 1
        self._log.add(TimedOut, name="silence")
        if self._prompts <= self.config.settings.silence_prompts:
            self._say_line(self.config.agent.reprompt)
        else:
            self._say_line(self.config.agent.goodbye, ends_call="silence")

    # ---- replies

    def _say_line(self, line: str, ends_call: str = "", transfers_to: str = "") -> None:
        """Say a fixed text, unasked."""
        self.floor.agent_thinking()
        self._turn += 1
        self._replies.begin(self._turn, "", line)
        if self._replies.current is not None:
            self._replies.current.ends_call = ends_call
            self._replies.current.transfers_to = transfers_to

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
        self._log.add(AgentStopped, turn=reply.turn, text=text)
        self.floor.agent_stopped(self.conversation.asked)
        self._replies.end()
        if reply.ends_call:
            await self._hang_up(reply.ends_call, reply.transfers_to)

    async def _hang_up(self, reason: str, transfers_to: str = "") -> None:
        if transfers_to:
            await self._line.transfer(transfers_to)
        else:
            await self._line.hang_up()
        self._reason = reason

    # ---- helpers that feed the owner

    async def _read_line(self) -> None:
        async with closing(self._line.frames()) as frames:
            async for item in frames:
                self._inbox.put_nowait(item)
        self._inbox.put_nowait(LineClosed())

    async def _warm_up(self) -> None:
        try:
            await self._mind.warm_up()
        except Exception as error:  # the first reply will meet it again, and apologise
            reason = str(error) or type(error).__name__
            name = self._parts.model.name
            self._log.add(ProviderFailed, stage="llm", provider=name, error=reason)

    # ---- beginning and end

    def _make_mind(self, tasks: asyncio.TaskGroup) -> Mind:
        parts = self._parts
        return Mind(
            config=self.config,
            conversation=self.conversation,
            model=parts.model,
            speaking=Speaking(parts.voice, self.config.agent.voice, parts.reserve_voice),
            search=parts.search,
            toolbox=parts.toolbox,
            now=self._now,
            tasks=tasks,
        )

    def _log_start(self) -> None:
        config = self.config
        self._log.add(
            CallStarted,
            conversation_id=config.conversation_id,
            agent=config.agent.id,
            agent_version=config.agent.version,
            line=config.line,
            stt=config.stt,
            llm=config.llm,
            tts=config.tts,
        )

    def _finish(self) -> Outcome:
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
