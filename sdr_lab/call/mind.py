"""What the replies of a call are made with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sdr_lab.agents.conversation import Conversation
from sdr_lab.agents.prompt import Call, compose
from sdr_lab.agents.tools import Toolbox
from sdr_lab.call.log import CallLog
from sdr_lab.call.parts import Parts
from sdr_lab.call.speaking import Speaking
from sdr_lab.events import ProviderFailed
from sdr_lab.knowledge.base import Search
from sdr_lab.llm.base import LanguageModel
from sdr_lab.records import CallConfig, Intent, Passage, Prompt, ToolResult

NOTES = 20
NOTE_CHARS = 2_000
"""What is told from outside shares the model's context with the conversation."""


@dataclass(frozen=True, slots=True)
class Mind:
    """What a reply is made with. One per call."""

    config: CallConfig
    conversation: Conversation
    model: LanguageModel
    speaking: Speaking
    search: Search
    toolbox: Toolbox
    now: Callable[[], datetime]
    tasks: asyncio.TaskGroup
    """Tools run here: one that has begun is finished even when its reply is cancelled."""
    running: set[asyncio.Task[ToolResult]] = field(default_factory=set)
    """Tools that have begun and are not done."""
    untold: list[ToolResult] = field(default_factory=list)
    """Results that the caller was not told, because their reply was stopped: the next reply
    gets them."""
    notes: list[str] = field(default_factory=list)
    """What the agent was told from outside the call, oldest first."""

    def prompt(
        self, words: str, intent: Intent, passages: list[Passage], results: list[ToolResult]
    ) -> Prompt:
        """Return what the model is told."""
        config = self.config
        return compose(
            config.agent,
            self.conversation,
            words,
            intent,
            passages,
            self.now(),
            self.toolbox.specs(config.agent),
            Call(config.variables, config.direction, tuple(results), notes=tuple(self.notes)),
        )

    def note(self, text: str) -> None:
        """Keep something that the agent should know from now on; the oldest is forgotten."""
        self.notes[:] = [*self.notes, " ".join(text.split())[:NOTE_CHARS]][-NOTES:]

    def start(self, work: Coroutine[Any, Any, ToolResult]) -> asyncio.Task[ToolResult]:
        """Begin a tool."""
        task = self.tasks.create_task(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return task

    async def tools_done(self) -> None:
        """Wait until no tool runs."""
        if self.running:
            await asyncio.wait(set(self.running))

    def stop_tools(self) -> None:
        """The call is over: a tool that hangs must not keep it open."""
        for task in self.running:
            task.cancel()

    async def warm_up(self, events: CallLog) -> None:
        """Let the model load and read the part of the prompt that stays the same."""
        try:
            await self.model.warm_up(self.prompt("", Intent("OTHER", 0.0), [], []))
        except Exception as error:  # the first reply will meet it again, and apologise
            reason = str(error) or type(error).__name__
            events.add(ProviderFailed, stage="llm", provider=self.model.name, error=reason)


def make_mind(
    config: CallConfig,
    conversation: Conversation,
    parts: Parts,
    now: Callable[[], datetime],
    tasks: asyncio.TaskGroup,
) -> Mind:
    """Return what the replies of a call are made with."""
    return Mind(
        config=config,
        conversation=conversation,
        model=parts.model,
        speaking=Speaking(parts.voice, config.agent.voice, parts.reserve_voice),
        search=parts.search,
        toolbox=parts.toolbox,
        now=now,
        tasks=tasks,
    )
