"""One connection to Deepgram's live transcription. Together with the two transcribers the only
place that touches the SDK.

Source: https://developers.deepgram.com/docs/live-streaming-audio and deepgram-sdk 7.

Surprises of the SDK: it does not reconnect, whatever `reconnect=` says; a refused handshake is
`ApiError` with a fixed text (Deepgram's own reason is lost), an unreachable host a bare `OSError`;
an unknown message is None, a known one with wrong fields is made without a check.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sdr_lab.errors import ProviderError, SettingError

if TYPE_CHECKING:
    from deepgram import AsyncDeepgramClient

PUBLIC_URL = "https://api.deepgram.com"
CONNECT_S = 5.0
"""The SDK waits 10 s; a call can't."""
CLOSE_S = 0.5

_NOT_AGAIN = frozenset({400, 401, 402, 403, 404, 405, 414})
"""Statuses that another attempt would get as well."""

_clients: dict[tuple[str, str], AsyncDeepgramClient] = {}


@dataclass(frozen=True, slots=True)
class Account:
    """Where Deepgram is and who asks."""

    api_key: str
    url: str = ""
    """`http(s)://host[:port]`; empty: the public service."""

    def check(self) -> None:
        """Raise when there is no key."""
        if not self.api_key:
            raise SettingError("DEEPGRAM_API_KEY", "", "a key of console.deepgram.com")


class Lost(Exception):
    """A connection could not be made or is gone."""

    def __init__(self, reason: str, can_retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.can_retry = can_retry


class Socket:
    """An open connection, for audio and the orders that the SDK has methods for."""

    def __init__(self, vendor: Any) -> None:
        self._vendor = vendor

    async def send(self, mulaw: bytes) -> None:
        """Send audio. Never empty: Deepgram takes that for the end of the stream."""
        try:
            await self._vendor.send_media(mulaw)
        except Exception as error:
            raise _lost(error, "while sending") from error

    async def order(self, name: str) -> None:
        """Send `keep_alive`, `finalize`, `force_end_turn` or `close_stream`, if there is such."""
        send = getattr(self._vendor, f"send_{name}", None)
        if send is None:
            return
        try:
            await send()
        except Exception as error:
            raise _lost(error, f"at {name}") from error

    async def receive(self) -> Any:
        """Return the next message; None for one that can't be read.

        Raises:
            Lost: the connection is gone.
        """
        try:
            return await self._vendor.recv()
        except ValueError:  # not JSON
            return None
        except Exception as error:
            raise _lost(error, "while listening") from error


Opening = Callable[["AsyncDeepgramClient"], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def opened(account: Account, opening: Opening, what: str) -> AsyncIterator[Socket]:
    """Open a connection.

    Args:
        account: Who asks.
        opening: Calls `connect` of one of the SDK's clients.
        what: What may have been refused, for the message.

    Raises:
        Lost: it can't be opened.
    """
    try:
        client = await client_of(account)
        connecting = opening(client)
        async with asyncio.timeout(CONNECT_S):
            vendor = await connecting.__aenter__()
    except Exception as error:
        raise _refused(error, account, what) from error
    vendor._websocket.close_timeout = CLOSE_S / 2  # the SDK has no public way
    try:
        yield Socket(vendor)
    finally:
        await _hang_up(connecting, vendor)


async def client_of(account: Account) -> AsyncDeepgramClient:
    """Return the client of an account; one for the process, since each reads the certificates."""
    key = (account.api_key, account.url)
    if key not in _clients:
        # in a thread: the first time it imports the SDK, 0.3 s
        client = await asyncio.to_thread(_new_client, account)
        _clients.setdefault(key, client)
    return _clients[key]


def _new_client(account: Account) -> AsyncDeepgramClient:
    from deepgram import AsyncDeepgramClient
    from deepgram.environment import DeepgramClientEnvironment

    url = (account.url or PUBLIC_URL).rstrip("/")
    sockets = url.replace("http", "ws", 1)
    environment = DeepgramClientEnvironment(
        base=url, production=sockets, agent=sockets, agent_rest=url
    )
    client = AsyncDeepgramClient(api_key=account.api_key, environment=environment)
    _ = client.listen.v1, client.listen.v2  # imported on first use
    return client


async def _hang_up(connecting: AbstractAsyncContextManager[Any], vendor: Any) -> None:
    """Leave the SDK's context, but do not wait its 10 s for a peer that is gone."""
    try:
        async with asyncio.timeout(CLOSE_S):
            with suppress(Exception):
                await vendor.send_close_stream()
            await connecting.__aexit__(None, None, None)
    except Exception:
        vendor._websocket.transport.abort()


def _lost(error: Exception, when: str) -> Lost:
    received = getattr(error, "rcvd", None)
    if received is not None:
        code = f"{received.code} {received.reason}".strip()
        hint = _CLOSED.get(received.reason.split(" ")[0].split(":")[0], "")
        return Lost(f"Deepgram closed the connection {when} ({code}){hint}")
    return Lost(f"the connection to Deepgram broke {when} ({error or type(error).__name__})")


_CLOSED = {
    "DATA-0000": ": it could not decode the audio",
    "NET-0000": ": its own engine did not answer",
    "NET-0001": ": no audio came for too long",
}


def _refused(error: Exception, account: Account, what: str) -> Lost:
    host = urlsplit(account.url or PUBLIC_URL).netloc
    status = getattr(error, "status_code", None)
    if status is not None:
        return Lost(refusal(status, what), can_retry=status not in _NOT_AGAIN)
    if isinstance(error, TimeoutError):
        return Lost(f"no answer from {host} in {CONNECT_S:g} s")
    if isinstance(error, OSError):
        why = error.strerror or str(error) or type(error).__name__
        return Lost(f"{host} can't be reached ({why}): check the network and DEEPGRAM_URL")
    return Lost(f"{host} does not answer as Deepgram does ({type(error).__name__}: {error})")


def refusal(status: int, what: str) -> str:
    """Say what a status of the handshake means and what to do."""
    return {
        400: f"{what} was refused (400): check the names of model and language",
        401: "the key was refused (401): check DEEPGRAM_API_KEY",
        402: "the account has no credit left (402): top it up at console.deepgram.com",
        403: f"the key may not use {what} (403): check the project's plan and the key's scopes",
        404: "nothing answers there (404): check DEEPGRAM_URL",
        429: "too many streams at once (429): the project's limit is reached, wait or raise it",
    }.get(status, f"Deepgram answered {status}: it has trouble, see status.deepgram.com")


def failed(name: str, lost: Lost) -> ProviderError:
    """Return the error that the call is told."""
    return ProviderError(name, " ".join(lost.reason.split()))
