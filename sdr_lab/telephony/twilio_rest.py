"""Placing, moving and ending calls by Twilio's REST API, with twilio's own async client.

Source: https://www.twilio.com/docs/voice/api/call-resource. The client's `timeout` has no effect
(9.13), so every request runs under a time-out of our own.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from sdr_lab.config import Settings
from sdr_lab.errors import BadInput
from sdr_lab.telephony.twilio_errors import TwilioError, twilio_error
from sdr_lab.telephony.twiml import MAX_TWIML_CHARS

if TYPE_CHECKING:
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

log = logging.getLogger(__name__)

T = TypeVar("T")

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""Statuses of a call that is no more."""
EVENTS = ["initiated", "ringing", "answered", "completed"]
REFUSED_CREDENTIALS = 20003
NOT_IN_PROGRESS = 21220
PASSING = frozenset({429, 502, 504})
"""Our statuses of faults that may be gone at the next try."""
VERIFY_AFTER_S = (0.2, 0.5, 1.0)
"""Waits between the looks whether a call has really ended."""
CHUNK_BYTES = 64 * 1024
PUBLIC_API = "https://api.twilio.com"


@dataclass(frozen=True, slots=True)
class DialOrder:
    """An outbound call. Addresses are absolute; empty ones are left out."""

    to: str
    """E.164."""
    from_: str
    """A number of the account, E.164."""
    url: str = ""
    """Asked for TwiML when the call is answered."""
    twiml: str = ""
    """The TwiML itself, up to 4,000 characters; not together with `url`."""
    status_callback: str = ""
    amd: bool = False
    """Find out, while the call goes on, whether a machine has answered."""
    amd_callback: str = ""
    amd_waits_for_beep: bool = False
    """Report a machine when its greeting is over, to leave a message, not as soon as known."""
    record: bool = False
    """Twilio records, each side in a channel of its own."""
    recording_callback: str = ""
    ring_s: int | None = None
    """Default: TWILIO_RING_S."""
    time_limit_s: int | None = None
    """Twilio ends the call after so long."""


class TwilioAccount:
    """One account, for one process. Nothing is opened before the first request.

    Args:
        verify_after_s: Waits between the looks whether a call has ended.
    """

    def __init__(
        self, settings: Settings, verify_after_s: Sequence[float] = VERIFY_AFTER_S
    ) -> None:
        self._sid = settings.twilio_account_sid
        self._token = settings.twilio_auth_token.get_secret_value()
        self._api_url = settings.twilio_api_url.rstrip("/")
        self._timeout_s = settings.twilio_timeout_s
        self._ring_s = settings.twilio_ring_s
        self._verify_after_s = tuple(verify_after_s)
        self._http: AsyncTwilioHttpClient | None = None
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def configured(self) -> bool:
        """The settings hold an account and its token."""
        return bool(self._sid and self._token)

    async def dial(self, order: DialOrder) -> str:
        """Place a call and return its SID. Never repeated: a second try would ring twice.

        Raises:
            BadInput: no instructions, two kinds of them, or too long ones.
            TwilioError: refused, or no answer (then the call may ring all the same).
        """
        fields = _fields(order, self._ring_s)
        client = await self._open()
        call = await self._ask("dial", lambda: client.calls.create_async(**fields))
        if not isinstance(call.sid, str) or not call.sid:
            raise TwilioError("dial: Twilio's answer names no call", 502)
        return call.sid

    async def hang_up(self, call_sid: str) -> None:
        """End a call and make sure that it has ended. One that is over already is fine.

        Tries again for as long as one answer may take in all.

        Raises:
            TwilioError: refused, or the call goes on.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._hang_up(call_sid)
        except TimeoutError:
            raise self._late("hang-up") from None

    async def transfer(self, call_sid: str, twiml: str, time_limit_s: int | None = None) -> None:
        """Give a running call new instructions; its media stream ends.

        Args:
            time_limit_s: Twilio ends the call after so long in all; None: as before.

        Raises:
            BadInput: the TwiML is too long.
            TwilioError: refused; 409 when the call is over.
        """
        _check_twiml(twiml)
        client = await self._open()
        fields: dict[str, Any] = {"twiml": twiml}
        if time_limit_s is not None:
            fields["time_limit"] = time_limit_s
        await self._ask("transfer", lambda: client.calls(call_sid).update_async(**fields))

    async def status(self, call_sid: str) -> str:
        """Return Twilio's status of a call: queued, ringing, in-progress, completed, …"""
        client = await self._open()
        call = await self._ask("status", lambda: client.calls(call_sid).fetch_async())
        return str(call.status)

    async def recording(self, url: str) -> AsyncIterator[bytes]:
        """Yield a recording piece by piece.

        Args:
            url: As the recording callback gave it, `….wav` or `….mp3` added at will. Only
                addresses of this account are asked: the request carries its credentials.

        Raises:
            BadInput: an address elsewhere.
            TwilioError: not there (yet), or the transfer broke.
        """
        import aiohttp

        self._check_recording(url)
        await self._open()
        assert self._http is not None
        assert self._http.session is not None
        login = base64.b64encode(f"{self._sid}:{self._token}".encode()).decode()
        limit = aiohttp.ClientTimeout(
            sock_connect=self._timeout_s, sock_read=self._timeout_s, total=None
        )
        try:
            async with self._http.session.get(
                url, headers={"Authorization": f"Basic {login}"}, timeout=limit
            ) as response:
                if response.status != 200:
                    raise twilio_error("recording", response.status, None, "")
                async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                    yield chunk
        except TimeoutError:
            raise self._late("recording") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable("recording", error) from None

    async def close(self) -> None:
        """Close the connections. The account can be used again afterwards."""
        http, self._http, self._client, self._loop = self._http, None, None, None
        if http is not None:
            await http.close()

    # ---- inside

    async def _hang_up(self, call_sid: str) -> None:
        fault = TwilioError(f"hang-up: call {call_sid} goes on", 502)
        for wait_s in (0.0, *self._verify_after_s):
            await asyncio.sleep(wait_s)
            try:
                status = await self._complete(call_sid)
            except TwilioError as error:
                if error.status == 404:
                    return
                if error.status not in PASSING or error.code == REFUSED_CREDENTIALS:
                    raise
                fault = error
                continue
            if status in OVER:
                return
            fault = TwilioError(f"hang-up: call {call_sid} is still {status}", 502)
        raise fault

    async def _complete(self, call_sid: str) -> str:
        """Ask for the end of a call and return its status after that."""
        client = await self._open()
        try:
            call = await self._ask(
                "hang-up", lambda: client.calls(call_sid).update_async(status="completed")
            )
            if call.status in OVER:
                return str(call.status)
        except TwilioError as error:
            if error.code != NOT_IN_PROGRESS:
                raise
        return await self.status(call_sid)

    async def _open(self) -> Client:
        """Return the client of the running loop; aiohttp's sessions can't change theirs."""
        if not self.configured:
            raise TwilioError("not set up: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN", 503)
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            await asyncio.to_thread(_load)
        if self._client is None or self._loop is not loop:
            with suppress(RuntimeError):  # the old loop is closed, so its connections are as well
                await self.close()
            self._http, self._client = _connect(self._sid, self._token, self._api_url)
            self._loop = loop
        return self._client

    async def _ask(self, action: str, request: Callable[[], Awaitable[T]]) -> T:
        import aiohttp
        from twilio.base.exceptions import (
            TwilioException,
            TwilioRestException,
            TwilioServiceException,
        )

        try:
            async with asyncio.timeout(self._timeout_s):
                return await request()
        except TimeoutError:
            raise self._late(action) from None
        except TwilioRestException as error:
            raise self._refused(action, error.status, error.code, error.msg) from None
        except TwilioServiceException as error:
            words = error.detail or error.title
            raise self._refused(action, error.status, error.code, words) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(action, error) from None
        except (TwilioException, ValueError, TypeError, LookupError, AttributeError) as error:
            raise TwilioError(
                f"{action}: Twilio's answer makes no sense ({type(error).__name__})", 502
            ) from None

    def _refused(self, action: str, status: int, code: object, words: object) -> TwilioError:
        text = " ".join(str(words or "").split())
        for secret, mask in ((self._token, "[token]"), (self._sid, "[account]")):
            text = text.replace(secret, mask)
        number = code if isinstance(code, int) else None
        return twilio_error(action, status, number, text[:300])

    def _late(self, action: str) -> TwilioError:
        maybe = "; the call may have been placed, see its status callbacks"
        return TwilioError(
            f"{action}: no answer within {self._timeout_s:g} s (TWILIO_TIMEOUT_S)"
            f"{maybe if action == 'dial' else ''}",
            504,
        )

    def _unreachable(self, action: str, error: Exception) -> TwilioError:
        where = self._api_url or PUBLIC_API
        return TwilioError(f"{action}: can't reach {where} ({type(error).__name__})", 502)

    def _check_recording(self, url: str) -> None:
        base, asked = urlsplit(self._api_url or PUBLIC_API), urlsplit(url)
        ours = f"/2010-04-01/Accounts/{self._sid}/Recordings/"
        is_ours = asked.path.startswith(ours) and ".." not in asked.path
        if (asked.scheme, asked.netloc) != (base.scheme, base.netloc) or not is_ours:
            raise BadInput(f"recording {url[:200]!r} is not of this account")


def _fields(order: DialOrder, ring_s: int) -> dict[str, Any]:
    """Return an order as arguments of twilio's `calls.create`."""
    if bool(order.url) == bool(order.twiml):
        raise BadInput("a call needs either an address (url) or instructions (twiml)")
    _check_twiml(order.twiml)
    fields: dict[str, Any] = {"to": order.to, "from_": order.from_}
    fields |= {"twiml": order.twiml} if order.twiml else {"url": order.url, "method": "POST"}
    fields["timeout"] = order.ring_s if order.ring_s is not None else ring_s
    if order.time_limit_s is not None:
        fields["time_limit"] = order.time_limit_s
    if order.status_callback:
        fields["status_callback"] = order.status_callback
        fields["status_callback_event"] = EVENTS
        fields["status_callback_method"] = "POST"
    if order.amd:
        fields["machine_detection"] = "DetectMessageEnd" if order.amd_waits_for_beep else "Enable"
        fields["async_amd"] = "true"
        fields["async_amd_status_callback"] = order.amd_callback or None
        fields["async_amd_status_callback_method"] = "POST"
    if order.record:
        fields["record"] = True
        fields["recording_channels"] = "dual"
        fields["recording_status_callback"] = order.recording_callback or None
        fields["recording_status_callback_method"] = "POST"
    return {name: value for name, value in fields.items() if value is not None}


def _check_twiml(twiml: str) -> None:
    if len(twiml) > MAX_TWIML_CHARS:
        raise BadInput(f"TwiML of {len(twiml)} characters, Twilio takes {MAX_TWIML_CHARS}")


def _load() -> None:
    """Import twilio's client, which takes a second on a busy machine: not on the event loop."""
    import twilio.http.async_http_client
    import twilio.rest.api  # noqa: F401


def _connect(sid: str, token: str, api_url: str) -> tuple[AsyncTwilioHttpClient, Client]:
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

    quiet = logging.getLogger(f"{__name__}.http")
    quiet.setLevel(logging.WARNING)  # at INFO it logs every header
    http = AsyncTwilioHttpClient(logger=quiet)
    # Without an environment of ours the client reads the machine's.
    client = Client(sid, token, http_client=http, environment={"TWILIO_EDGE": ""})
    if api_url:
        client.api.base_url = api_url
    return http, client
