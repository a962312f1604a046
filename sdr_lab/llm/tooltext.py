"""Tool calls written into a reply's text: `[TOOL:name:params]` and `[CONFIRM_TOOL:name:params]`.

`params` is a JSON object, `key=value, key="quoted, value"` pairs, one bare value for a tool
that takes a single argument, or nothing. This is how models without native tool calling (and
the agents of older installations) ask for tools. Markers are never spoken, complete or not.
"""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sdr_lab.records import ToolCall, ToolSpec

LONGEST_MARKER = 2000
"""A marker of more characters is a broken one (a quote was never closed): speech goes on."""

_HEADS = ("[TOOL:", "[CONFIRM_TOOL:")
_MARKER = re.compile(
    r"\[\s*(?P<confirm>CONFIRM_)?TOOL\s*:\s*(?P<name>[a-z_][\w.-]*)\s*(?::(?P<params>.*))?\]",
    re.IGNORECASE | re.DOTALL,
)
_HEAD = re.compile(r"\[(?=\s*(?:CONFIRM_)?TOOL\s*:)", re.IGNORECASE)
_KEY = r"[A-Za-z_][\w-]*"
_PAIR = re.compile(
    rf"\s*(?P<key>{_KEY})\s*=\s*"
    r"(?:\"(?P<double>(?:\\.|[^\"\\])*)\"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<bare>.*?))"
    rf"\s*(?:,\s*(?={_KEY}\s*=)|,?\s*$)",
    re.DOTALL,
)
_OPENS_QUOTE = frozenset("=:,{[(")
_log = logging.getLogger(__name__)


def parse_llm_response(response: str) -> dict[str, Any]:
    """Take a whole reply apart into what is said and what is to be done.

    Returns:
        `{"text": str, "tool_data": dict | None, "tools": list[dict]}`. `text` has no markers.
        `tools` holds `{"tool": name, "parameters": {…}, "confirm": bool}` for each marker in
        order; `tool_data` is the first of them, None when there is none. Malformed markers
        are dropped.

    >>> parse_llm_response('Goodbye! [TOOL:end_call:reason="done"]')["tool_data"]
    {'tool': 'end_call', 'parameters': {'reason': 'done'}, 'confirm': False}
    """
    splitter = ToolTextSplitter()
    parts = [*splitter.push(response), *splitter.close()]
    spoken = "".join(part for part in parts if isinstance(part, str))
    tools = [
        {"tool": part.name, "parameters": dict(part.arguments), "confirm": part.confirm}
        for part in parts
        if isinstance(part, ToolCall)
    ]
    text = re.sub(r"[ \t]{2,}", " ", spoken).strip()
    return {"text": text, "tool_data": tools[0] if tools else None, "tools": tools}


def disarm(text: str) -> str:
    """Make text from outside (caller, documents) unable to act as a tool marker."""
    return _HEAD.sub("(", text)


class ToolTextSplitter:
    """Separates speech from tool markers while the text streams in.

    The result does not depend on where the pieces were cut: it goes character by character.
    Malformed markers are swallowed with a warning in the log.

    Args:
        tools: The tools offered; their schemas decide the types of unquoted values.
    """

    def __init__(self, tools: Sequence[ToolSpec] = ()) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._out: list[str | ToolCall] = []
        self._speech: list[str] = []
        self._reset()

    def push(self, piece: str) -> list[str | ToolCall]:
        """Take the next piece; return the speech and the calls that are certain now."""
        if not self._held and "[" not in piece:
            return [piece] if piece else []
        self._feed(piece)
        return self._take()

    def close(self) -> list[str | ToolCall]:
        """Return what remains at the end of the reply. A half marker is dropped."""
        while self._held:
            if not self._in_body:
                if len(self._held) > 1:
                    self._warn("the reply ended inside it")
                self._reset()
            else:
                self._give_up("the reply ended inside it")
        return self._take()

    def _reset(self) -> None:
        self._held = ""
        self._in_body = False
        self._depth = 0
        self._quote = ""
        self._escaped = False
        self._before = ""

    def _take(self) -> list[str | ToolCall]:
        self._flush()
        out, self._out = self._out, []
        return out

    def _flush(self) -> None:
        if self._speech:
            self._out.append("".join(self._speech))
            self._speech = []

    def _feed(self, text: str) -> None:
        for char in text:
            if self._in_body:
                self._body(char)
            elif self._held:
                self._head(char)
            elif char == "[":
                self._held = char
            else:
                self._speech.append(char)

    def _head(self, char: str) -> None:
        candidate = self._held + char
        compact = "".join(candidate.split()).upper()
        if compact in _HEADS:
            self._held, self._in_body, self._depth, self._before = candidate, True, 1, ":"
        elif any(head.startswith(compact) for head in _HEADS):
            self._held = candidate
        else:
            self._speech.append(self._held)
            self._reset()
            self._feed(char)

    def _body(self, char: str) -> None:
        self._held += char
        if self._quote:
            self._in_quote(char)
        elif char in "\"'" and self._before in _OPENS_QUOTE:
            self._quote = char
        elif char == "[":
            self._depth += 1
        elif char == "]":
            self._depth -= 1
        if not char.isspace():
            self._before = char
        if self._depth == 0:
            self._finish()
        elif len(self._held) > LONGEST_MARKER:
            self._give_up(f"no end within {LONGEST_MARKER} characters")

    def _in_quote(self, char: str) -> None:
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == self._quote:
            self._quote = ""

    def _finish(self) -> None:
        match = _MARKER.fullmatch(self._held)
        arguments = None
        if match:
            params = (match["params"] or "").strip()
            arguments = _arguments(params, self._tools.get(match["name"]))
        if match is None or arguments is None:
            self._warn("not a name and a JSON object or key=value pairs")
        else:
            self._flush()
            self._out.append(ToolCall(match["name"], arguments, bool(match["confirm"])))
        self._reset()

    def _give_up(self, why: str) -> None:
        """Drop the broken marker up to its likeliest end; what follows is speech again."""
        self._warn(why)
        held = self._held
        ends = [at + len(end) for end in ("}]", "]", "\n") if (at := held.find(end)) >= 0]
        self._reset()
        self._feed(held[ends[0] :] if ends else "")

    def _warn(self, why: str) -> None:
        _log.warning("dropped a malformed tool marker (%s): %.120r", why, self._held)


def _arguments(params: str, tool: ToolSpec | None) -> dict[str, Any] | None:
    """Read the parameters of a marker. None: they can't be read."""
    if not params:
        return {}
    if params.startswith("{"):
        return _literal(params)
    pairs = _pairs(params)
    properties: Mapping[str, Any] = (tool.parameters.get("properties") or {}) if tool else {}
    if pairs is not None:
        return {
            key: text if quoted else _value(text, properties.get(key, {}))
            for key, text, quoted in pairs
        }
    only = _only_argument(tool, properties)
    if only is None or params.startswith("["):
        return None
    return {only: _value(params.strip("\"'"), properties[only])}


def _literal(text: str) -> dict[str, Any] | None:
    """A JSON object, or the Python spelling of one (single quotes, True), which models mix up."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        return None
    return value


def _pairs(params: str) -> list[tuple[str, str, bool]] | None:
    """`key=value, …` as (key, text, was quoted). None: it is something else."""
    pairs = []
    at = 0
    while at < len(params):
        match = _PAIR.match(params, at)
        if match is None:
            return None
        quoted = match["double"] if match["double"] is not None else match["single"]
        if quoted is not None:
            pairs.append((match["key"], re.sub(r"\\(.)", r"\1", quoted), True))
        else:
            pairs.append((match["key"], match["bare"], False))
        at = match.end()
    return pairs


def _value(text: str, schema: Mapping[str, Any]) -> Any:
    """An unquoted value: what the schema says; without one, JSON if it is JSON, else text."""
    if schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _only_argument(tool: ToolSpec | None, properties: Mapping[str, Any]) -> str | None:
    if tool is None:
        return None
    required = [name for name in tool.parameters.get("required", ()) if name in properties]
    names = required or list(properties)
    return names[0] if len(names) == 1 else None
