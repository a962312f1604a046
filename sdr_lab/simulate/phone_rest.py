"""The REST API of the phone network: calls and recordings.

Source: https://www.twilio.com/docs/voice/api, checked against the requests of twilio-python 9.13.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from sdr_lab.simulate.phone_call import VERSION, PhoneCall, Recording
from sdr_lab.simulate.phone_faults import Request, RestFault
from sdr_lab.simulate.phone_flow import Source
from sdr_lab.simulate.phone_order import Refusal, is_http_url, read_order_form
from sdr_lab.simulate.phone_recording import recording_resource

if TYPE_CHECKING:
    from sdr_lab.simulate.phone_network import PhoneNetwork

Handler = Callable[[web.Request], Awaitable[web.Response]]


class RestApi:
    """Answers requests, faults first."""

    def __init__(self, network: PhoneNetwork) -> None:
        self._network = network

    def routes(self) -> list[web.RouteDef]:
        """Return all routes."""
        root = f"/{VERSION}/Accounts/{{account}}"
        table: list[tuple[str, str, Request, Handler]] = [
            ("POST", "/Calls.json", "create", self._create),
            ("GET", "/Calls.json", "fetch", self._list),
            ("GET", "/Calls/{sid}.json", "fetch", self._fetch),
            ("POST", "/Calls/{sid}.json", "update", self._update),
            ("GET", "/Calls/{sid}/Recordings.json", "recording", self._recordings),
            ("GET", "/Recordings/{sid}.json", "recording", self._recording),
            ("GET", "/Recordings/{sid}.wav", "recording", self._download),
            ("GET", "/Recordings/{sid}", "recording", self._download),
        ]
        return [
            web.route(method, root + path, self._guarded(kind, handler))
            for method, path, kind, handler in table
        ]

    def _guarded(self, kind: Request, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            self._network.requests.append((kind, request.method, request.path))
            fault = self._network.take_fault(kind)
            if fault is None:
                return await self._answer(request, handler)
            return await self._fail(fault, request, handler)

        return answer

    async def _answer(self, request: web.Request, handler: Handler) -> web.Response:
        try:
            self._check_account(request)
            return await handler(request)
        except Refusal as refusal:
            return _error(refusal.code, refusal.status, refusal.message)

    async def _fail(self, fault: RestFault, request: web.Request, handler: Handler) -> web.Response:
        is_answered = not fault.status and fault.body is None and not fault.is_cut
        response = None
        if fault.acts or is_answered:
            response = await self._answer(request, handler)
        await asyncio.sleep(fault.delay_s)
        if fault.is_cut and request.transport is not None:
            request.transport.abort()
        if response is not None and is_answered:
            return response
        if fault.body is not None:
            status = fault.status or 200
            return web.Response(status=status, text=fault.body, content_type="application/json")
        refused = _error(fault.code, fault.status or 500, fault.message)
        if fault.retry_after_s is not None:
            refused.headers["Retry-After"] = str(fault.retry_after_s)
        return refused

    def _check_account(self, request: web.Request) -> None:
        network = self._network
        mine = base64.b64encode(f"{network.account_sid}:{network.auth_token}".encode())
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, b"Basic " + mine):
            raise Refusal(20003, 401)
        if request.match_info["account"] != network.account_sid:
            raise Refusal(20404, 404, f"The requested resource {request.path} was not found")

    async def _create(self, request: web.Request) -> web.Response:
        order = read_order_form(await request.post(), self._network.owned)  # pyright: ignore[reportArgumentType]
        call = self._network.dial(order)
        return web.json_response(call.resource(), status=201)

    async def _list(self, request: web.Request) -> web.Response:
        status = request.query.get("Status", "")
        calls = [c.resource() for c in self._network.calls.values() if status in ("", c.status)]
        return _page("calls", calls[::-1], request.path)

    async def _fetch(self, request: web.Request) -> web.Response:
        return web.json_response(self._call(request).resource())

    async def _update(self, request: web.Request) -> web.Response:
        call = self._call(request)
        form = await request.post()
        unknown = sorted(set(form) - {"Status", "Twiml", "Url", "Method", "TimeLimit"})
        if unknown:
            raise Refusal(20001, message=f"parameters unknown to this double: {unknown}")
        flow = self._network.flow_of(call.sid)
        if call.is_over or flow is None:
            raise Refusal(21220)
        status, twiml, url = (str(form.get(key, "")) for key in ("Status", "Twiml", "Url"))
        limit = str(form.get("TimeLimit", ""))
        if limit and not (limit.isdigit() and 1 <= int(limit) <= 86_400):
            raise Refusal(21208, message=f"TimeLimit must be 1 to 86400, not {limit}")
        is_up = call.status == "in-progress"
        if status not in ("", "completed", "canceled"):
            raise Refusal(20001, message=f"Status must be completed or canceled, not {status}")
        if status:
            if status == "canceled" and is_up:
                raise Refusal(21220, message="Call is in-progress. Cannot cancel.")
            flow.end("completed" if is_up else "canceled")
        elif not is_up:
            raise Refusal(21220)
        elif twiml:
            flow.redirect(Source(twiml=twiml))
        elif is_http_url(url):
            flow.redirect(Source(url, str(form.get("Method", "POST")), "redirect"))
        else:
            raise Refusal(21205)
        if limit:
            flow.limit(float(limit))
        return web.json_response(call.resource())

    async def _recordings(self, request: web.Request) -> web.Response:
        call = self._call(request)
        rows = [recording_resource(row, call.account_sid) for row in call.recordings]
        return _page("recordings", rows, request.path)

    async def _recording(self, request: web.Request) -> web.Response:
        recording = self._sound(request)
        return web.json_response(recording_resource(recording, self._network.account_sid))

    async def _download(self, request: web.Request) -> web.Response:
        return web.Response(body=self._sound(request).wav, content_type="audio/x-wav")

    def _call(self, request: web.Request) -> PhoneCall:
        call = self._network.calls.get(request.match_info["sid"])
        if call is None:
            raise Refusal(20404, 404, f"The requested resource {request.path} was not found")
        return call

    def _sound(self, request: web.Request) -> Recording:
        for call in self._network.calls.values():
            for recording in call.recordings:
                if recording.sid == request.match_info["sid"]:
                    return recording
        raise Refusal(20404, 404, f"The requested resource {request.path} was not found")


def _error(code: int, status: int, message: str) -> web.Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more, "status": status}
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")


def _page(name: str, rows: list[dict[str, object]], path: str) -> web.Response:
    page = {
        name: rows,
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": max(0, len(rows) - 1),
        "uri": path,
        "first_page_uri": path,
        "next_page_uri": None,
        "previous_page_uri": None,
    }
    return web.json_response(page)
