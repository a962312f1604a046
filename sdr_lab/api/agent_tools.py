"""The SDK's system tools and success criteria, and what they are here.

`end_call` is a tool of the same name; `transfer_to_number` is `transfer_call` with its departments;
`voicemail_detection` is `on_voicemail`. Criteria are a list there and a mapping here. What has no
place in the record is kept in `Agent.extra["kept"]` and given back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sdr_lab.api.agent_places import BUILT_IN_TOOLS, CRITERIA, Loc
from sdr_lab.api.errors import FieldError
from sdr_lab.records import Agent

KEPT = "kept"

OURS = {"end_call": "end_call", "transfer_to_number": "transfer_call"}
"""System tool of the SDK → our tool."""

VOICEMAIL = "voicemail_detection"

Kept = dict[str, dict[str, Any]]
"""Name → what else the client said of it."""


def read_transfers(config: Mapping[str, Any]) -> tuple[dict[str, str] | None, Kept]:
    """Return departments and the rest of each transfer; None when none are named."""
    loc = (*BUILT_IN_TOOLS, "transfer_to_number", "params", "transfers")
    transfers = _params(config).get("transfers")
    if transfers is None:
        return None, {}
    if not isinstance(transfers, Sequence) or isinstance(transfers, str):
        raise FieldError(("body", *loc), f"{'.'.join(loc)}: got no list, allowed: transfers")
    departments: dict[str, str] = {}
    kept: Kept = {}
    for index, transfer in enumerate(transfers):
        place = ("body", *loc, index)
        if not isinstance(transfer, Mapping):
            raise FieldError(place, f"transfer {index}: got no object")
        rest = dict(transfer)
        target = rest.pop("transfer_destination", None)
        phone = rest.pop("phone_number", None)  # the older form
        if isinstance(target, Mapping) and target.get("type", "phone") == "phone":
            phone = target.get("phone_number")
        if not isinstance(phone, str):
            told = "allowed: transfer_destination with type `phone` and phone_number"
            raise FieldError(place, f"transfer {index}: it names no phone number, {told}")
        name = str(rest.pop("condition", "") or f"transfer {index + 1}")
        if name in departments:
            raise FieldError(place, f"transfer {index}: a second one with condition {name!r}")
        departments[name] = phone
        kept[name] = rest
    return departments, kept


def shown_transfers(agent: Agent, kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the departments as the SDK has them."""
    return [
        {
            **kept.get(name, {}),
            "transfer_destination": {"type": "phone", "phone_number": number},
            "condition": name,
        }
        for name, number in agent.departments.items()
    ]


def read_voicemail(config: Any) -> dict[str, Any]:
    """Return the fields that `voicemail_detection` says something of."""
    if config is None:
        return {"on_voicemail": "ignore"}
    if message := _params(config).get("voicemail_message"):
        return {"on_voicemail": "leave_message", "voicemail_message": message}
    return {"on_voicemail": "hang_up"}


def read_tools(built_in: Any) -> tuple[dict[str, Any], dict[str, bool], Kept, dict[str, Any]]:
    """Read `built_in_tools`.

    Returns:
        Fields of the record; our tools that it switches on or off; what to keep of those tools
        and of transfers; the tools that this server does not have.
    """
    if built_in is None:
        return {}, {}, {}, {}
    if not isinstance(built_in, Mapping):
        told = f"{'.'.join(BUILT_IN_TOOLS)}: got {type(built_in).__name__}, allowed: an object"
        raise FieldError(("body", *BUILT_IN_TOOLS), told)
    others = dict(built_in)
    fields: dict[str, Any] = {}
    switched: dict[str, bool] = {}
    kept: Kept = {}
    for theirs, ours in OURS.items():
        if theirs not in others:
            continue
        config = others.pop(theirs)
        switched[ours] = config is not None
        if config is None:
            continue
        kept.setdefault("tools", {})[theirs] = _rest(theirs, config, "transfers")
        if theirs == "transfer_to_number":
            departments, rest = read_transfers(config)
            if departments is not None:
                fields["departments"] = departments
                kept["transfers"] = rest
    if VOICEMAIL in others:
        config = others.pop(VOICEMAIL)
        fields |= read_voicemail(config)
        if config is not None:
            kept.setdefault("tools", {})[VOICEMAIL] = _rest(VOICEMAIL, config, "voicemail_message")
    return fields, switched, kept, others


def shown_tools(agent: Agent) -> dict[str, Any]:
    """Return our tools as the SDK has them; those that are off are left out."""
    kept = agent.extra.get(KEPT, {})
    configs = kept.get("tools", {})
    shown: dict[str, Any] = {}
    for theirs, ours in OURS.items():
        if ours in agent.tools:
            shown[theirs] = _config(configs, theirs)
    if "transfer_to_number" in shown:
        transfers = shown_transfers(agent, kept.get("transfers", {}))
        shown["transfer_to_number"]["params"]["transfers"] = transfers
    has_message = agent.on_voicemail == "leave_message" and agent.voicemail_message
    if has_message or agent.on_voicemail == "hang_up":  # a message of nothing can't be said there
        config = shown[VOICEMAIL] = _config(configs, VOICEMAIL)
        if has_message:
            config["params"]["voicemail_message"] = agent.voicemail_message
    return shown


def read_criteria(criteria: Any) -> tuple[dict[str, str], Kept]:
    """Return success criteria by id, and the rest of each."""
    loc: Loc = CRITERIA
    if not isinstance(criteria, Sequence) or isinstance(criteria, str):
        raise FieldError(("body", *loc), f"{'.'.join(loc)}: got no list, allowed: criteria")
    found: dict[str, str] = {}
    kept: Kept = {}
    for index, criterion in enumerate(criteria):
        place = ("body", *loc, index)
        if not isinstance(criterion, Mapping):
            raise FieldError(place, f"criterion {index}: got no object")
        rest = dict(criterion)
        if rest.get("type") == "prompt":
            del rest["type"]
        name, goal = rest.pop("id", None), rest.pop("conversation_goal_prompt", None)
        if not isinstance(name, str) or not isinstance(goal, str):
            told = "it needs the texts id and conversation_goal_prompt"
            raise FieldError(place, f"criterion {index}: {told}")
        if name in found:
            raise FieldError(place, f"criterion {index}: a second one with id {name!r}")
        found[name] = goal
        kept[name] = {k: v for k, v in rest.items() if (k, v) != ("name", name)}
    return found, kept


def shown_criteria(agent: Agent) -> list[dict[str, Any]]:
    """Return success criteria as the SDK has them."""
    kept = agent.extra.get(KEPT, {}).get("criteria", {})
    return [
        {
            "name": name,
            "type": "prompt",
            **kept.get(name, {}),
            "id": name,
            "conversation_goal_prompt": goal,
        }
        for name, goal in agent.evaluation.items()
    ]


def _params(config: Any) -> Mapping[str, Any]:
    params = config.get("params") if isinstance(config, Mapping) else None
    return params if isinstance(params, Mapping) else {}


def _blank(name: str) -> dict[str, Any]:
    return {"type": "system", "name": name, "description": ""}


def _config(configs: Mapping[str, Any], name: str) -> dict[str, Any]:
    config = {**_blank(name), **configs.get(name, {})}
    return config | {"params": {"system_tool_type": name, **_params(config)}}


def _rest(name: str, config: Any, held: str) -> dict[str, Any]:
    """Return what must be kept of a tool's config: not what the record holds, nor the usual."""
    if not isinstance(config, Mapping):
        return {}
    usual = _blank(name)
    rest = {k: v for k, v in config.items() if k != "params" and (k not in usual or v != usual[k])}
    params = {k: v for k, v in _params(config).items() if k != held}
    if params.get("system_tool_type") == name:
        del params["system_tool_type"]
    return {**rest, "params": params} if params else rest
