"""A small pretend Twilio REST API on loopback: keeps what it was asked, fails on demand."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ACCOUNT = "AC" + "a" * 32
TOKEN = "t0ken-that-nobody-may-see"
CALL = "CA" + "b" * 32
BASE = f"/2010-04-01/Accounts/{ACCOUNT}"


@dataclass
class Fault:
    """What happens to a request instead of an answer. `times` requests, then all is well."""

    times: int = 1
    delay_s: float = 0.0
    cut: bool = False
    status: int = 0
    body: str = ""
    json: Mapping[str, Any] | None = None


@dataclass
class TwilioServer:
    url: str = ""
    requests: list[tuple[str, str, list[tuple[str, str]]]] = field(default_factory=list)
    """Method, path, form."""
    status: str = "in-progress"
    """Of the one call."""
    goes_on: int = 0
    """So many looks see the call in progress after it was ended."""
    fault: Fault | None = None
    recording: bytes = b"RIFF"
    logins: set[tuple[str, str]] = field(default_factory=set)

    def form(self) -> dict[str, Any]:
        """The fields of the last request; a list where a name repeats."""
        found: dict[str, Any] = {}
        for name, value in self.requests[-1][2]:
            found[name] = [*found[name], value] if name in found else [value]
        return {k: v[0] if len(v) == 1 else v for k, v in found.items()}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        form = [(name, str(value)) for name, value in (await request.post()).items()]
        self.requests.append((request.method, request.path, form))
        self._note_login(request)
        if self.fault is not None and self.fault.times > 0:
            self.fault.times -= 1
            return await self._fail(request, self.fault)
        if request.path.endswith("/Calls.json"):
            self.status = "queued"
            return web.json_response(self._call(), status=201)
        if not request.path.endswith(f"/Calls/{CALL}.json"):
            return _refusal(404, 20404, f"The requested resource {request.path} was not found")
        if request.method == "POST" and self.status in ("completed", "no-answer"):
            return _refusal(400, 21220, "Invalid call state: call is not in-progress")
        if ("Status", "completed") in form and self.goes_on == 0:
            self.status = "completed"
        answer = self._call()
        if request.method == "GET" and self.goes_on:
            self.goes_on -= 1
        return web.json_response(answer)

    async def play(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, []))
        self._note_login(request)
        if self.fault is not None and self.fault.times > 0:
            self.fault.times -= 1
            return await self._fail(request, self.fault)
        return web.Response(body=self.recording)

    def _note_login(self, request: web.Request) -> None:
        _, _, encoded = request.headers.get("Authorization", "").partition("Basic ")
        name, _, password = base64.b64decode(encoded).decode().partition(":")
        self.logins.add((name, password))

    def _call(self) -> dict[str, Any]:
        return {"sid": CALL, "status": self.status, "account_sid": ACCOUNT, "duration": None}

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        await asyncio.sleep(fault.delay_s)
        if fault.cut and request.transport is not None:
            request.transport.abort()
        if fault.json is not None:
            return web.json_response(fault.json, status=fault.status)
        return web.Response(text=fault.body, status=fault.status or 200)


@asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[TwilioServer]:
    server = TwilioServer()
    app = web.Application()
    app.router.add_route("*", f"{BASE}/Recordings/{{name}}", server.play)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def refusal(status: int, code: int, message: str = "Twilio's words", times: int = 9) -> Fault:
    return Fault(times=times, status=status, json=_body(status, code, message))


def _body(status: int, code: int, message: str) -> dict[str, Any]:
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return {"code": code, "message": message, "more_info": more_info, "status": status}


def _refusal(status: int, code: int, message: str) -> web.Response:
    return web.json_response(_body(status, code, message), status=status)
