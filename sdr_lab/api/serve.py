"""Running the server: options, address, what is said at the start, and an orderly end."""

from __future__ import annotations

import argparse
import asyncio
import errno
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from sdr_lab import __version__
from sdr_lab.api.app import create_app
from sdr_lab.api.protocol import LimitedHttp
from sdr_lab.api.state import AppState, state_of
from sdr_lab.config import ENV_FILE, Settings
from sdr_lab.errors import BadInput, SdrLabError
from sdr_lab.logs import set_up_logs

log = logging.getLogger(__name__)

WS_PROTOCOL = "websockets-sansio"

WS_MAX_BYTES = 65_536
"""Twilio's messages have 300 bytes, the SDK's audio a few thousand."""

WS_PING_S = 20.0

LIBRARIES = ("uvicorn",)
"""Whose messages go where ours go."""

OTHERS_NOTHING = 0o077
"""What the server writes holds voices, numbers and secrets: only its own user may read it."""

FLUSH_S = 5
"""For what uvicorn itself waits for after the calls have ended: replies in flight."""


def parser() -> argparse.ArgumentParser:
    """Return the options. What they leave out comes from settings."""
    options = argparse.ArgumentParser(
        prog="server.py",
        description="Live calls: REST API, Twilio, browser phone.",
        epilog="All settings: `sdr-lab settings`. Setting up a phone number: docs/operations.md.",
    )
    options.add_argument("--host", help="address to listen on (SDR_LAB_HOST)")
    options.add_argument("--port", type=int, help="port to listen on (PORT)")
    options.add_argument("--log-level", help="least important message that is logged (LOG_LEVEL)")
    options.add_argument("--home", help="folder of the workspace (SDR_LAB_HOME)")
    options.add_argument("--env-file", type=Path, default=ENV_FILE, help="settings file (.env)")
    options.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting"
    )
    options.add_argument("--version", action="version", version=f"sdr_lab {__version__}")
    return options


def settings_from(arguments: Sequence[str] | None) -> Settings:
    """Read the options and the settings.

    Raises:
        BadInput: a setting is wrong, or an option is no NAME=VALUE.
    """
    given = parser().parse_args(arguments)
    overrides: dict[str, object] = {}
    for pair in given.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"--set {pair!r}: allowed: NAME=VALUE")
        overrides[name.strip().upper()] = value
    named = {
        "SDR_LAB_HOST": given.host,
        "PORT": given.port,
        "LOG_LEVEL": given.log_level,
        "SDR_LAB_HOME": given.home,
    }
    overrides |= {name: value for name, value in named.items() if value is not None}
    return Settings.load(given.env_file, overrides)


def listen(settings: Settings) -> socket.socket:
    """Take the address.

    Raises:
        BadInput: it is not free, not of this machine, or open to others without a key.
    """
    host, port = settings.sdr_lab_host, settings.port
    family, address = _resolved(host, port)
    if not settings.accepted_keys() and not ipaddress.ip_address(str(address[0])).is_loopback:
        raise BadInput(
            f"host {host} can be reached by others, and API_KEYS is empty: set API_KEYS, or listen "
            "on 127.0.0.1 (a tunnel or reverse proxy on this machine can pass calls on)"
        )
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(address)
        taken.listen(socket.SOMAXCONN)  # else a second server could bind, and fail later
    except OSError as error:
        taken.close()
        raise BadInput(_why_not(error, host, port)) from error
    return taken


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise BadInput(f"host {host!r} is not known: give an address with --host") from error
        return found[0][0], found[0][4]
    return (socket.AF_INET6 if version == 6 else socket.AF_INET), (host, port)


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use: choose another one with --port, or see `lsof -i :{port}`"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights: choose one from 1024 with --port"
    return f"{host}:{port} can't be used ({error.strerror}): choose others with --host and --port"


class LiveServer(uvicorn.Server):
    """Ends calls before uvicorn closes their sockets. A second Ctrl-C does not wait for them."""

    def __init__(self, config: uvicorn.Config, state: AppState) -> None:
        super().__init__(config)
        self._state = state

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        desk = await self._state.desk()
        if running := len(desk.switchboard.running):
            told = f"{running} calls are going on" if running > 1 else "a call is going on"
            limit_s = desk.settings.shutdown_grace_s
            log.info("stopping: %s, they have %g s; Ctrl-C again ends them now", told, limit_s)
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(desk.stop_calls())
            while not ending.done() and not self.force_exit:
                await asyncio.wait({ending}, timeout=0.1)
            ending.cancel()
        await super().shutdown(sockets)


def server_for(settings: Settings) -> LiveServer:
    """Return the server, ready to `serve(sockets=[…])`."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # the app logs requests itself, without queries
        lifespan="on",
        http=LimitedHttp,
        ws=WS_PROTOCOL,
        ws_max_size=WS_MAX_BYTES,
        ws_ping_interval=WS_PING_S,
        ws_ping_timeout=WS_PING_S,
        ws_per_message_deflate=False,  # µ-law in base64 hardly shrinks, and costs a core
        proxy_headers=False,  # nothing here trusts what a client says of its address
        server_header=False,
        timeout_graceful_shutdown=FLUSH_S,
    )
    return LiveServer(config, state_of(app))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is told to stop; return the exit code."""
    from sdr_lab.api.greeting import greeting

    try:
        settings = settings_from(arguments)
        os.umask(OTHERS_NOTHING)
        set_up_logs(settings, LIBRARIES)
        taken = listen(settings)
        with taken:
            host, port = taken.getsockname()[:2]
            server = server_for(settings)
            print(greeting(settings, f"http://{_in_url(host)}:{port}"), flush=True)
            server.run(sockets=[taken])
    except SdrLabError as error:
        print(f"server.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # uvicorn raises it again when all is closed
        return 0
    return 0 if server.started else 1


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
