"""Every error of the API in one shape, and which status each of ours has.

The seed reads `error`, the official SDK reads `detail`:
`{"error": "…", "detail": {"status": "not_found", "message": "…"}}`; for a wrong field (422)
`detail` is the list `[{"loc": ["body", "name"], "msg": "…", "type": "…"}]`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from sdr_lab.errors import (
    BadInput,
    Conflict,
    MissingPackage,
    NotFound,
    ProviderError,
    Refused,
    SdrLabError,
    StorageError,
)
from sdr_lab.live.switchboard import NoRoom

log = logging.getLogger(__name__)

RETRY_S = 1
"""Told to clients when the workspace can't be used: by then a lock is usually free."""

ROOM_S = 30
"""Told to clients when no call may begin: calls take minutes."""


class ApiError(SdrLabError):
    """An error with a status and a code word of its own.

    >>> raise ApiError(400, "agent_in_use", "agent 'x' has a call running")
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.more = more
        """More fields of `detail`."""


class FieldError(BadInput):
    """Fields of a request are wrong; `fields` says which, as the list of a 422."""

    def __init__(
        self, loc: Sequence[str | int], message: str, more: Sequence[dict[str, Any]] = ()
    ) -> None:
        others = f" (and {len(more)} more)" if more else ""
        super().__init__(f"{message}{others}")
        self.fields = [{"loc": list(loc), "msg": message, "type": "value_error"}, *more]


class ErrorDetail(BaseModel):
    """What went wrong, for programs."""

    status: str = Field(description="A code word.", examples=["not_found"])
    message: str


class ErrorReply(BaseModel):
    """Every error has this shape."""

    error: str = Field(description="One line: what was given, what is allowed, what to do.")
    detail: ErrorDetail | list[dict[str, Any]]


def documented(code: int, text: str, word: str, message: str) -> dict[str, Any]:
    """Return what the description says of an error."""
    detail: Any = {"status": word, "message": message}
    if code == 422:
        place, _, reason = message.partition(": ")
        detail = [{"loc": ["body", place], "msg": reason, "type": word}]
    example = {"error": message, "detail": detail}
    return {
        "model": ErrorReply,
        "description": text,
        "content": {"application/json": {"example": example}},
    }


ERRORS: dict[int | str, dict[str, Any]] = {
    code: documented(code, *told)
    for code, told in {
        401: (
            "No key, or a wrong one.",
            "invalid_api_key",
            "the header xi-api-key is not one of API_KEYS",
        ),
        403: (
            "Not allowed.",
            "do_not_call",
            "+13125550100 is on the do-not-call list: it must not be called",
        ),
        404: (
            "There is none of that name.",
            "not_found",
            "no agent has the id or name 'jo', there are: maplewood",
        ),
        409: (
            "It contradicts what is there.",
            "conflict",
            "phone number +13125550123 is there already: update it instead",
        ),
        422: (
            "A field is wrong; `detail` says which.",
            "less_than_equal",
            "silence_threshold_sec: Input should be less than or equal to 5",
        ),
        429: (
            "Too many requests; Retry-After says when to come back.",
            "rate_limit_exceeded",
            "more than 600 requests in a minute: wait 3 s",
        ),
        503: (
            "Not now: the workspace or a provider can't be used.",
            "unavailable",
            "the database is locked: try again",
        ),
    }.items()
}
"""`responses=ERRORS` of every router of the REST API."""


def error_reply(
    status: int,
    message: str,
    code: str = "",
    *,
    fields: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """Make the reply of an error; `code` is a code word, `fields` the list of a 422."""
    word = code or HTTPStatus(status).phrase.lower().replace(" ", "_")
    detail: Any = fields if fields else {"status": word, "message": message, **more}
    return JSONResponse({"error": message, "detail": detail}, status, headers=dict(headers or {}))


def reply_to(error: SdrLabError) -> JSONResponse:
    """Return what a client is told of one of our errors."""
    message = str(error)
    if isinstance(error, ApiError):
        return error_reply(error.status, message, error.code, headers=error.headers, **error.more)
    own_status = getattr(error, "status", None)
    if isinstance(error, ProviderError) and isinstance(own_status, int):  # TwilioError
        code, info = getattr(error, "code", None), getattr(error, "more_info", "")
        return error_reply(own_status, message, "provider_error", twilio_code=code, more_info=info)
    match error:
        case NoRoom():
            return error_reply(503, message, "no_room", headers={"Retry-After": str(ROOM_S)})
        case NotFound():
            return error_reply(404, message, "not_found")
        case Conflict():
            return error_reply(409, message, "conflict")
        case Refused():
            return error_reply(403, message, str(getattr(error, "code", "refused")))
        case FieldError():
            return error_reply(422, message, fields=error.fields)
        case BadInput():
            loc = ["body", *filter(None, error.field.split("."))]
            field = {"loc": loc, "msg": message, "type": "value_error"}
            return error_reply(422, message, fields=[field])
        case ProviderError():
            return error_reply(502, message, "provider_error")
        case StorageError() | MissingPackage():
            return error_reply(503, message, "unavailable", headers={"Retry-After": str(RETRY_S)})
    return error_reply(500, message, "internal_error")


def add_error_handlers(app: FastAPI) -> None:
    """Make every error of the app come in the one shape."""
    app.add_exception_handler(SdrLabError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SdrLabError)
    reply = reply_to(error)
    if reply.status_code >= 500:
        log.error("%s %s: %s", request.method, request.url.path, error)
    return reply


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [field_of(problem) for problem in error.errors()]
    first = fields[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return error_reply(422, f"{place}: {first['msg']}{more}", fields=fields)


def field_of(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return one problem of a request as JSON can hold it, without what was sent."""
    loc, msg, kind = list(problem["loc"]), str(problem["msg"]), str(problem["type"])
    match kind:
        case "json_invalid":  # its last part is a place in the text, not a field
            why = problem.get("ctx", {}).get("error", "")
            where = f", at character {loc[1]}" if loc[1:] else ""
            loc, msg = loc[:1], f"is no JSON{where}: {why}"
        case "model_attributes_type" if loc == ["body"]:
            msg = "give a JSON object, with the header Content-Type: application/json"
        case "extra_forbidden":
            msg = "there is no such field"
        case "value_error":
            msg = msg.removeprefix("Value error, ")
    return {"loc": loc, "msg": msg, "type": kind}


@contextmanager
def about_field(field: str) -> Iterator[None]:
    """Say of what is refused inside which field of the body it is about, unless it says so."""
    try:
        yield
    except BadInput as error:
        error.field = error.field or field
        raise


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail: Any = error.detail
    if isinstance(detail, Mapping):
        message = str(detail.get("message", detail))
        code = str(detail.get("status", ""))
        return error_reply(error.status_code, message, code, headers=error.headers)
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "there is no such endpoint; /docs lists all"
    message = f"{request.method} {request.url.path}: {detail}"
    return error_reply(error.status_code, message, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    mark = secrets.token_hex(4)
    log.error("%s %s [%s]", request.method, request.url.path, mark, exc_info=error)
    message = f"the server made a mistake; its log has the details under {mark}"
    return error_reply(500, message, "internal_error", reference=mark)
