"""What a single key press does: an agent's `keys`."""

from __future__ import annotations

from sdr_lab.records import Agent, ToolCall, ToolResult


def key_call(digits: str, agent: Agent) -> ToolCall | None:
    """Return the tool that these keys ask for; None when they are the caller's words."""
    action, _, department = agent.keys.get(digits, "").partition(":")
    match action:
        case "":
            return None
        case "mark_do_not_call":
            return ToolCall(action, {"reason": f"pressed {digits}"})
        case "transfer_call":
            named = [name for name in agent.departments if name.lower() == department]
            return ToolCall(action, {"department": named[0] if named else department})
        case _:
            return ToolCall(action)


def key_line(result: ToolResult, agent: Agent) -> str:
    """Return what the caller is told when the tool of his key has run."""
    match result.name:
        case "mark_do_not_call" if result.ok:
            return f"{result.content} {agent.goodbye}"
        case "end_call" if result.ok:
            return agent.goodbye
        case "mark_do_not_call" | "transfer_call" if result.ok or result.data.get("error") in (
            "no_number",
            "no_departments",
        ):
            return result.content
        case _:
            return agent.apology
