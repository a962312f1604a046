"""HTTP as uvicorn speaks it, with an end to what a stranger may send before anybody looks at it.

uvicorn's protocol on httptools takes heads of any length, for as long as they may last: a few
connections could fill the memory, and many slow ones use up all that a process may have open.
"""

from __future__ import annotations

import asyncio
import logging

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)

HEAD_S = 10.0
"""From a connection, or the first byte of a further request, to the end of its head."""

MOST_AROUND_BYTES = 64 * 1024
"""Of the head of a request, and what surrounds its body."""

FRAMING = 8
"""Chunks of one byte have so many bytes around each."""

TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedHttp(HttpToolsProtocol):
    """One connection. It is closed when a head takes too long or is too large."""

    head_s = HEAD_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._around = 0
        """Bytes of this request that are not its body."""
        self._body = 0
        self._is_answering = False
        self._late: asyncio.TimerHandle | None = None
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._around > MOST_AROUND_BYTES + FRAMING * self._body:
            log.warning("a request from %s closed: its head is too large", self._peer)
            self.transport.write(TOO_LARGE)
            self.transport.close()
            return
        self._around += len(data)
        if not self._is_answering and self._late is None:  # empty lines keep no connection open
            self._wait_for_head()
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._around = self._body = 0

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._is_answering = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._around -= len(body)
        self._body += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        self._is_answering = False
        super().on_response_complete()

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(self.head_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        log.info("a connection from %s closed: no request in %g s", self._peer, self.head_s)
        self.transport.close()

    @property
    def _peer(self) -> str:
        return self.client[0] if self.client else "unknown"
