"""What goes over the wire of the pretended Deepgram: checked against the SDK's own models."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ValidationError

REQUEST_ID = "00000000-0000-4000-8000-000000000001"
MODEL_UUID = "00000000-0000-4000-8000-000000000002"

Act = Literal["", "cut", "close", "malformed", "unknown", "error", "silent"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with the next connection to `path`."""

    path: str
    refuse: int = 0
    """HTTP status instead of a connection; 0: none."""
    delay_s: float = 0.0
    """Wait before the handshake (or the reply) is answered."""
    act: Act = ""
    """`cut`: no close frame; `close`: with `code` and `reason`; `malformed`: a frame that is not
    JSON; `unknown`: a message of a new type; `error`: Deepgram's error message; `silent`: nothing
    is answered any more."""
    after_ms: int = 0
    """Audio that was received (listen) or sent (speak) before."""
    code: int = 1011
    reason: str = ""


@dataclass(eq=False)
class Link:
    """One connection or request, as the double saw it."""

    path: str
    query: Mapping[str, list[str]]
    audio: bytearray = field(default_factory=bytearray)
    """Audio in the order of its arrival (listen), or as it was sent (speak)."""
    orders: list[dict[str, Any]] = field(default_factory=list)
    """The client's text frames."""
    sent: list[dict[str, Any]] = field(default_factory=list)
    """The double's text frames."""
    close_code: int | None = None
    """How the client closed, None while it is open or when it broke."""
    is_over: bool = False
    is_broken: bool = False
    """It ended without a close of the client."""


class Broken(Exception):
    """The double has ended the connection on purpose."""


class Wire:
    """A WebSocket with the checks."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        link: Link,
        models: Mapping[str, type[BaseModel]],
        problems: list[str],
        fault: Fault | None,
    ) -> None:
        self.socket = socket
        self.link = link
        self.fault = fault
        self.is_silent = False
        self._request = request
        self._models = models
        self._problems = problems

    def parsed(self, text: str) -> dict[str, Any] | None:
        """Return a client's frame, None when it is wrong; then it is noted as a problem."""
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        order: dict[str, Any] = found if isinstance(found, dict) else {}
        model = self._models.get(str(order.get("type")))
        wrong = f"unknown frame {text[:200]}" if model is None else mismatch(model, order)
        if wrong:
            self._problems.append(f"{self.link.path}: the client sent {wrong}")
            return None
        self.link.orders.append(order)
        return order

    async def send(self, model: type[BaseModel], **fields: Any) -> None:
        """Send a message, if it is one that the SDK knows."""
        if self.is_silent:
            return
        if wrong := mismatch(model, fields):
            self._problems.append(f"{self.link.path}: the double sent {wrong}")
        self.link.sent.append(fields)
        await self.socket.send_str(json.dumps(fields))

    async def go_wrong(self, after_ms: int, error: tuple[type[BaseModel], dict[str, Any]]) -> None:
        """Let the fault happen if its time has come."""
        fault = self.fault
        if fault is None or not fault.act or after_ms < fault.after_ms:
            return
        self.fault = None
        match fault.act:
            case "cut":
                if self._request.transport is not None:
                    self._request.transport.abort()
                raise Broken
            case "close":
                await self.socket.close(code=fault.code, message=fault.reason.encode())
                raise Broken
            case "malformed":
                await self.socket.send_str('{"type": "Resul')
            case "unknown":
                await self.socket.send_str('{"type": "Novelty", "value": 1}')
            case "error":
                await self.send(error[0], **error[1])
            case "silent":
                self.is_silent = True


def mismatch(model: type[BaseModel], fields: Mapping[str, Any]) -> str:
    """Say how a message differs from a model of the SDK; empty when it does not."""
    try:
        model.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors()[0]
        return f"a wrong {model.__name__}: {first['loc']} {first['msg']}"
    extra = set(fields) - set(model.model_fields)
    return f"unknown fields {sorted(extra)} in {model.__name__}" if extra else ""


def wrong_query(query: Mapping[str, list[str]], connect: Callable[..., Any]) -> str:
    """Say which parameter of a query the SDK's `connect` does not know; empty: none."""
    known = set(inspect.signature(connect).parameters) - {"self", "authorization"}
    unknown = set(query) - known
    return f"unknown parameters {sorted(unknown)}" if unknown else ""
