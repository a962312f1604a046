"""One reply: prompt → words → sentences → audio. Cancelling its task stops the chain.

A reply may be prepared before the turn is over. Until `commit()` nothing of it is heard, logged
or done: speech and events are held back, and tools wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from sdr_lab.agents.intent import detect_intent
from sdr_lab.agents.tools import forced_tool
from sdr_lab.call.keys import key_line
from sdr_lab.call.log import HeldLog
from sdr_lab.call.mind import Mind
from sdr_lab.call.playout import Speech
from sdr_lab.call.sentences import SentenceSplitter, spoken_parts
from sdr_lab.call.speaking import Unspeakable
from sdr_lab.call.streams import closing
from sdr_lab.call.tool_run import run_tool
from sdr_lab.errors import ProviderError, SdrLabError
from sdr_lab.events import (
    FirstToken,
    IntentFound,
    PassagesFound,
    ProviderFailed,
    ReplyBegun,
    SentenceReady,
    ToolDropped,
    ToolProposed,
)
from sdr_lab.llm.cache import CachedModel
from sdr_lab.records import Intent, Passage, Prompt, ToolCall, ToolResult
from sdr_lab.tts.speakable import clean_markdown_for_tts

log = logging.getLogger(__name__)

MAX_ROUNDS = 4
"""A model that keeps calling tools is stopped after so many answers."""

SENTENCES_AHEAD = 2
"""Sentences spoken into the air before the turn is over: enough to start, little to waste."""

NOT_LOOKED_UP = frozenset(
    {"HELLO", "GOODBYE", "CONFIRM", "DENY", "THANKS", "ACKNOWLEDGE", "REPEAT", "HOLD"}
    | {"DO_NOT_CALL", "WRONG_PERSON", "VOICEMAIL", "TRANSFER", "CALL_BACK_LATER"}
)
"""Intents that no document answers."""

SHORT_QUERY_WORDS = 4
"""A shorter question ("and for fifteen?") is looked up together with the one before."""


@dataclass(slots=True)
class Reply:
    """A reply in preparation, then in speech."""

    turn: int
    words: str
    """What the caller said; for a fixed line: empty."""
    mind: Mind
    log: HeldLog
    emit: Callable[[Speech], None]
    wait_for_room: Callable[[], Awaitable[object]]
    line: str = ""
    """A fixed text to speak instead of asking the model."""
    key: ToolCall | None = None
    """What the key does that the caller has pressed; the model is not asked."""
    ends_call: str = ""
    """Reason to hang up for when this has been heard."""
    transfers_to: str = ""
    last_line: str = ""
    """Said before hanging up when the model says nothing."""
    proposed: ToolCall | None = None
    """A tool for which this reply asks the caller's yes."""
    said: int = 0
    """Sentences given to the voice so far."""
    texts: list[str] = field(default_factory=list)
    """All sentences of it so far, as they are spoken; more than `said` when the model is ahead."""
    is_decided: bool = False
    """The tools that the caller's words alone decide have begun, if there are any."""
    intent: Intent = field(default_factory=lambda: Intent("OTHER", 0.0))
    _results: list[tuple[int, ToolResult]] = field(default_factory=list)
    """Of tools, with the sentence that may tell of it first."""
    _carried: list[ToolResult] = field(default_factory=list)
    """Results of a reply before, which this one tells."""
    _is_stopped: bool = False
    _is_last: bool = False
    _is_understood: bool = False
    _committed: asyncio.Event = field(default_factory=asyncio.Event)
    _held: list[Speech] = field(default_factory=list)

    def commit(self) -> None:
        """The turn is over and this is the answer: let out what was prepared."""
        self._committed.set()
        self.mind.untold[:] = [r for r in self.mind.untold if r not in self._carried]
        self.log.release()
        held, self._held = self._held, []
        for speech in held:
            self.emit(speech)

    async def run(self) -> None:
        """Prepare and speak. Ends when the last audio has been handed to the session."""
        try:
            await self._give()
        except (ProviderError, TimeoutError) as error:
            self._is_stopped = True  # what a tool still does is told in the next reply
            reason = str(error) or f"no answer within {self._timeout_s:g} s"
            await self._apologise("llm", self.mind.model.name, reason)
        except Unspeakable as error:
            await self._apologise("tts", self.mind.speaking.voice.name, str(error))
        except Exception as error:  # whatever it is, the caller must not be hung up on
            log.exception("reply of turn %d", self.turn)
            await self._apologise("reply", self.mind.model.name, repr(error))
        await self._committed.wait()
        if not self.said:
            await self._say_something()

    async def _give(self) -> None:
        """Speak what the model writes. It is read ahead of the voice, so that what was written
        can still be said after an interruption that was none."""
        written: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        fault: Exception | None = None
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(self._write(written))
            try:
                while isinstance(item := await written.get(), str):
                    await self._speak(item)
                    if self._is_last:
                        break
                fault = item if isinstance(item, Exception) else None
            except Exception as error:  # not into the group, which would wrap it
                fault = error
            writer.cancel()
        if fault is not None:
            raise fault

    async def _write(self, written: asyncio.Queue[str | Exception | None]) -> None:
        """Put the sentences into the queue; the last item says how it ended."""
        now_s = asyncio.get_running_loop().time
        try:
            async with (
                asyncio.timeout(self._timeout_s) as limit,
                closing(self._sentences()) as sentences,
            ):
                async for sentence in sentences:
                    self._add(sentence, written.put_nowait)
                    if len(self.texts) >= self.mind.config.settings.max_sentences:
                        break
                    if len(self.texts) > SENTENCES_AHEAD:
                        limit.reschedule(None)
                        await self._committed.wait()
                    limit.reschedule(now_s() + self._timeout_s)
        except Exception as error:
            written.put_nowait(error)
        else:
            written.put_nowait(None)

    def _add(self, sentence: str, say: Callable[[str], None]) -> None:
        text = clean_markdown_for_tts(sentence)
        if any(character.isalnum() for character in text):
            self.texts.append(text)
            say(text)

    @property
    def _timeout_s(self) -> float:
        return self.mind.config.settings.reply_timeout_s

    def stop(self, heard_sentences: int) -> None:
        """The caller has stopped this reply. What its tools did and he was not told is kept."""
        self._is_stopped = True
        carried = [] if heard_sentences else self._carried
        untold = [result for first, result in self._results if first >= heard_sentences]
        self.mind.untold.extend([*carried, *untold])

    def stop_after_sentence(self) -> None:
        """The sentence that is being spoken is the last."""
        self._is_last = True

    async def settle(self) -> None:
        """Run the tools that the caller's words alone decide, and say nothing."""
        self.commit()
        try:
            if self.key is not None:
                await self._run(self.key)
                return
            self._find_intent()
            await self._first_tools([])
        except Exception as error:
            log.exception("last words of turn %d", self.turn)
            self._failed("reply", self.mind.model.name, repr(error))

    # ---- words

    async def _sentences(self) -> AsyncIterator[str]:
        splitter = SentenceSplitter()
        line = self.line if self.key is None else await self._do(self.key)
        if line:
            for sentence in splitter.push(line) + splitter.close():
                yield sentence
            return
        async with closing(self._pieces()) as pieces:
            async for piece in pieces:
                for sentence in splitter.push(piece):
                    yield sentence
        for sentence in splitter.close():
            yield sentence

    async def _pieces(self) -> AsyncIterator[str]:
        """The model's text, over as many rounds as its tools need."""
        self._find_intent()
        passages = await self._look_up()
        self._carried = list(self.mind.untold)
        results = [*self._carried, *await self._first_tools(passages)]
        for _ in range(MAX_ROUNDS):
            prompt = self._prompt(passages, results)
            calls: list[ToolCall] = []
            said = bool(self.ends_call)  # asked again for a goodbye: that was the last chance
            async with closing(self._ask(prompt)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, str):
                        said = said or bool(piece.strip())
                        yield piece
                    elif self._needs_yes(piece, prompt):
                        await self._propose(piece)
                    else:
                        calls.append(piece)
            if not calls:
                return
            yield "\n"  # what was said before a tool is a sentence of its own
            results = [*results, *[await self._run(call) for call in calls]]
            if said and self.ends_call:
                return

    def _find_intent(self) -> None:
        if self._is_understood:
            return
        self._is_understood = True
        self.intent = detect_intent(self.words, self.mind.conversation.asked)
        self.log.add(
            IntentFound,
            turn=self.turn,
            intent=self.intent.name,
            confidence=self.intent.confidence,
        )

    async def _ask(self, prompt: Prompt) -> AsyncIterator[str | ToolCall]:
        model = self.mind.model
        cached = isinstance(model, CachedModel) and model.hit(prompt)
        self.log.add(ReplyBegun, turn=self.turn, model=model.name, cached=cached)
        is_first = True
        async with closing(model.reply(prompt)) as pieces:
            async for piece in pieces:
                if is_first:
                    self.log.add(FirstToken, turn=self.turn)
                    is_first = False
                yield piece

    def _prompt(self, passages: list[Passage], results: list[ToolResult]) -> Prompt:
        return self.mind.prompt(self.words, self.intent, passages, results)

    async def _look_up(self) -> list[Passage]:
        search = self.mind.search
        if not search.version or self.intent.name in NOT_LOOKED_UP:
            return []
        query = self.words
        if len(query.split()) < SHORT_QUERY_WORDS:
            before = [m.text for m in self.mind.conversation.history if m.role == "caller"]
            query = " ".join([*before[-1:], query])
        begun_ms = asyncio.get_running_loop().time() * 1000
        try:
            passages = await search.search(query)
        except SdrLabError as error:
            self._failed("knowledge", self.mind.config.agent.knowledge, str(error))
            return []
        self.log.add(
            PassagesFound,
            turn=self.turn,
            query=query,
            passages=[
                {"id": p.id, "source": p.source, "score": round(p.score, 4), "text": p.text}
                for p in passages
            ],
            took_ms=round(asyncio.get_running_loop().time() * 1000 - begun_ms, 2),
        )
        return passages

    # ---- tools

    async def _first_tools(self, passages: list[Passage]) -> list[ToolResult]:
        """Run what the caller's words alone decide: a confirmed tool, and do-not-call."""
        conversation = self.mind.conversation
        if conversation.pending is not None:
            await self._committed.wait()
            settled = conversation.settle(self.intent)
            if settled is not None and settled.outcome == "confirmed":
                return [await self._run(settled.call)]
            if settled is not None:
                self.log.add(
                    ToolDropped, turn=self.turn, name=settled.call.name, why=settled.outcome
                )
        forced = forced_tool(self.intent, self._prompt(passages, []))
        if forced is not None:
            return [await self._run(forced)]
        self.is_decided = True
        return []

    def _drop_pending(self, why: str) -> None:
        conversation = self.mind.conversation
        call, conversation.pending = conversation.pending, None
        if call is not None:
            self.log.add(ToolDropped, turn=self.turn, name=call.name, why=why)

    async def _do(self, key: ToolCall) -> str:
        """Run what a key stands for and return what to say of it."""
        self._drop_pending("changed_topic")
        result = await self._run(key)
        if result.ok:  # who is connected, gone or never called again is not talked to any more
            self.ends_call = self.ends_call or "agent"
        return key_line(result, self.mind.config.agent)

    def _needs_yes(self, call: ToolCall, prompt: Prompt) -> bool:
        return call.confirm or any(t.confirm for t in prompt.tools if t.name == call.name)

    async def _propose(self, call: ToolCall) -> None:
        await self._committed.wait()
        self.proposed = self.mind.conversation.pending = call
        self.log.add(ToolProposed, turn=self.turn, name=call.name, arguments=dict(call.arguments))

    async def _run(self, call: ToolCall) -> ToolResult:
        """Run a tool, once the turn is certain. Once begun it is finished."""
        await self._committed.wait()
        task = self.mind.start(self._tool(call))
        self.is_decided = True
        result = await asyncio.shield(task)
        if not _ends(result):
            self._results.append((len(self.texts), result))
        if result.ends_call:
            self.ends_call, self.last_line = "agent", self.mind.config.agent.goodbye
        if result.transfers_to:
            self.ends_call, self.transfers_to = "transfer", result.transfers_to
            self.last_line = result.content
        return result

    async def _tool(self, call: ToolCall) -> ToolResult:
        result = await run_tool(self.mind, call, self.turn, self.log, call is self.key)
        if self._is_stopped and not _ends(result):
            self.mind.untold.append(result)
        return result

    # ---- sound

    async def _speak(self, text: str) -> None:
        if self.said >= SENTENCES_AHEAD:
            await self._committed.wait()
            await self.wait_for_room()
        index, self.said = self.said, self.said + 1
        self.log.add(SentenceReady, turn=self.turn, index=index, text=text)
        async with closing(self.mind.speaking.speak(self.turn, index, text, self.log)) as pieces:
            async for speech in pieces:
                if self._committed.is_set():
                    self.emit(speech)
                else:
                    self._held.append(speech)

    async def _say_something(self) -> None:
        """The model said nothing: the caller must not wait in silence."""
        if self.ends_call:
            await self._say_line(self.last_line)
        else:
            await self._apologise("llm", self.mind.model.name, "the answer was empty")

    async def _apologise(self, stage: str, provider: str, reason: str) -> None:
        await self._committed.wait()
        self._failed(stage, provider, reason)
        if not self.ends_call:  # else it is over: the tool's own line is said, if nothing was
            await self._say_line(self.mind.config.agent.apology)

    async def _say_line(self, line: str) -> None:
        sentences: list[str] = []
        for part in spoken_parts(line):
            self._add(part, sentences.append)
        try:
            for sentence in sentences:
                await self._speak(sentence)
        except Unspeakable as error:
            self._failed("tts", self.mind.speaking.voice.name, str(error))

    def _failed(self, stage: str, provider: str, reason: str) -> None:
        self.log.add(ProviderFailed, stage=stage, provider=provider, error=reason)


def _ends(result: ToolResult) -> bool:
    """Goodbyes and transfers are not made up for: the caller has spoken since."""
    return result.ends_call or result.transfers_to is not None
