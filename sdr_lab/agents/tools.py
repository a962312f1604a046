"""What an agent may do besides talking."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sdr_lab.agents.spoken import spoken_day, spoken_moment, spoken_moments
from sdr_lab.agents.tool_specs import ALWAYS_ALLOWED, SPECS, problem_with, spec_for
from sdr_lab.agents.web_tool import WebToolRunner
from sdr_lab.errors import SdrLabError, SlotTaken
from sdr_lab.records import (
    Agent,
    Booking,
    Intent,
    Passage,
    Prompt,
    ToolCall,
    ToolResult,
    ToolSpec,
)

MEETING_MINUTES = 30
OFFERS = 3
"""Times named at once: more can't be kept in mind on the phone."""
SEARCH_DAYS = 14
"""How far ahead free times are looked for."""


class Calendar(Protocol):
    """The appointments of all agents."""

    async def free_slots(self, agent_id: str, day: date, time_zone: str) -> list[datetime]:
        """Return the starts of the free slots of a day, in that time zone, earliest first."""
        ...

    async def book(
        self,
        agent_id: str,
        conversation_id: str,
        start: datetime,
        minutes: int,
        name: str,
        email: str,
        topic: str,
        idempotency_key: str,
    ) -> Booking:
        """Make an appointment. The same key again returns the same booking.

        Raises:
            SlotTaken: someone else has the time, or it is outside the hours.
        """
        ...


class DoNotCall(Protocol):
    """The numbers that must never be called."""

    async def add(self, number: str, reason: str, conversation_id: str) -> None:
        """Add a number (E.164). Adding it twice is no error."""
        ...

    async def contains(self, number: str) -> bool: ...


class Search(Protocol):
    """The knowledge base."""

    async def search(self, query: str, top_k: int = 3) -> list[Passage]: ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The call in which a tool runs."""

    agent: Agent
    conversation_id: str
    now: datetime
    """The present time, with a zone."""
    caller_number: str = ""
    """E.164, empty when unknown."""
    caller_name: str = ""
    caller_email: str = ""
    turn: int = 0
    is_key: bool = False
    """The caller pressed the key to which the agent's owner has given this tool: it needs no
    other leave."""


def forced_tool(intent: Intent, prompt: Prompt) -> ToolCall | None:
    """Return the tool that runs before the model is asked, whatever the model would say.

    A caller who wants no more calls is put on the do-not-call list; once per reply.
    """
    done = any(result.name == "mark_do_not_call" for result in prompt.results)
    if intent.name != "DO_NOT_CALL" or done:
        return None
    arguments: dict[str, Any] = {"reason": prompt.words.strip()[:200] or "asked not to be called"}
    if prompt.slots.phone:
        arguments["phone"] = prompt.slots.phone
    return ToolCall("mark_do_not_call", arguments)


@dataclass
class Toolbox:
    """Runs tools. What goes wrong as expected comes back as `ok=False`, never as an exception."""

    calendar: Calendar
    do_not_call: DoNotCall
    search: Search
    meeting_minutes: int = MEETING_MINUTES
    web: Sequence[WebToolRunner] = ()
    """Tools of this agent that ask other servers; a built-in one of the same name wins."""
    _runs: dict[str, Callable[[Mapping[str, Any], ToolContext], Awaitable[ToolResult]]] = field(
        init=False, repr=False
    )

    def __post_init__(self) -> None:
        self._runs = {
            "search_knowledge_base": self._search,
            "find_free_times": self._find_free_times,
            "book_appointment": self._book,
            "note_follow_up": self._note_follow_up,
            "mark_do_not_call": self._mark_do_not_call,
            "transfer_call": self._transfer,
            "end_call": self._end_call,
        }

    def specs(self, agent: Agent) -> tuple[ToolSpec, ...]:
        """Return the tools of an agent as a model sees them."""
        names = dict.fromkeys((*agent.tools, *ALWAYS_ALLOWED))
        built_in = (spec_for(name, agent) for name in SPECS if name in names)
        return (*built_in, *(tool.spec for tool in self.web if tool.spec.name not in SPECS))

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Run a tool.

        Returns:
            `ok=False` with a sentence for the model when the tool is unknown, not switched on
            for the agent, called with wrong arguments, or could not do what was asked.
        """
        for tool in self.web:
            if tool.spec.name == call.name and call.name not in SPECS:
                return await tool.run(call.arguments, context.conversation_id)
        run = self._runs.get(call.name)
        allowed = [spec.name for spec in self.specs(context.agent)]
        if run is None or not (call.name in allowed or context.is_key):
            known = "unknown" if run is None else "not switched on for this agent"
            content = f"The tool {call.name} is {known}; allowed: {', '.join(allowed)}."
            return ToolResult(call.name, False, content)
        arguments = {k: v for k, v in call.arguments.items() if v is not None}
        problem = problem_with(spec_for(call.name, context.agent), arguments)
        if problem is not None:
            return ToolResult(call.name, False, problem, {"error": "arguments"})
        try:
            return await run(arguments, context)
        except SlotTaken as taken:
            return self._taken(arguments, taken, context)
        except SdrLabError as error:
            return ToolResult(
                call.name, False, "That did not work just now.", {"error": str(error)}
            )

    async def _search(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        found = await self.search.search(arguments["query"], arguments.get("top_k", 3))
        data = {"passages": [{"id": p.id, "source": p.source, "text": p.text} for p in found]}
        if not found:
            content = "Nothing was found on that. Say that you do not know."
            return ToolResult("search_knowledge_base", True, content, data)
        content = "\n\n".join(passage.text for passage in found)
        return ToolResult("search_knowledge_base", True, content, data)

    async def _find_free_times(
        self, arguments: Mapping[str, Any], context: ToolContext
    ) -> ToolResult:
        zone = ZoneInfo(context.agent.time_zone)
        now = context.now.astimezone(zone)
        wanted = date.fromisoformat(arguments["day"]) if "day" in arguments else None
        part = arguments.get("part_of_day")
        free = await self._free_from(wanted or now.date(), part, context, one_day=bool(wanted))
        if wanted is not None and not free:
            later = await self._free_from(wanted, None, context, one_day=False)
            return _none_free(wanted, part, later[:OFFERS])
        if not free:
            return ToolResult("find_free_times", False, "There is no free time in the next weeks.")
        offers = _spread(free)
        content = f"I have {spoken_moments(offers)}."
        return ToolResult("find_free_times", True, content, _times(offers))

    async def _free_from(
        self, first: date, part: str | None, context: ToolContext, one_day: bool
    ) -> list[datetime]:
        """Return free times from a day on, at most a few, none in the past."""
        zone = ZoneInfo(context.agent.time_zone)
        found: list[datetime] = []
        for ahead in range(1 if one_day else SEARCH_DAYS):
            day = first + timedelta(days=ahead)
            slots = await self.calendar.free_slots(context.agent.id, day, context.agent.time_zone)
            local = [slot.astimezone(zone) for slot in slots]
            found += [s for s in local if s > context.now and (part is None or _part(s) == part)]
            if not one_day and len(found) >= OFFERS:
                break
        return found

    async def _book(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        start = _start_of(arguments["start"], context.agent.time_zone)
        if start <= context.now:
            later = await self._free_from(
                context.now.astimezone(start.tzinfo).date(), None, context, one_day=False
            )
            content = f"{_capital(spoken_moment(start))} is in the past. {_offer(later[:OFFERS])}"
            data = {"error": "past", **_times(later[:OFFERS])}
            return ToolResult("book_appointment", False, content.strip(), data)
        booking = await self.calendar.book(
            context.agent.id,
            context.conversation_id,
            start,
            self.meeting_minutes,
            arguments.get("name") or context.caller_name,
            arguments.get("email") or context.caller_email,
            arguments.get("topic", ""),
            # who calls again about the same time means the same appointment
            f"{context.agent.id}:{context.caller_number or context.conversation_id}:"
            f"{start.isoformat()}",
        )
        at = booking.start.astimezone(start.tzinfo)
        data = {
            "booking_id": booking.id,
            "start": at.isoformat(),
            "minutes": booking.minutes,
            "ics_path": booking.ics_path,
        }
        content = f"You're booked for {spoken_moment(at)}."
        return ToolResult("book_appointment", True, content, data)

    def _taken(
        self, arguments: Mapping[str, Any], taken: SlotTaken, context: ToolContext
    ) -> ToolResult:
        start = _start_of(arguments["start"], context.agent.time_zone)
        near = [t.astimezone(start.tzinfo) for t in taken.alternatives[:OFFERS]]
        content = f"{spoken_moment(start)} is not free. {_offer(sorted(near))}".strip()
        data = {"error": "taken", "wanted": start.isoformat(), **_times(sorted(near))}
        return ToolResult("book_appointment", False, content, data)

    async def _note_follow_up(
        self, arguments: Mapping[str, Any], context: ToolContext
    ) -> ToolResult:
        """Leave a note for a colleague in the record of the call (the event `ToolFinished`)."""
        data = {
            "about": arguments["about"],
            "email": arguments.get("email") or context.caller_email,
            "phone": arguments.get("phone") or context.caller_number,
            "when": arguments.get("when", ""),
        }
        content = "I've noted that for a colleague."
        if data["when"]:
            when = _start_of(data["when"], context.agent.time_zone)
            said = spoken_day(when) if _is_day(data["when"]) else spoken_moment(when)
            content = f"I've noted that for {said}."
        return ToolResult("note_follow_up", True, content, data)

    async def _mark_do_not_call(
        self, arguments: Mapping[str, Any], context: ToolContext
    ) -> ToolResult:
        number = arguments.get("phone") or context.caller_number
        if not number:
            content = "I could not see your number. Which number should I take off the list?"
            return ToolResult("mark_do_not_call", False, content, {"error": "no_number"})
        reason = arguments.get("reason", "")
        await self.do_not_call.add(number, reason, context.conversation_id)
        if context.caller_number and context.caller_number != number:
            await self.do_not_call.add(context.caller_number, reason, context.conversation_id)
        content = "Your number is on our do-not-call list now."
        return ToolResult("mark_do_not_call", True, content, {"number": number})

    async def _transfer(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        departments = context.agent.departments
        if not departments:
            content = "There is nobody I can connect you to right now."
            return ToolResult("transfer_call", False, content, {"error": "no_departments"})
        wanted = arguments.get("department") or next(iter(departments))
        name = next((d for d in departments if d.lower() == str(wanted).lower()), None)
        if name is None:
            content = f"There is no {wanted} department; allowed: {', '.join(departments)}."
            return ToolResult("transfer_call", False, content, {"error": "department"})
        content = f"I'm connecting you to {name} now."
        data = {"department": name}
        return ToolResult("transfer_call", True, content, data, transfers_to=departments[name])

    async def _end_call(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        data = {"reason": arguments.get("reason", "")}
        return ToolResult("end_call", True, "Say goodbye now.", data, ends_call=True)


def _start_of(text: str, time_zone: str) -> datetime:
    """Return an ISO time in the agent's zone; one without an offset is meant there."""
    start = datetime.fromisoformat(text)
    zone = ZoneInfo(time_zone)
    return start.replace(tzinfo=zone) if start.tzinfo is None else start.astimezone(zone)


def _is_day(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None


def _part(when: datetime) -> str:
    return "morning" if when.hour < 12 else "afternoon" if when.hour < 17 else "evening"


def _spread(free: list[datetime]) -> list[datetime]:
    """Return a few times spread over all, so that one of them may suit."""
    if len(free) <= OFFERS:
        return free
    step = (len(free) - 1) / (OFFERS - 1)
    return [free[round(index * step)] for index in range(OFFERS)]


def _none_free(day: date, part: str | None, later: list[datetime]) -> ToolResult:
    named = f"{spoken_day(day)} in the {part}" if part else spoken_day(day)
    content = f"I have nothing free on {named}. {_offer(later)}".strip()
    return ToolResult("find_free_times", False, content, {"error": "none_free", **_times(later)})


def _offer(times: list[datetime]) -> str:
    return f"I could do {spoken_moments(times, 'or')}." if times else ""


def _times(times: list[datetime]) -> dict[str, Any]:
    return {"free": [moment.isoformat() for moment in times]}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
