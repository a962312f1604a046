"""What a single key press does: an agent's `keys`."""

from __future__ import annotations

from sdr_lab.records import Agent, ToolCall


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
