"""One call. The only module that acts: every input passes one queue, one owner handles it.

Whatever happens at an interruption happens in `_cut_in`, in that order, always. Nothing races.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sdr_lab.agents.conversation import Conversation
from sdr_lab.agents.prompt import first_message
from sdr_lab.agents.tools import Toolbox
from sdr_lab.audio.energy import calculate_audio_energy
from sdr_lab.audio.filters import FilterChain
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
from sdr_lab.call.log import CallLog, HeldLog, Sink
from sdr_lab.call.playout import SILENCE, Playout, Speech
from sdr_lab.call.record import CallFolder
from sdr_lab.call.reply import Mind, Reply
from sdr_lab.call.speaking import Speaking
from sdr_lab.call.streams import closing
from sdr_lab.errors import ProviderError
from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    CallerStarted,
    CallerStopped,
    CallStarted,
    DigitPressed,
    GapFilled,
    Interrupted,
    LineCleared,
    MarkPlayed,
    ProviderFailed,
    SentenceSent,
    SpeculationEnded,
    SpeculationStarted,
    TimedOut,
    TurnDropped,
    TurnEnding,
    TurnOver,
    Withdrawn,
    WordsHeard,
)
from sdr_lab.knowledge.base import NoKnowledge, Search
from sdr_lab.llm.base import LanguageModel
from sdr_lab.records import FRAME_MS, CallConfig, Words
from sdr_lab.stt.base import Cue, Heard, Transcriber
from sdr_lab.tts.base import Voice
from sdr_lab.turns.floor import Decision, Floor, Kind, State
from sdr_lab.turns.interrupt import DETECTORS, Listened

ROOM_MS = 4000
"""Speech made ahead of its playing; more would be thrown away at an interruption."""
MAX_GAP_FRAMES = 60_000 // FRAME_MS
"""A longer jump of the line's clock is a fault of the line, not lost audio."""
TRANSCRIBER_TRIES = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """What a call is made of."""

    transcriber: Transcriber
    model: LanguageModel
    voice: Voice
    toolbox: Toolbox
    search: Search = field(default_factory=NoKnowledge)
    reserve_voice: Voice | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended."""

    reason: str
    duration_ms: int
    turns: int
    underruns: int
    recording_error: str = ""


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
        self.config = config
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
        self._playout = Playout(settings.ahead_ms)
        self._filters = FilterChain(settings.filters) if settings.filters else None
        self._inbox: asyncio.Queue[Item] = asyncio.Queue()
        self._to_stt: asyncio.Queue[Heard | Cue] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()
        self._guards = Guards(settings, self._inbox.put_nowait)
        self._now_ms = 0
        self._turn = 0
        self._reply: Reply | None = None
        self._reply_task: asyncio.Task[None] | None = None
        self._is_speaking = False
        self._is_reply_done = False
        self._prepared: Reply | None = None
        self._prepared_task: asyncio.Task[None] | None = None
        self._rest = ""
        self._prompts = 0
        self._reason = ""

    async def run(self) -> Outcome:
        """Greet, talk, and return when the call is over. Cancelling it hangs up."""
        loop = asyncio.get_running_loop()
        self._log = CallLog(loop.time, [self._folder.event, *self._listeners])
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._mind = self._make_mind(tasks)
                helpers = [
                    tasks.create_task(self._read_line()),
                    tasks.create_task(self._transcribe()),
                    tasks.create_task(self._guards.watch()),
                    tasks.create_task(self._warm_up()),
                ]
                self._log_start()
                await self._own()
                for task in [*helpers, self._reply_task, self._prepared_task]:
                    if task is not None:
                        task.cancel()
        except asyncio.CancelledError:
            await self._line.hang_up()
            raise
        finally:
            outcome = self._finish()
        return outcome

    # ---- the owner

    async def _own(self) -> None:
        self._say_line(first_message(self.config.agent, self.config.variables))
        while not self._reason:
            item = await self._inbox.get()
            if isinstance(item, Frame):
                await self._on_frame(item)
            elif isinstance(item, tuple):
                await self._on_speech(*item)
            elif isinstance(item, Words):
                await self._on_words(item)
            else:
                await self._on_other(item)

    async def _on_other(self, item: Item) -> None:
        match item:
            case Mark(name):
                heard = self._playout.marked(name, self._now_ms)
                self._log.add(MarkPlayed, name=name, heard=heard)
                await self._stop_if_played()
            case ReplyDone(reply):
                if reply is self._reply:
                    self._is_reply_done = True
                    await self._stop_if_played()
            case Tick(now_ms):
                await self._send(now_ms)
            case Digit(digit):
                self._log.add(DigitPressed, digit=digit)
            case Expired(name):
                self._log.add(TimedOut, name=name)
                await self._hang_up(name)
            case TranscriberFailed(provider, reason):
                self._log.add(ProviderFailed, stage="stt", provider=provider, error=reason)
                self._apologise()
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
        played = self._playout.slot(at_ms)
        self._folder.frame(mulaw, played)
        if self._filters is not None:
            mulaw = self._filters.process_mulaw(mulaw)
        self._to_stt.put_nowait(Heard(at_ms, mulaw))
        decisions = self.floor.hear(
            Listened(at_ms, mulaw, calculate_audio_energy(mulaw), False, played)
        )
        for decision in decisions:
            await self._act(decision)
        if self._is_speaking or self._playout.pending_ms:
            await self._send(self._now_ms)
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
                self._to_stt.put_nowait(Cue.STARTED)
                self._drop_prepared()
            case Kind.CALLER_STOPPED:
                self._log.add(CallerStopped, last_voiced_ms=decision.since_ms)
                self._to_stt.put_nowait(Cue.PAUSED)
            case Kind.TURN_ENDING:
                self._log.add(TurnEnding, pause_ms=decision.pause_ms, why=decision.why)
                self._to_stt.put_nowait(Cue.FINISH)
            case Kind.TURN_OVER:
                self._answer(decision)
            case Kind.WITHDRAW:
                self._withdraw()
            case Kind.CUT_IN:
                await self._cut_in(decision)
            case Kind.RESUME:
                self._log.add(TurnDropped, text=decision.text, why=decision.why)
                self._resume()
            case Kind.TURN_DROPPED:
                self._log.add(TurnDropped, text=decision.text, why=decision.why)
                self._drop_prepared()
            case Kind.NOT_UNDERSTOOD:
                self._log.add(TurnDropped, text="", why="no_words")
                self._say_line(self.config.agent.not_heard, withdrawable=True)
            case Kind.SILENCE:
                self._prompt_silent_caller()

    def _answer(self, decision: Decision) -> None:
        self._turn += 1
        self._prompts = 0
        self._rest = ""
        self._log.add(
            TurnOver,
            turn=self._turn,
            text=decision.text,
            last_voiced_ms=decision.since_ms,
            pause_ms=decision.pause_ms,
            why=decision.why,
        )
        prepared, task = self._prepared, self._prepared_task
        is_used = prepared is not None and _same(prepared.words, decision.text)
        if prepared is not None and is_used and prepared.turn == self._turn:
            self._prepared = self._prepared_task = None
            self._log.add(SpeculationEnded, used=True, text=prepared.words)
            self._begin(prepared, task)
        else:
            self._drop_prepared()
            self._begin(self._make_reply(self._turn, decision.text))
        self.conversation.caller_said(decision.text, decision.since_ms)

    async def _cut_in(self, decision: Decision) -> None:
        """Stop the agent, in this order: task, line, account, log, listen."""
        if self._reply_task is not None:
            self._reply_task.cancel()
        await self._line.clear()
        self._log.add(LineCleared, turn=self._reply.turn if self._reply else self._turn)
        cleared = self._playout.clear(self._now_ms)
        self.conversation.agent_said(cleared.heard, True, self._now_ms)
        self._rest = cleared.rest
        self._log.add(
            Interrupted,
            turn=self._reply.turn if self._reply else self._turn,
            heard=cleared.heard,
            planned=cleared.planned,
            onset_ms=decision.since_ms,
            detector=self._detector.name,
        )
        self._end_reply()

    def _withdraw(self) -> None:
        """The caller goes on: nothing of the reply has been heard, nothing of it remains."""
        if self._reply_task is not None:
            self._reply_task.cancel()
        self._playout.clear(self._now_ms)
        self._log.add(Withdrawn, turn=self._reply.turn if self._reply else self._turn)
        self._end_reply()

    def _resume(self) -> None:
        """The interruption was no speech: say the rest of what was cut off."""
        if self._rest:
            self._say_line(self._rest, withdrawable=True)
            self._rest = ""

    def _prompt_silent_caller(self) -> None:
        self._prompts += 1
        self._log.add(TimedOut, name="silence")
        if self._prompts <= self.config.settings.silence_prompts:
            self._say_line(self.config.agent.reprompt, withdrawable=True)
        else:
            self._say_line(self.config.agent.goodbye, ends_call="silence", withdrawable=True)

    # ---- replies

    def _make_reply(self, turn: int, words: str, line: str = "", ends_call: str = "") -> Reply:
        reply = Reply(
            turn=turn,
            words=words,
            mind=self._mind,
            log=HeldLog(self._log),
            emit=lambda speech: self._inbox.put_nowait((reply, speech)),
            wait_for_room=self._room.wait,
            line=line,
            ends_call=ends_call,
        )
        return reply

    def _say_line(self, line: str, ends_call: str = "", withdrawable: bool = False) -> None:
        if withdrawable:
            self.floor.agent_thinking()
            self._turn += 1
        if line or ends_call:
            self._begin(self._make_reply(self._turn, "", line, ends_call))

    def _begin(self, reply: Reply, task: asyncio.Task[None] | None = None) -> None:
        if self._reply_task is not None:
            self._reply_task.cancel()
        self._reply = reply
        self._is_speaking = self._is_reply_done = False
        self._playout.begin()
        self._reply_task = task or self._tasks.create_task(reply.run())
        self._reply_task.add_done_callback(
            lambda done: None if done.cancelled() else self._inbox.put_nowait(ReplyDone(reply))
        )
        reply.commit()

    def _end_reply(self) -> None:
        self._reply = self._reply_task = None
        self._is_speaking = False
        self._room.set()

    def _speculate(self) -> None:
        settings, floor = self.config.settings, self.floor
        text = floor.text
        if not settings.speculate or floor.state is not State.LISTENING:
            return
        if floor.is_caller_speaking or len(text) < settings.interim_min_length:
            return
        if self.conversation.pending is not None:
            return  # a yes or no decides about a tool: nothing to prepare
        if self._prepared is not None and _same(self._prepared.words, text):
            return
        self._drop_prepared()
        self._log.add(SpeculationStarted, text=text)
        self._prepared = self._make_reply(self._turn + 1, text)
        self._prepared_task = self._tasks.create_task(self._prepared.run())

    def _drop_prepared(self) -> None:
        if self._prepared is not None and self._prepared_task is not None:
            self._prepared_task.cancel()
            self._log.add(SpeculationEnded, used=False, text=self._prepared.words)
        self._prepared = self._prepared_task = None

    def _apologise(self) -> None:
        if self.floor.state is not State.SPEAKING:
            self._say_line(self.config.agent.apology, withdrawable=True)

    # ---- sound out

    async def _on_speech(self, reply: Reply, speech: Speech) -> None:
        if reply is not self._reply:
            return  # made before its reply was cancelled
        self._playout.add(speech)
        if self._playout.pending_ms > ROOM_MS:
            self._room.clear()
        await self._send(self._now_ms)

    async def _send(self, now_ms: int) -> None:
        for item in self._playout.take(now_ms):
            if isinstance(item, str):
                await self._line.mark(item)
                continue
            await self._line.play(item)
            if self._reply is not None and not self._is_speaking:
                self._is_speaking = True
                self._log.add(AgentStarted, turn=self._reply.turn)
                self.floor.agent_started()
        for turn, index in self._playout.begun():
            self._log.add(SentenceSent, turn=turn, index=index)
        if self._playout.pending_ms < ROOM_MS:
            self._room.set()

    async def _stop_if_played(self) -> None:
        reply = self._reply
        if reply is None or not self._is_reply_done or not self._playout.is_done(self._now_ms):
            return
        text = self._playout.text
        self.conversation.agent_said(text, False, self._now_ms)
        self._log.add(AgentStopped, turn=reply.turn, text=text)
        self.floor.agent_stopped(self.conversation.asked)
        self._end_reply()
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

    async def _transcribe(self) -> None:
        transcriber = self._parts.transcriber
        for _ in range(TRANSCRIBER_TRIES):
            try:
                async with closing(transcriber.transcribe(self._audio())) as results:
                    async for words in results:
                        self._inbox.put_nowait(words)
                return
            except ProviderError as error:
                self._inbox.put_nowait(TranscriberFailed(error.provider, error.reason))
        self._inbox.put_nowait(Expired("error"))

    async def _audio(self) -> AsyncIterator[Heard | Cue]:
        while True:
            yield await self._to_stt.get()

    async def _warm_up(self) -> None:
        try:
            await self._mind.warm_up()
        except ProviderError as error:
            self._log.add(ProviderFailed, stage="llm", provider=error.provider, error=error.reason)

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
            self._playout.underruns,
            self._folder.error,
        )
        self._log.add(CallEnded, reason=outcome.reason, duration_ms=self._now_ms)
        self._folder.close(
            {
                "reason": outcome.reason,
                "duration_ms": outcome.duration_ms,
                "turns": outcome.turns,
                "underruns": outcome.underruns,
            }
        )
        return outcome


def _same(prepared: str, final: str) -> bool:
    """Equal but for case and punctuation: the same question gets the same answer."""
    return _bare(prepared) == _bare(final)


def _bare(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
