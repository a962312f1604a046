"""Everything the live server works with, in one place. One per event loop."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdr_lab.config import Settings
from sdr_lab.lab import Lab
from sdr_lab.live.background import Background
from sdr_lab.live.switchboard import Switchboard

if TYPE_CHECKING:
    from sdr_lab.live.documents import Documents
    from sdr_lab.live.hooks import Hooks
    from sdr_lab.live.metrics import Metrics
    from sdr_lab.telephony.signature import SignatureCheck
    from sdr_lab.telephony.twilio_rest import TwilioAccount

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Desk:
    """Open one with `await Desk.open(settings)`; `close` ends calls and background work."""

    settings: Settings
    lab: Lab
    twilio: TwilioAccount
    signature: SignatureCheck
    metrics: Metrics
    hooks: Hooks
    """Webhooks: `await hooks.emit(event, agent_id, data)`; a `Listening` for calls."""
    documents: Documents
    """Knowledge documents and the jobs that read them in."""
    switchboard: Switchboard
    background: Background = field(default_factory=Background)
    """`background.start(coroutine, "name")` for work that outlives a request."""

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
            background: Deliver webhooks, warm up models and close calls that a crash has left
                open. False for a desk that serves a few requests (`TestClient` without `with`).
        """
        from sdr_lab.live.opening import open_desk

        return await open_desk(settings, lab, metrics, background)

    async def stop_calls(self) -> None:
        """Refuse new calls and bring the running ones to an end within SHUTDOWN_GRACE_S.

        The server must do this before it closes its sockets (uvicorn closes WebSockets first).
        """
        await self.switchboard.close(self.settings.shutdown_grace_s)

    async def close(self) -> None:
        """End calls, finish or cancel background work, close connections."""
        await self.stop_calls()
        await self.background.close()
        await self.twilio.close()
