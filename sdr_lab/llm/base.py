"""Language models: the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from sdr_lab.records import Prompt, ToolCall


class LanguageModel(Protocol):
    """Writes the agent's replies. One object may serve many calls at once."""

    name: str

    def reply(self, prompt: Prompt) -> AsyncIterator[str | ToolCall]:
        """Yield the reply piece by piece. Closing the iterator stops the model.

        After a `ToolCall` the session runs the tool and asks again with the result in
        `prompt.results`.

        Raises:
            ProviderError: the model failed, timed out or is not there.
        """
        ...

    async def warm_up(self, prompt: Prompt) -> None:
        """Load what the first reply needs. Called once at the start of a call."""
        ...
