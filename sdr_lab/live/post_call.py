"""What follows a call: it is judged, the result is kept, and webhooks are told."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from sdr_lab.errors import SdrLabError
from sdr_lab.lab import Lab
from sdr_lab.live.account import LIVE_LINES, account
from sdr_lab.live.analysis import analyse, finished
from sdr_lab.live.hook_events import POST_CALL
from sdr_lab.live.hooks import Hooks
from sdr_lab.store.folder import Conversation, Status

log = logging.getLogger(__name__)

WANTED = (Status.COMPLETED, Status.VOICEMAIL)
"""Ends that are told as `call.ended`, all others as `call.failed`."""

LOOK_BACK = timedelta(days=1)
"""At a start, calls of so long are looked at again."""

AT_ONCE = 2
"""Calls judged at the same time: a model has the running calls to serve first."""


class PostCall:
    """Does what follows a call. To be used in one event loop."""

    def __init__(self, lab: Lab, hooks: Hooks) -> None:
        self.lab = lab
        self.hooks = hooks
        self._room = asyncio.Semaphore(AT_ONCE)
        self._at_work: set[str] = set()

    async def run(self, key: str) -> None:
        """Judge a call that is over and tell webhooks; once per call, however often it is asked.

        Never raises for what goes wrong: the call itself is safe in its folder.
        """
        if key in self._at_work:
            return
        self._at_work.add(key)
        try:
            async with self._room:
                await self._run(key)
        except SdrLabError as error:
            log.error("after call %s: %s", key, error)
        finally:
            self._at_work.discard(key)

    async def take_up(self) -> None:
        """Do what an earlier start has left undone: calls of late that nobody has judged."""
        for key in await asyncio.to_thread(self._left):
            await self.run(key)

    def _left(self) -> list[str]:
        from sdr_lab.store.call_rows import CallFilter

        over = tuple(status for status in Status if status.is_over)
        which = CallFilter(statuses=over, since=datetime.now(UTC) - LOOK_BACK)
        found, cursor = list[str](), ""
        while True:
            page = self.lab.calls.list(which, cursor=cursor)
            found += [c.id for c in page.calls if not c.analysis and c.line in LIVE_LINES]
            cursor = page.next_cursor
            if not cursor:
                return found[::-1]

    async def _run(self, key: str) -> None:
        done = await asyncio.to_thread(finished, self.lab, key)
        call = done.call
        if call.analysis or not call.status.is_over:
            return
        if not done.has_ended:  # nobody answered, or the server died: no event has told of it
            event = "call.ended" if call.status in WANTED else "call.failed"
            await self.hooks.emit(event, the_end(call), call.agent_id)
        analysis = await analyse(done, self.lab.settings)
        if not (await asyncio.to_thread(self.lab.calls.get, key)).status.is_over:
            return  # its stream has come after all
        await asyncio.to_thread(self.lab.calls.set_analysis, call.id, analysis)
        told = await asyncio.to_thread(account, self.lab, call.id)
        await self.hooks.emit(POST_CALL, told, call.agent_id)
        log.info("after call %s: %s (%s)", call.id, analysis["call_successful"], analysis["method"])


def the_end(call: Conversation) -> dict[str, Any]:
    """Return what webhooks are told of the end of a call that could not tell itself."""
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
