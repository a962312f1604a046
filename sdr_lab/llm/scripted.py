"""A language model that says what a script tells it: for tests, demos and benchmarks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

from sdr_lab.errors import ProviderError
from sdr_lab.llm.tooltext import ToolTextSplitter
from sdr_lab.records import Prompt, ToolCall

Reply = str | Sequence[str | ToolCall]
"""A string is cut into words; a sequence is yielded as it is written."""

Replies = Sequence[Reply] | Callable[[Prompt], str | Iterable[str | ToolCall]]


class ScriptedModel:
    """Yields given replies in order, or what a function makes of the prompt.

    A prompt that repeats the one before it (same words, history, results and pending tool, as
    when a reply prepared in the caller's pause is asked for again) gets the same reply again,
    so a script does not depend on speculation. A sequence of replies belongs to one call; use
    a function where several calls share the model. Tool markers in the text act as they do
    with a real model.

    Args:
        replies: One reply per prompt, or `Callable[[Prompt], …]`.
        first_delay_ms: Loop time before the first piece.
        piece_delay_ms: Loop time between pieces.
        fail_at: Raise after so many pieces of each reply; 0 fails at once, None never.
        failure: The reason given then.
    """

    name = "scripted"

    def __init__(
        self,
        replies: Replies,
        *,
        first_delay_ms: float = 0,
        piece_delay_ms: float = 0,
        fail_at: int | None = None,
        failure: str = "the script says so",
    ) -> None:
        self.first_delay_ms = first_delay_ms
        self.piece_delay_ms = piece_delay_ms
        self.fail_at = fail_at
        self.failure = failure
        self.prompts: list[Prompt] = []
        """Every prompt that was asked, in order."""
        self.stopped = 0
        """How many replies were closed before their end."""
        self._replies = replies
        self._next = 0

    async def reply(self, prompt: Prompt) -> AsyncGenerator[str | ToolCall, None]:
        """Yield the scripted pieces. Closing the iterator counts in `stopped`."""
        pieces = self._pieces(prompt)
        splitter = ToolTextSplitter(prompt.tools)
        try:
            for count, piece in enumerate(pieces):
                await self._wait(count)
                for part in splitter.push(piece) if isinstance(piece, str) else [piece]:
                    yield part
            if self.fail_at is not None and self.fail_at >= len(pieces):
                raise ProviderError(self.name, self.failure)
            for part in splitter.close():
                yield part
        except (GeneratorExit, asyncio.CancelledError):
            self.stopped += 1
            raise

    async def warm_up(self, prompt: Prompt) -> None:
        """There is nothing to load."""

    async def _wait(self, count: int) -> None:
        if self.fail_at is not None and count >= self.fail_at:
            raise ProviderError(self.name, self.failure)
        # sleep(0) too: a real model always lets the loop run before it yields
        await asyncio.sleep((self.piece_delay_ms if count else self.first_delay_ms) / 1000)

    def _pieces(self, prompt: Prompt) -> list[str | ToolCall]:
        repeated = bool(self.prompts) and _asks(self.prompts[-1]) == _asks(prompt)
        self.prompts.append(prompt)
        if callable(self._replies):
            reply = self._replies(prompt)
        else:
            if not repeated:
                self._next += 1
            if self._next > len(self._replies):
                count = len(self._replies)
                raise ProviderError(
                    self.name, f"asked for reply {self._next}, the script has {count}"
                )
            reply = self._replies[self._next - 1]
        return [*word_pieces(reply)] if isinstance(reply, str) else list(reply)


def word_pieces(text: str) -> list[str]:
    """Cut text as a model would send it: each word with the space before it.

    >>> word_pieces("It costs $49.")
    ['It', ' costs', ' $49.']
    """
    return re.findall(r"\s*\S+|\s+$", text)


def _asks(prompt: Prompt) -> tuple[object, ...]:
    return prompt.words, prompt.history, prompt.results, prompt.pending
