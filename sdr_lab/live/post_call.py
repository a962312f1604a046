"""What follows a call: it is judged, the result is kept, and webhooks are told."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from sdr_lab.errors import SdrLabError
from sdr_lab.lab import Lab
from sdr_lab.live.account import account
from sdr_lab.live.analysis import analyse, finished
from sdr_lab.live.hook_events import POST_CALL
from sdr_lab.live.hooks import Hooks
from sdr_lab.store.folder import Conversation, Status

log = logging.getLogger(__name__)

UNHEARD = (Status.FAILED, Status.BUSY, Status.NO_ANSWER, Status.CANCELED, Status.BROKEN_OFF)
"""Ends of calls that no event of the call tells of, when there was no conversation."""

AT_ONCE = 2
"""Calls judged at the same time: a model has the running calls to serve first."""


class PostCall:
    """Does what follows a call. To be used in one event loop."""

    def __init__(self, lab: Lab, hooks: Hooks) -> None:
        self.lab = lab
        self.hooks = hooks
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self, key: str) -> None:
        """Judge a call that is over and tell webhooks; once per call, however often it is asked.

        Never raises for what goes wrong: the call itself is safe in its folder.
        """
        async with self._room:
            try:
                await self._run(key)
            except SdrLabError as error:
                log.error("after call %s: %s", key, error)

    async def _run(self, key: str) -> None:
        done = await asyncio.to_thread(finished, self.lab, key)
        call = done.call
        if call.analysis or not call.status.is_over:
            return
        if call.status in UNHEARD and (call.folder is None or call.status is Status.BROKEN_OFF):
            await self.hooks.emit("call.failed", failure(call), call.agent_id)
        analysis = await analyse(done, self.lab.settings)
        await asyncio.to_thread(self.lab.calls.set_analysis, call.id, analysis)
        told = await asyncio.to_thread(account, self.lab, call.id)
        await self.hooks.emit(POST_CALL, told, call.agent_id)
        log.info("after call %s: %s (%s)", call.id, analysis["call_successful"], analysis["method"])


def failure(call: Conversation) -> dict[str, Any]:
    """Return what `call.failed` tells of a call without a conversation."""
    return {
        "conversation_id": call.id,
        "agent_id": call.agent_id,
        "call_sid": call.call_sid,
        "direction": call.direction,
        "phone_number": call.phone_number,
        "line": call.line,
        "call_status": str(call.status),
        "ended_reason": call.ended_reason,
        "duration_secs": (call.duration_ms or 0) / 1000,
        "dynamic_variables": dict(call.variables),
    }
