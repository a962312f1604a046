"""Answers that recur, kept so that the second caller who asks waits for no model."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import cast

from sdr_lab.llm.base import LanguageModel
from sdr_lab.records import Prompt, Slots, ToolCall

_MIN_WORDS = 3
"""Shorter questions ("how much?") nearly always lean on what was said before."""

_LEANS_ON_HISTORY = re.compile(
    r"\b(it|its|that|those|these|this|they|them|their|he|she|him|her|one|ones|same|other|others"
    r"|another|again|else|instead|also|too|more|then|there|former|latter|first|second"
    r"|(you|i) (just )?(say|said|mention(ed)?|tell|told|ask(ed)?))\b",
    re.IGNORECASE,
)


class CachedModel:
    """A language model that remembers its answers.

    Only whole replies made of text are kept: a reply that was closed early, failed or called
    a tool is not.

    Args:
        model: Where answers come from.
        key: What an answer depends on; None: this prompt must not be answered from the cache.
            `question_key` makes one.
        max_entries: The answers used least recently are forgotten beyond that.
    """

    def __init__(
        self,
        model: LanguageModel,
        key: Callable[[Prompt], str | None],
        max_entries: int = 256,
    ) -> None:
        self.name = model.name
        self.source = model
        self.max_entries = max_entries
        self._key = key
        self._answers: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def hit(self, prompt: Prompt) -> bool:
        """Whether `reply` would answer from the cache; the log marks such replies."""
        key = self._key(prompt)
        return key is not None and key in self._answers

    async def reply(self, prompt: Prompt) -> AsyncGenerator[str | ToolCall, None]:
        """Yield the kept answer, or the model's."""
        key = self._key(prompt)
        if key is not None and key in self._answers:
            self._answers.move_to_end(key)
            for piece in self._answers[key]:
                await asyncio.sleep(0)  # a caller who cuts in must be able to stop it
                yield piece
            return
        pieces: list[str | ToolCall] = []
        stream = cast(AsyncGenerator[str | ToolCall, None], self.source.reply(prompt))
        async with aclosing(stream):
            async for piece in stream:
                pieces.append(piece)
                yield piece
        if key is not None:
            self._keep(key, pieces)

    async def warm_up(self, prompt: Prompt) -> None:
        """Warm the model up: not every answer will be in the cache."""
        await self.source.warm_up(prompt)

    def _keep(self, key: str, pieces: list[str | ToolCall]) -> None:
        text = tuple(piece for piece in pieces if isinstance(piece, str))
        if len(text) < len(pieces) or not "".join(text).strip():
            return
        self._answers[key] = text
        self._answers.move_to_end(key)
        while len(self._answers) > self.max_entries:
            self._answers.popitem(last=False)


def question_key(agent: str, model: str = "") -> Callable[[Prompt], str | None]:
    """Make the key for questions that the knowledge base answers.

    A prompt gets a key only if its answer depends on nothing but the agent, the passages found
    and the question itself: intent QUESTION, passages there, no tool result, pending tool or
    date, address, number or name in the words, and a question that stands on its own ("how
    much does the Pro plan cost", not "and how much is that one?").

    The key holds the agent's version, the model, the system prompt with its date and variables
    (lead information may be in the answer), ids and text of the passages in order (so a new
    version of the knowledge gives a new key only where it changes what is found), and the
    question without case and punctuation. History is not part of it: an answer may repeat
    what this caller has heard before.

    Args:
        agent: The agent's id with its version, such as `sales@3`.
        model: Name of the model, if several share one cache.
    """

    def key(prompt: Prompt) -> str | None:
        question = _normalised(prompt.words)
        if not _stands_alone(prompt, question):
            return None
        passages = [f"{passage.id}\n{passage.text}" for passage in prompt.passages]
        variables = [f"{name}={value}" for name, value in sorted(prompt.variables.items())]
        parts = [agent, model, prompt.system, *variables, *passages, question]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    return key


def _stands_alone(prompt: Prompt, question: str) -> bool:
    return (
        prompt.intent.name == "QUESTION"
        and bool(prompt.passages)
        and not prompt.results
        and prompt.pending is None
        and prompt.slots == Slots()
        and len(question.split()) >= _MIN_WORDS
        and not _LEANS_ON_HISTORY.search(question)
    )


def _normalised(words: str) -> str:
    """Lower case, no punctuation but what belongs to numbers and words, single spaces."""
    kept = re.sub(r"(?<!\d)[.,](?!\d)|[.,](?!\d)|[^\w\s.,%$€£'+-]", " ", words.lower())
    return " ".join(kept.split())
