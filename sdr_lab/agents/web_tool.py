"""A tool of one agent that calls somebody's web service."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema
import jsonschema.exceptions

from sdr_lab.agents.public_web import PublicWeb, WebReply, check_url
from sdr_lab.agents.tool_specs import BUILT_IN, REFERS, problem_with
from sdr_lab.errors import BadInput, ProviderError, Refused, SdrLabError
from sdr_lab.records import ToolResult, ToolSpec, WebTool

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
IN_QUERY = ("GET", "DELETE")
"""Methods whose arguments go into the address."""

OWN_HEADERS = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding")
"""Set by us: others would change what is sent, or where."""

MAX_BYTES = 65_536
"""Of a reply; more is cut off."""
MAX_CHARS = 2_000
"""Of a reply that a model is told: more costs time to read, and pushes out the conversation."""
READABLE = ("json", "text/", "xml")
MAX_SCHEMA_CHARS = 10_000
TIMEOUTS_S = (0.5, 30.0)


@dataclass(frozen=True)
class WebToolRunner:
    """Runs one web tool."""

    tool: WebTool
    web: PublicWeb

    @property
    def spec(self) -> ToolSpec:
        """The tool as a model sees it."""
        tool = self.tool
        return ToolSpec(tool.name, tool.description, tool.parameters, tool.confirm)

    async def run(self, arguments: Mapping[str, Any], conversation_id: str = "") -> ToolResult:
        """Call the service. What goes wrong comes back as `ok=False`; nothing holds a header."""
        tool = self.tool
        arguments = {name: value for name, value in arguments.items() if value is not None}
        problem = problem_with(self.spec, arguments)
        if problem is not None:
            return ToolResult(tool.name, False, problem, {"error": "arguments"})
        try:
            reply = await self._ask(arguments, conversation_id)
        except SdrLabError as error:
            return ToolResult(
                tool.name, False, "That did not work just now.", {"error": _reason(error)}
            )
        return result_of(tool.name, reply)

    async def _ask(self, arguments: Mapping[str, Any], conversation_id: str) -> WebReply:
        tool = self.tool
        url, body = tool.url, None
        headers = {"Accept": "application/json, text/plain", "X-Conversation-Id": conversation_id}
        headers |= {k: v for k, v in tool.headers.items() if k.lower() not in OWN_HEADERS}
        if tool.method in IN_QUERY:
            url = with_query(url, arguments)
        else:
            headers["Content-Type"] = "application/json"
            body = json.dumps(dict(arguments), ensure_ascii=False).encode()
        return await self.web.fetch(
            tool.method,
            url,
            headers=headers,
            body=body,
            timeout_s=tool.timeout_s,
            max_bytes=MAX_BYTES,
        )


def result_of(name: str, reply: WebReply) -> ToolResult:
    """Return what a model is told of a reply."""
    data: dict[str, Any] = {"status": reply.status}
    if 300 <= reply.status < 400:
        return ToolResult(name, False, "That did not work just now.", {"error": "redirect", **data})
    content = shown(reply)
    if not 200 <= reply.status < 300:
        said = f"The service answered {reply.status}. {content}".strip()
        return ToolResult(name, False, said[:MAX_CHARS], {"error": "status", **data})
    return ToolResult(name, True, content or "Done.", data)


def shown(reply: WebReply) -> str:
    """Return a reply as text of at most `MAX_CHARS`, JSON without needless blanks; a reply that
    is no text (a picture, something packed) is empty."""
    kind = reply.headers.get("content-type", "text/plain").lower()
    if not any(word in kind for word in READABLE):
        return ""
    text = "".join(c for c in reply.text if c.isprintable() or c in "\n\t").strip()
    try:
        value = json.loads(reply.text)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        pass
    text = text.encode("utf-8", "replace").decode()  # JSON can smuggle in half characters
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"


def with_query(url: str, arguments: Mapping[str, Any]) -> str:
    """Return an address with the arguments in its query, behind what it has there already."""
    from urllib.parse import urlencode, urlsplit, urlunsplit

    pairs = [
        (key, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False))
        for key, value in arguments.items()
        for item in (value if isinstance(value, list) else [value])
    ]
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(pairs)) if part)
    return urlunsplit(parts._replace(query=query, fragment=""))


def check_web_tool(tool: WebTool, allow_private: bool = False) -> None:
    """Refuse a tool that could never run, before it is kept.

    Raises:
        BadInput: its name, address, headers, time-out or schema is not allowed.
        Refused: its address is not https, or not public.
    """
    if not NAME.fullmatch(tool.name):
        told = f"tool name: got {tool.name!r}, allowed: a-z, 0-9 and _, 64 at most"
        raise BadInput(told, "name")
    if tool.name in BUILT_IN:
        raise BadInput(f"tool name: {tool.name} is built in; take another", "name")
    if not tool.description.strip():
        told = f"tool {tool.name}: a description tells the model when to use it"
        raise BadInput(told, "description")
    if tool.method not in METHODS:
        raise BadInput(f"tool {tool.name}: method {tool.method!r}, allowed: {', '.join(METHODS)}")
    low, high = TIMEOUTS_S
    if not low <= tool.timeout_s <= high:
        raise BadInput(f"tool {tool.name}: timeout {tool.timeout_s:g} s, allowed: {low}-{high}")
    check_url(tool.url, allow_private)
    _check_headers(tool)
    _check_schema(tool)


def _check_headers(tool: WebTool) -> None:
    for name, value in tool.headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", name):
            raise BadInput(f"tool {tool.name}: {name!r} is no header name", "headers")
        if name.lower() in OWN_HEADERS:
            raise BadInput(
                f"tool {tool.name}: the header {name} is set by the server itself", "headers"
            )
        if not value.isprintable() or len(value) > 4_000:
            raise BadInput(
                f"tool {tool.name}: the value of header {name} is not allowed", "headers"
            )


def _check_schema(tool: WebTool) -> None:
    schema = dict(tool.parameters)
    if schema.get("type") != "object" or not isinstance(schema.get("properties", {}), Mapping):
        raise BadInput(
            f"tool {tool.name}: parameters: a JSON schema of type object is expected", "parameters"
        )
    try:
        text = json.dumps(schema)
    except (RecursionError, ValueError):
        raise BadInput(f"tool {tool.name}: parameters: nested too deeply", "parameters") from None
    if len(text) > MAX_SCHEMA_CHARS:
        raise BadInput(
            f"tool {tool.name}: parameters: more than {MAX_SCHEMA_CHARS} characters", "parameters"
        )
    if '"$ref": "' in text.replace('"$ref": "#', ""):
        raise BadInput(
            f"tool {tool.name}: parameters: $ref may point into the schema only", "parameters"
        )
    if '"patternProperties": ' in text:  # names by pattern can't be given up when they take long
        raise BadInput(
            f"tool {tool.name}: parameters: patternProperties is not allowed", "parameters"
        )
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.exceptions.SchemaError as error:
        raise BadInput(f"tool {tool.name}: parameters: {error.message}", "parameters") from None
    problem = problem_with(ToolSpec(tool.name, tool.description, schema), {})
    if problem is not None and REFERS in problem:
        raise BadInput(f"tool {problem}", "parameters")


def _reason(error: SdrLabError) -> str:
    return (
        error.reason
        if isinstance(error, ProviderError)
        else ("refused" if isinstance(error, Refused) else str(error))
    )
