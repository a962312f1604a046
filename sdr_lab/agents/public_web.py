"""Requests to addresses that somebody typed in: web tools, webhooks, documents by URL.

Only https, only public addresses. A name is resolved once; all its addresses must be public, and
the connection goes to one of those just checked, so that a name that resolves differently a moment
later (DNS rebinding) gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sdr_lab.errors import BadInput, ProviderError, Refused

if TYPE_CHECKING:
    import aiohttp

MAX_URL = 2048
"""Characters."""

CONNECTIONS_PER_HOST = 8

INSIDE = tuple(
    map(
        ipaddress.ip_network,
        ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "64:ff9b:1::/48"),
    )
)
"""Addresses that look public and are not: Azure's and Oracle's metadata, old relays, documentation.
Source: the IANA special-purpose address registries; older Pythons do not know all of them."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""An IPv4 address in its last four bytes."""


@dataclass(frozen=True, slots=True)
class WebReply:
    """What an address answered."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes = field(repr=False)
    is_cut: bool = False
    """There was more than asked for."""

    @property
    def text(self) -> str:
        """The body as UTF-8; bytes that are none become U+FFFD."""
        return self.body.decode("utf-8", errors="replace")


class PublicWeb:
    """Makes requests, in one event loop at a time. Connections are kept and reused.

    Args:
        allow_private: Also plain http and private addresses (INSECURE_PRIVATE_WEBHOOKS).
    """

    def __init__(self, allow_private: bool = False) -> None:
        self.allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = 10,
        max_bytes: int = 65_536,
    ) -> WebReply:
        """Make one request and read at most `max_bytes` of the answer, whatever its status.

        Raises:
            BadInput: no such URL can be.
            Refused: not https, or not a public address.
            ProviderError: no connection, no answer in time, or one that is no HTTP.
        """
        import aiohttp
        import yarl

        check_url(url, self.allow_private)
        target = yarl.URL(url)
        host = urlsplit(url).hostname or ""
        if target.host != host:  # two readings of one URL: the other one was not checked
            raise BadInput(f"url: got {url!r}, whose host can be read in two ways")
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._open().request(
                    method, target, headers=sent, data=body, allow_redirects=False
                ) as answer,
            ):
                data, is_cut = await read_up_to(answer.content, max_bytes)
                named = {name.lower(): value for name, value in answer.headers.items()}
                return WebReply(answer.status, named, data, is_cut)
        except TimeoutError:
            raise ProviderError(host, f"no answer in {timeout_s:g} s") from None
        except aiohttp.InvalidURL as error:
            raise BadInput(f"url: got {url!r}, which is none") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ProviderError(host, why(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            self._loop = loop
            connector = aiohttp.TCPConnector(
                resolver=Resolver(self.allow_private),  # type: ignore[arg-type]
                use_dns_cache=False,
                limit_per_host=CONNECTIONS_PER_HOST,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),  # callers share nothing
                timeout=aiohttp.ClientTimeout(total=None),  # ours is around all of it
                auto_decompress=False,  # a small answer must not unpack to a large one
                trust_env=False,  # a proxy would resolve the name itself
            )
        return self._session


class Resolver:
    """The resolver of aiohttp's connector (`aiohttp.abc.AbstractResolver`)."""

    def __init__(self, allow_private: bool) -> None:
        self.allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[dict[str, Any]]:
        addresses = await public_addresses(host, port, self.allow_private)
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def public_addresses(host: str, port: int = 443, allow_private: bool = False) -> list[str]:
    """Resolve a name.

    Raises:
        Refused: one of its addresses is not public.
        OSError: it has none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private:
        for address in addresses:
            refuse_private(host, address)
    return addresses


def check_url(url: str, allow_private: bool = False) -> None:
    """Refuse what can be refused without asking anybody: the form, the scheme, literal addresses.

    Raises:
        BadInput: no URL, a user name in it, or too long.
        Refused: not https, or not a public address.
    """
    if len(url) > MAX_URL:
        raise BadInput(f"url: got {len(url)} characters, allowed: {MAX_URL}", "url")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadInput(f"url: got {url!r}: {error}", "url") from error
    if (
        not host
        or parts.scheme not in ("http", "https")
        or not url.isprintable()
        or set(url) & set(" \\")
    ):
        raise BadInput(f"url: got {url!r}, allowed: https://host/path", "url")
    if parts.username is not None or parts.password is not None:
        told = "url: holds a user name or password; put credentials into a header"
        raise BadInput(told, "url")
    if allow_private:
        return
    if parts.scheme != "https":
        raise Refused(f"url: got {url!r}, allowed: https only")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise Refused(f"url: {host} is not a public name")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return  # a name; its addresses are looked at when it is resolved
    refuse_private(host, host)


def refuse_private(host: str, address: str) -> None:
    """Raise Refused unless `address` can be reached by everybody."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    for inner in (ip, *carried_by(ip)):
        is_inside = any(inner in network for network in INSIDE)
        if not inner.is_global or inner.is_multicast or inner.is_reserved or is_inside:
            raise Refused(f"{host} has the address {address}, which is not public")


def carried_by(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address stands for."""
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in NAT64:
        found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [inner for inner in found if inner is not None]


def why(error: Exception) -> str:
    """Return in words why a request failed."""
    import aiohttp

    match error:
        case aiohttp.ClientConnectorDNSError():
            return "there is no such host"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "its certificate is not to be trusted"
        case aiohttp.ClientConnectorError():
            return f"can't be connected to ({error.os_error.strerror or 'no reason given'})"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return "closed the connection without an answer"
    return " ".join(str(error).split())[:200] or type(error).__name__


async def read_up_to(stream: aiohttp.StreamReader, max_bytes: int) -> tuple[bytes, bool]:
    """Return the first bytes of a stream, and whether there were more."""
    data = bytearray()
    async for piece in stream.iter_any():
        data += piece
        if len(data) > max_bytes:
            return bytes(data[:max_bytes]), True
    return bytes(data), False
