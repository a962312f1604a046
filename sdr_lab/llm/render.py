"""A `Prompt` as the messages of a chat model.

Order, from what never changes in a call to what changes with each reply, because a model keeps
what it has computed for the longest common beginning of two prompts (on a CPU this decides the
latency of the first token):

1. system: the agent's prompt, lead information, how to write tool calls (models without them);
2. the last turns that fit the budget, caller and agent in turn;
3. system: notes for this reply (phase, intent, passages, pending tool);
4. user: the caller's words, and nothing else: small models that find notes in the user's
   message talk about the caller instead of to him;
5. the results of tools that this reply has run, so that asking again only adds to the end.

The templates of some families (Mistral, Gemma) refuse a second system message; for them the
notes join the first one, at the price of reading the history again for every reply.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sdr_lab.llm.tooltext import disarm
from sdr_lab.records import Message, Passage, Prompt, ToolCall, ToolResult, ToolSpec

CHARS_PER_TOKEN = 4
"""English text in the vocabularies of today's models: 4.0 to 4.6. Other languages need more."""

MESSAGE_TOKENS = 4
"""What a template adds around a message."""

CALL_BEGINS = "[The call begins.]"
"""Stands before a first message of the agent: many templates want the user to begin."""

SILENT = "[The caller says nothing. You speak.]"
"""Stands for words that were not said."""

CUT_IN = "[cuts in; you were heard only up to there]"
"""Marks the caller's message and not the agent's, else the model learns to say the mark."""

_PHASES = {
    "CALL_START": "the call has just begun",
    "DISCOVERY": "you are finding out what the caller needs",
    "ACTIVE": "the conversation is well under way",
}
_NEEDS_FACTS = frozenset({"QUESTION", "OBJECTION"})


def messages_of(
    prompt: Prompt,
    budget_tokens: int,
    *,
    native_tools: bool = True,
    late_notes: bool = True,
) -> list[dict[str, Any]]:
    """Render a prompt for a chat model.

    Args:
        prompt: What is known for this reply.
        budget_tokens: Size of all messages, by `estimate_tokens`. Older turns are left out
            first, whole messages at a time, then the worst passages; the rest always stays.
        native_tools: The model takes tools as schemas and results as role `tool`. False: it
            is told in the system message how to write tool calls as text.
        late_notes: The notes stand before the caller's words. False: in the first message.

    Returns:
        `{"role": "system" | "user" | "assistant" | "tool", "content": str}` each, user and
        assistant in turn; role `tool` also has `tool_name`.
    """
    system = {"role": "system", "content": _system(prompt, native_tools)}
    while prompt.passages and _size([system, *_tail(prompt, native_tools)]) > budget_tokens:
        prompt = replace(prompt, passages=prompt.passages[:-1])
    notes, *said = _tail(prompt, native_tools)
    history = _history(prompt.history, budget_tokens - _size([system, notes, *said]))
    if history and history[0]["role"] == "assistant":
        history.insert(0, {"role": "user", "content": CALL_BEGINS})
    late, early = ([notes], []) if late_notes else ([], [notes])
    messages = [system, *early, *history, *late, *said]
    return _joined([message for message in messages if message["content"]])


def estimate_tokens(text: str) -> int:
    """Guess the number of tokens at no cost: a quarter of the characters, rounded up.

    Within about 15 % for English prose; too low by up to half for numbers and for languages
    other than English. Leave a margin.
    """
    return -(-len(text) // CHARS_PER_TOKEN)


def _size(messages: Sequence[Mapping[str, Any]]) -> int:
    return sum(MESSAGE_TOKENS + estimate_tokens(message["content"]) for message in messages)


def _system(prompt: Prompt, native_tools: bool) -> str:
    parts = [prompt.system.strip()]
    if prompt.variables:
        lines = [f"- {name}: {disarm(value)}" for name, value in prompt.variables.items() if value]
        parts.append("\n".join(["What you know about the lead:", *lines]))
    if prompt.tools and not native_tools:
        parts.append(_tool_lesson(prompt.tools))
    return "\n\n".join(part for part in parts if part)


def _tool_lesson(tools: Sequence[ToolSpec]) -> str:
    lines = [
        "You can use tools. To use one, end your reply with a marker on a line of its own:",
        '[TOOL:name:{"argument": "value"}]',
        "For a tool that says (ask first), ask the caller in one sentence and end with:",
        '[CONFIRM_TOOL:name:{"argument": "value"}]',
        "The caller never hears markers. Never say that something is done before its result"
        " is there. The tools:",
    ]
    return "\n".join([*lines, *(_tool_line(tool) for tool in tools)])


def _tool_line(tool: ToolSpec) -> str:
    required = tool.parameters.get("required", ())
    arguments = [
        f"{name}{'' if name in required else ' (optional)'}: "
        f"{schema.get('description') or schema.get('type', 'any')}"
        for name, schema in (tool.parameters.get("properties") or {}).items()
    ]
    ask = " (ask first)" if tool.confirm else ""
    takes = f" Arguments: {'; '.join(arguments)}." if arguments else " No arguments."
    return f"- {tool.name}{ask}: {tool.description.rstrip('.')}.{takes}"


def _history(history: Sequence[Message], budget_tokens: int) -> list[dict[str, Any]]:
    """The newest messages that fit, oldest first."""
    rendered = []
    cut_in = False
    for message in history:
        text = disarm(message.text.strip())
        if message.role == "agent":
            cut_in = message.interrupted
            text = f"{text} …" if text and message.interrupted else text
        elif cut_in:
            text, cut_in = f"{CUT_IN} {text}", False
        if text:
            role = "assistant" if message.role == "agent" else "user"
            rendered.append({"role": role, "content": text})
    kept: list[dict[str, Any]] = []
    for message in reversed(rendered):
        budget_tokens -= _size([message])
        if budget_tokens < 0:
            break
        kept.insert(0, message)
    return kept


def _tail(prompt: Prompt, native_tools: bool) -> list[dict[str, Any]]:
    """The notes for this reply, the caller's words, and the results of the reply's tools."""
    words = disarm(prompt.words.strip()) or SILENT
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": _notes(prompt)},
        {"role": "user", "content": words},
    ]
    for result in prompt.results:
        if native_tools:
            content = _outcome(result)
            messages.append({"role": "tool", "tool_name": result.name, "content": content})
        else:
            content = f"[Result of the tool {result.name}] {_outcome(result)}"
            messages.append({"role": "user", "content": content})
    if prompt.results and not native_tools:
        lesson = "[Now tell the caller, in your own words. Do not use that tool again.]"
        messages.append({"role": "user", "content": lesson})
    return messages


def _outcome(result: ToolResult) -> str:
    content = disarm(result.content.strip())
    return content if result.ok else f"It failed: {content}"


def _notes(prompt: Prompt) -> str:
    lines = [
        f"Phase of the call: {prompt.phase} ({_PHASES[prompt.phase]}).",
    ]
    if prompt.intent.name != "OTHER":
        lines.append(f"The caller's intent seems to be {prompt.intent.name}.")
    if prompt.history and prompt.history[-1].role == "agent" and prompt.history[-1].interrupted:
        lines.append("The caller cut you off; only what stands above was heard.")
    if prompt.pending is not None:
        lines.append(_pending(prompt.pending))
    lines.extend(_facts(prompt))
    return "\n".join(lines)


def _pending(call: ToolCall) -> str:
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False, default=str)
    return (
        f"You asked the caller to confirm {call.name} {arguments}. It has not been done. "
        "Unless the caller has plainly said yes or no, ask again."
    )


def _facts(prompt: Prompt) -> list[str]:
    if prompt.passages:
        lead = (
            "Use only these facts about the company and its products. If the answer is not in "
            "them, say that you don't know and offer a follow-up:"
        )
        return [lead, *(_fact(i, passage) for i, passage in enumerate(prompt.passages, 1))]
    if prompt.intent.name in _NEEDS_FACTS and not prompt.results:
        return [
            "Nothing was found about this. Use only what your instructions say; if the answer "
            "is not in them, say that you don't know and offer a follow-up."
        ]
    return []


def _fact(number: int, passage: Passage) -> str:
    text = " ".join(disarm(passage.text).split())
    title = f"{passage.title}: " if passage.title else ""
    return f"{number}. {title}{text}"


def _joined(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours of one role as one message: many templates insist on turns."""
    joined: list[dict[str, Any]] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"] != "tool":
            content = f"{joined[-1]['content']}\n\n{message['content']}"
            joined[-1] = {**joined[-1], "content": content}
        else:
            joined.append(dict(message))
    return joined
