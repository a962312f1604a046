"""What a call has come to: summary, success criteria, collected values.

A call whose agent talks through Ollama is judged by that model, held to a JSON schema; every other
call, and one whose model fails, by rules (`analysis_rules.py`), which say `unknown` where they
can't tell. What was done (booked, transferred, taken off the list) always comes from the tools
that ran, never from a model.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sdr_lab.config import Settings
from sdr_lab.errors import NotFound, ProviderError
from sdr_lab.events import CallEnded, Event, IntentFound, ToolFinished
from sdr_lab.lab import Lab
from sdr_lab.live.account import events_of
from sdr_lab.live.analysis_rules import by_rules, successful
from sdr_lab.live.analysis_schema import SYSTEM, question_of, schema_of
from sdr_lab.records import Agent
from sdr_lab.store.folder import Conversation, Turn

log = logging.getLogger(__name__)

TRIES = 2
TRY_S = 45.0
"""A local model of 8 billion parameters takes some ten seconds for a call of minutes."""

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """A call that is over, with what it is judged by."""

    call: Conversation
    agent: Agent
    turns: tuple[Turn, ...]
    tools: tuple[ToolFinished, ...]
    intents: tuple[str, ...]
    """Of the caller, in order."""
    has_ended: bool = False
    """The call itself said that it was over."""


def finished(lab: Lab, key: str) -> Finished:
    """Read a call. Blocks.

    Raises:
        NotFound: there is no such call.
    """
    call = lab.calls.get(key)
    return of_events(call, agent_of(lab, call), events_of(call))


def of_events(call: Conversation, agent: Agent, events: Sequence[Event]) -> Finished:
    """Take from the events of a call what it is judged by."""
    return Finished(
        call=call,
        agent=agent,
        turns=call.turns,
        tools=tuple(event for event in events if isinstance(event, ToolFinished)),
        intents=tuple(event.intent for event in events if isinstance(event, IntentFound)),
        has_ended=any(isinstance(event, CallEnded) for event in events),
    )


def agent_of(lab: Lab, call: Conversation) -> Agent:
    """Return the agent as it was in a call; one that is unknown here is judged by nothing."""
    try:
        return lab.agents.at_version(call.agent_id, call.agent_version)
    except NotFound:
        return Agent(call.agent_id, call.agent_name, call.agent_version, "", "")


async def analyse(done: Finished, settings: Settings, timeout_s: float = TRY_S) -> Result:
    """Return the analysis of a call in the SDK's shape, with `disposition`, `method` beside."""
    result: Result = await asyncio.to_thread(by_rules, done)
    method, problem = "rules", ""
    if done.call.llm == "ollama" and any(turn.role == "caller" for turn in done.turns):
        try:
            result = await _by_ollama(done, settings, result, timeout_s)
            method = f"ollama:{done.agent.model or settings.ollama_model}"
        except ProviderError as error:
            problem = str(error)
            log.warning("call %s is judged by rules: %s", done.call.id, problem)
    return {
        **result,
        "disposition": done.call.outcome or None,
        "tool_names": list(dict.fromkeys(tool.name for tool in done.tools)),
        "method": method,
        "problem": problem or None,
        "analysed_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


async def _by_ollama(
    done: Finished, settings: Settings, rules: Result, timeout_s: float
) -> dict[str, Any]:
    from sdr_lab.llm.ollama import Ollama
    from sdr_lab.llm.ollama_json import ask_json

    model = Ollama(done.agent.model or settings.ollama_model, settings.ollama_host)
    schema = schema_of(done.agent)
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": question_of(done)},
    ]
    for left in reversed(range(TRIES)):
        try:
            answer = await ask_json(model, messages, schema, timeout_s)
            return merged(done, rules, answer)
        except ProviderError as error:
            if not left:
                raise
            log.info("call %s: asking again: %s", done.call.id, error)
            await asyncio.sleep(0)
    raise AssertionError("unreachable")


def merged(done: Finished, rules: Result, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Put a model's answer into the shape of an analysis."""
    agent = done.agent
    criteria = {
        key: {"criteria_id": key, "result": said["result"], "rationale": said["rationale"]}
        for key, said in answer.get("criteria", {}).items()
    }
    data = {
        key: {
            "data_collection_id": key,
            "value": said["value"],
            "rationale": said["rationale"],
            "json_schema": dict(agent.data_collection[key]),
        }
        for key, said in answer.get("data", {}).items()
    }
    results = [entry["result"] for entry in criteria.values()]
    return {
        **rules,
        "call_successful": successful(done, results),
        "transcript_summary": answer["summary"].strip(),
        "call_summary_title": answer["title"].strip()[:80],
        "evaluation_criteria_results": criteria,
        "data_collection_results": data,
    }
