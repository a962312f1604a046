"""The embedded model: no weights, no network, nothing invented.

It composes each reply from sentences of the retrieved passages, the agent's own lines and
facts, and the results of tools. What none of these says is answered with "I don't know" and
the offer of a follow-up. The same prompt always gives the same reply.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from sdr_lab.llm.playbook_turn import compose_reply
from sdr_lab.records import Prompt, ToolCall

_PIECES = re.compile(r"\S+\s*(?:\S+\s*){0,3}")
"""Some words at a time: as a real model streams, and so that a cancel comes between."""


class PlaybookModel:
    """Answers from the prompt alone. One object serves any number of calls."""

    name = "playbook"

    async def reply(self, prompt: Prompt) -> AsyncIterator[str | ToolCall]:
        """Yield tool calls first or a reply in pieces; see `LanguageModel`."""
        for part in compose_reply(prompt):
            if isinstance(part, ToolCall):
                yield part
                continue
            for piece in _PIECES.findall(part + " "):
                yield piece
                await asyncio.sleep(0)

    async def warm_up(self, prompt: Prompt) -> None:
        """Compose once, which compiles the patterns and fills the caches of stems."""
        await asyncio.to_thread(compose_reply, prompt)
