"""Everything the live server works with, in one place. One per event loop."""

from __future__ import annotations

import asyncio
import gc
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sdr_lab.config import Settings
from sdr_lab.errors import SdrLabError
from sdr_lab.lab import Lab
from sdr_lab.live.background import Background
from sdr_lab.live.documents import Documents
from sdr_lab.live.hooks import Hooks
from sdr_lab.live.metrics import Metrics
from sdr_lab.live.post_call import PostCall
from sdr_lab.live.switchboard import Switchboard
from sdr_lab.telephony.signature import SignatureCheck
from sdr_lab.telephony.twilio_rest import TwilioAccount

log = logging.getLogger(__name__)

POST_CALL_S = 5.0
"""What follows a call (summary, webhooks) may take so long when the server stops."""

TIDY_S = 600.0
"""How often what has expired is removed from the database."""

EXPIRED_KEPT = timedelta(hours=1)
"""Tokens that have expired are known for so long, so that the log can say why one was refused."""

DELIVERIES_KEPT = timedelta(days=30)
"""Messages to webhooks that wait for nothing are kept for so long after they were made."""


@dataclass(slots=True)
class Desk:
    """Open one with `await Desk.open(settings)`; `close` ends calls and background work."""

    settings: Settings
    lab: Lab
    twilio: TwilioAccount
    signature: SignatureCheck
    metrics: Metrics
    hooks: Hooks
    """Webhooks: `await hooks.emit(event, data, agent_id)`."""
    documents: Documents
    """Knowledge documents and the jobs that read them in."""
    post_call: PostCall
    switchboard: Switchboard
    background: Background
    """`background.start(coroutine, "name")` for work that outlives a request."""
    owns_lab: bool = False

    @classmethod
    async def open(
        cls,
        settings: Settings,
        lab: Lab | None = None,
        metrics: Metrics | None = None,
        background: bool = True,
    ) -> Desk:
        """Open a desk in the running loop.

        Args:
            lab: The workspace; None: the one of the settings.
            metrics: Where numbers go; None: fresh ones.
            background: Deliver webhooks, warm up models, and close calls that a crash has left
                open. False for a desk that serves a few requests (`TestClient` without `with`).
        """
        owns_lab, lab, metrics = lab is None, lab or Lab(settings), metrics or Metrics()
        work = Background()
        await work.open()
        hooks = Hooks(lab, on_tried=metrics.webhook_tried)
        post_call = PostCall(lab, hooks)
        token = settings.secret("TWILIO_AUTH_TOKEN")
        desk = cls(
            settings=settings,
            lab=lab,
            twilio=TwilioAccount(settings),
            signature=SignatureCheck(settings.public_url, token, settings.insecure_skip_signatures),
            metrics=metrics,
            hooks=hooks,
            documents=Documents(lab),
            post_call=post_call,
            switchboard=Switchboard(lab, work, hooks, metrics, post_call.run),
            background=work,
            owns_lab=owns_lab,
        )
        if background:
            await desk._begin()
        return desk

    async def stop_calls(self) -> None:
        """Refuse new calls and bring the running ones to an end within SHUTDOWN_GRACE_S.

        The server must do this before it closes its sockets (uvicorn closes WebSockets first).
        """
        await self.switchboard.close(self.settings.shutdown_grace_s)

    async def close(self) -> None:
        """End calls, finish or cancel background work, close connections."""
        await self.stop_calls()
        await self.background.close(POST_CALL_S)
        await self.hooks.close()
        await self.documents.close()
        await self.twilio.close()
        if self.owns_lab:
            await self.lab.close()

    async def _begin(self) -> None:
        start = self.background.start
        broken = await asyncio.to_thread(self.lab.calls.close_broken)
        for key in broken:
            log.warning("call %s was broken off when the server stopped", key)
        start(self.post_call.take_up(), "after calls of an earlier start")
        start(self.hooks.run(), "webhooks", endless=True)
        start(self.documents.run(), "knowledge", endless=True)
        start(self._tidy(), "tidy", endless=True)
        start(self._warm_up(), "warm-up", endless=True)  # closing does not wait for it

    async def _warm_up(self) -> None:
        """Load the models of the default agent, so that the first caller need not wait."""
        lab = self.lab
        try:
            agent = await asyncio.to_thread(lab.agent)
            chosen = await asyncio.to_thread(lab.choose, agent)
            search = await lab.ready_knowledge(agent, log.info)
            parts = await asyncio.to_thread(lab.parts, agent, chosen, search)
            await lab.warm_up(parts, agent)
        except SdrLabError as error:
            log.warning("warm-up: %s", error)
            return
        finally:
            keep_for_good()
        log.info("warm: stt %s, llm %s, tts %s", chosen.stt, chosen.llm, chosen.tts)

    async def _tidy(self) -> None:
        kept = timedelta(hours=self.settings.idempotency_hours)
        while True:
            try:
                now = datetime.now(UTC)
                await asyncio.to_thread(self.lab.tickets.purge, now - EXPIRED_KEPT)
                await asyncio.to_thread(self.lab.idempotency.purge, now - kept)
                await asyncio.to_thread(self.lab.deliveries.purge, now - DELIVERIES_KEPT)
            except SdrLabError as error:
                log.error("tidying: %s", error)
            await asyncio.sleep(TIDY_S)


def keep_for_good() -> None:
    """Take what is in memory now out of the garbage collector's sight.

    With the libraries of the models loaded, a full collection looks at 166,000 objects that stay
    until the end: 110 ms on a 2-core machine, in which no frame of any call goes out.
    """
    gc.collect()
    gc.freeze()
