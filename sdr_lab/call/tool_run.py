"""One run of a tool, from its beginning in the log to its end, whatever happens to it."""

from __future__ import annotations

import asyncio
import logging

from sdr_lab.agents.tools import ToolContext
from sdr_lab.call.log import HeldLog
from sdr_lab.call.mind import Mind
from sdr_lab.events import ProviderFailed, ToolFinished, ToolStarted
from sdr_lab.records import ToolCall, ToolResult

log = logging.getLogger(__name__)

LIMIT_S = 35.0
"""A tool that takes longer hangs. Those that ask other servers have time-outs of their own."""


async def run_tool(
    mind: Mind, call: ToolCall, turn: int, events: HeldLog, is_key: bool = False
) -> ToolResult:
    """Run a tool. Whatever goes wrong is a result, but for being cancelled.

    Args:
        mind: Whose tools they are.
        call: The tool and its arguments.
        turn: The turn of the reply that wants it.
        events: The log of that reply.
        is_key: The caller has pressed the key that stands for it.
    """
    config = mind.config
    events.add(ToolStarted, turn=turn, name=call.name, arguments=dict(call.arguments))
    context = ToolContext(
        agent=config.agent,
        conversation_id=config.conversation_id,
        caller_number=config.caller_number,
        now=mind.now(),
        is_key=is_key,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            result = await mind.toolbox.run(call, context)
    except asyncio.CancelledError:
        over = ToolResult(call.name, False, "The call was over before it was done.")
        _finished(over, turn, events)
        raise
    except Exception as error:
        log.exception("tool %s", call.name)
        is_late = isinstance(error, TimeoutError)
        reason = f"not done within {LIMIT_S:g} s" if is_late else repr(error)
        events.add(ProviderFailed, stage="tool", provider=call.name, error=reason)
        result = ToolResult(call.name, False, "That did not work just now.")
    _finished(result, turn, events)
    return result


def _finished(result: ToolResult, turn: int, events: HeldLog) -> None:
    events.add(
        ToolFinished,
        turn=turn,
        name=result.name,
        ok=result.ok,
        content=result.content,
        data=dict(result.data),
    )
