from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sdr_lab.agents.memory import MemoryCalendar, MemoryDoNotCall
from sdr_lab.agents.tool_specs import BUILT_IN, SPECS, problem_with
from sdr_lab.agents.tools import SlotTaken, Toolbox, ToolContext, forced_tool
from sdr_lab.errors import StorageError
from sdr_lab.records import Agent, Intent, Passage, Prompt, Slots, ToolCall, ToolResult

CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=CHICAGO)
AGENT = Agent(
    id="joe",
    name="Joe",
    version=1,
    system_prompt="",
    first_message="",
    time_zone="America/Chicago",
    tools=BUILT_IN,
    departments={"sales": "+13125550140", "billing": "+13125550142"},
)
CONTEXT = ToolContext(AGENT, "call-1", NOW, caller_number="+13125550123")


class OneSearch:
    def __init__(self, *passages: Passage) -> None:
        self.passages = list(passages)
        self.asked: list[tuple[str, int]] = []

    async def search(self, query: str, top_k: int = 3) -> list[Passage]:
        self.asked.append((query, top_k))
        return self.passages[:top_k]


class BrokenCalendar(MemoryCalendar):
    async def book(self, *args: Any, **kwargs: Any) -> Any:
        raise StorageError("disk full")


@pytest.fixture
def calendar() -> MemoryCalendar:
    return MemoryCalendar()


@pytest.fixture
def toolbox(calendar: MemoryCalendar) -> Toolbox:
    return Toolbox(calendar, MemoryDoNotCall(), OneSearch(Passage("1", "We do.", "a.md", 1.0)))


async def run(toolbox: Toolbox, tool: str, /, **arguments: Any) -> ToolResult:
    return await toolbox.run(ToolCall(tool, arguments), CONTEXT)


# ---- which tools there are


def test_specs_are_those_of_the_agent_and_the_two_that_none_lacks(toolbox: Toolbox):
    bare = replace(AGENT, tools=("book_appointment",))

    assert {s.name for s in toolbox.specs(AGENT)} == set(BUILT_IN)
    assert [s.name for s in toolbox.specs(bare)] == [
        "book_appointment",
        "mark_do_not_call",
        "end_call",
    ]


def test_the_transfer_tool_names_the_departments(toolbox: Toolbox):
    spec = next(s for s in toolbox.specs(AGENT) if s.name == "transfer_call")

    assert spec.parameters["properties"]["department"]["enum"] == ["sales", "billing"]


async def test_a_tool_that_is_unknown_or_switched_off_does_not_run(toolbox: Toolbox):
    bare = replace(CONTEXT, agent=replace(AGENT, tools=()))

    unknown = await run(toolbox, "fly")
    off = await toolbox.run(ToolCall("transfer_call", {}), bare)

    assert (unknown.ok, off.ok) == (False, False)
    assert unknown.content.startswith("The tool fly is unknown; allowed: search_knowledge_base")
    assert "not switched on" in off.content


async def test_do_not_call_works_for_every_agent(toolbox: Toolbox):
    bare = replace(CONTEXT, agent=replace(AGENT, tools=()))

    result = await toolbox.run(ToolCall("mark_do_not_call", {"reason": "stop"}), bare)

    assert result.ok
    assert await toolbox.do_not_call.contains("+13125550123")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("book_appointment", {}, "'start' is a required property; parameters: start, name"),
        ("book_appointment", {"start": "Tuesday"}, "start: 'Tuesday' is not a 'date-time'"),
        ("book_appointment", {"start": "2026-12-01"}, "start: '2026-12-01' is not a 'date-time'"),
        ("book_appointment", {"start": "2026-12-01T10:00:00", "who": "me"}, "who"),
        ("book_appointment", {"start": "2026-12-01T10:00:00", "email": "x"}, "email: 'x' does not"),
        ("find_free_times", {"day": "2026-13-01"}, "day: '2026-13-01' is not a 'date'"),
        ("find_free_times", {"part_of_day": "night"}, "part_of_day: 'night' is not one of"),
        ("search_knowledge_base", {"query": ""}, "query"),
        ("search_knowledge_base", {"query": "a", "top_k": 99}, "top_k"),
        ("mark_do_not_call", {"phone": "555"}, "phone"),
        ("transfer_call", {"department": "kitchen"}, "department: 'kitchen' is not one of"),
        ("end_call", {"reason": 3}, "reason: 3 is not of type 'string'"),
    ],
)
async def test_wrong_arguments(
    toolbox: Toolbox, name: str, arguments: dict[str, Any], expected: str
):
    result = await run(toolbox, name, **arguments)

    assert not result.ok
    assert expected in result.content
    assert "\n" not in result.content


async def test_none_counts_as_not_given(toolbox: Toolbox):
    result = await run(toolbox, "book_appointment", start="2026-12-01T10:00:00", email=None)

    assert result.ok


def test_every_schema_takes_its_own_example():
    examples: dict[str, dict[str, Any]] = {
        "search_knowledge_base": {"query": "price"},
        "find_free_times": {"day": "2026-12-01", "part_of_day": "morning"},
        "book_appointment": {"start": "2026-12-01T10:00:00-06:00", "email": "a@b.co"},
        "note_follow_up": {"about": "Salesforce", "when": "2026-12-01"},
        "mark_do_not_call": {"phone": "+13125550123", "reason": "asked"},
        "transfer_call": {"department": "sales"},
        "end_call": {"reason": "done"},
    }

    assert set(examples) == set(SPECS)
    assert [problem_with(SPECS[name], args) for name, args in examples.items()] == [None] * 7


# ---- the calendar


async def test_booking(toolbox: Toolbox, calendar: MemoryCalendar):
    result = await run(toolbox, "book_appointment", start="2026-12-01T10:00:00", name="Sam")

    assert result.ok
    assert result.content == "You're booked for Tuesday, December first at 10 AM."
    assert result.data["start"] == "2026-12-01T10:00:00-06:00"
    (owner, booking), *rest = calendar.bookings.values()
    assert (owner, booking.minutes, rest) == ("joe", 30, [])


async def test_a_time_of_another_zone_is_said_in_the_agents(toolbox: Toolbox):
    result = await run(toolbox, "book_appointment", start="2026-12-01T17:00:00+00:00")

    assert result.content == "You're booked for Tuesday, December first at 11 AM."


async def test_the_same_caller_booking_the_same_time_again_is_one_appointment(
    toolbox: Toolbox, calendar: MemoryCalendar
):
    first = await run(toolbox, "book_appointment", start="2026-12-01T10:00:00")
    second = await run(toolbox, "book_appointment", start="2026-12-01T10:00:00-06:00")

    assert first.data["booking_id"] == second.data["booking_id"]
    assert len(calendar.bookings) == 1


async def test_a_taken_time_is_refused_with_the_nearest_free_ones(toolbox: Toolbox):
    other = replace(CONTEXT, conversation_id="call-2", caller_number="+13125550199")
    await run(toolbox, "book_appointment", start="2026-12-01T10:00:00")

    result = await toolbox.run(
        ToolCall("book_appointment", {"start": "2026-12-01T10:00:00"}), other
    )

    assert not result.ok
    assert result.content == (
        "Tuesday, December first at 10 AM is not free. "
        "I could do Tuesday, December first at 9 AM, 9:30 AM, or 10:30 AM."
    )
    assert result.data["free"][0] == "2026-12-01T09:00:00-06:00"


@pytest.mark.parametrize(
    ("start", "content"),
    [
        ("2026-12-05T10:00:00", "Saturday, December fifth at 10 AM is not free. I could do Monday"),
        ("2026-12-01T20:00:00", "Tuesday, December first at 8 PM is not free. I could do Tuesday"),
        ("2026-11-24T09:00:00", "at 9 AM is in the past. I could do Tuesday, November twenty-four"),
    ],
)
async def test_times_that_can_not_be_booked(toolbox: Toolbox, start: str, content: str):
    result = await run(toolbox, "book_appointment", start=start)

    assert not result.ok
    assert content in result.content


async def test_free_times_of_a_day(toolbox: Toolbox):
    day = await run(toolbox, "find_free_times", day="2026-12-01")
    morning = await run(toolbox, "find_free_times", day="2026-12-01", part_of_day="morning")

    assert day.content == "I have Tuesday, December first at 9 AM, 1 PM, and 4:30 PM."
    assert morning.content == "I have Tuesday, December first at 9 AM, 10 AM, and 11:30 AM."
    assert morning.data["free"][1] == "2026-12-01T10:00:00-06:00"


async def test_free_times_from_now_on_are_in_the_future(toolbox: Toolbox):
    result = await run(toolbox, "find_free_times")

    times = [datetime.fromisoformat(text) for text in result.data["free"]]
    assert result.ok
    assert all(moment > NOW for moment in times)


async def test_a_day_without_free_times_names_later_ones(toolbox: Toolbox):
    result = await run(toolbox, "find_free_times", day="2026-12-05")

    assert not result.ok
    assert result.content.startswith(
        "I have nothing free on Saturday, December fifth. I could do Monday, December seventh"
    )


async def test_a_full_calendar(toolbox: Toolbox, calendar: MemoryCalendar):
    calendar.closes = calendar.opens

    result = await run(toolbox, "find_free_times")

    assert not result.ok
    assert result.content == "There is no free time in the next weeks."


async def test_a_failing_store_is_no_exception():
    toolbox = Toolbox(BrokenCalendar(), MemoryDoNotCall(), OneSearch())

    result = await run(toolbox, "book_appointment", start="2026-12-01T10:00:00")

    assert (result.ok, result.content) == (False, "That did not work just now.")
    assert result.data == {"error": "disk full"}


async def test_memory_calendar_keeps_agents_apart_and_overlaps_out(calendar: MemoryCalendar):
    start = datetime(2026, 12, 1, 10, tzinfo=CHICAGO)
    await calendar.book("a", "c", start, 60, "", "", "", "k1")

    with pytest.raises(SlotTaken) as taken:
        await calendar.book("a", "c2", start + timedelta(minutes=30), 30, "", "", "", "k2")

    assert start not in taken.value.alternatives
    assert start in await calendar.free_slots("b", start.date(), "America/Chicago")


# ---- the other tools


async def test_search(toolbox: Toolbox):
    found = await run(toolbox, "search_knowledge_base", query="do you", top_k=8)

    assert found.content == "We do."
    assert found.data["passages"] == [{"id": "1", "source": "a.md", "text": "We do."}]
    assert isinstance(toolbox.search, OneSearch)
    assert toolbox.search.asked == [("do you", 8)]


async def test_search_without_a_result_says_so():
    toolbox = Toolbox(MemoryCalendar(), MemoryDoNotCall(), OneSearch())

    result = await run(toolbox, "search_knowledge_base", query="x")

    assert result.ok
    assert "you do not know" in result.content


async def test_do_not_call_marks_the_number_said_and_the_one_calling(toolbox: Toolbox):
    result = await run(toolbox, "mark_do_not_call", phone="+13125550199", reason="stop")

    assert result.ok
    assert isinstance(toolbox.do_not_call, MemoryDoNotCall)
    assert toolbox.do_not_call.reasons == {"+13125550199": "stop", "+13125550123": "stop"}


async def test_do_not_call_without_any_number_asks_for_it(toolbox: Toolbox):
    result = await toolbox.run(ToolCall("mark_do_not_call", {}), replace(CONTEXT, caller_number=""))

    assert not result.ok
    assert result.content.endswith("Which number should I take off the list?")


async def test_end_and_transfer(toolbox: Toolbox):
    ended = await run(toolbox, "end_call", reason="done")
    moved = await run(toolbox, "transfer_call", department="billing")
    default = await run(toolbox, "transfer_call")

    assert (ended.ok, ended.ends_call, ended.transfers_to) == (True, True, None)
    assert (moved.transfers_to, moved.content) == (
        "+13125550142",
        "I'm connecting you to billing now.",
    )
    assert default.transfers_to == "+13125550140"


async def test_transfer_without_departments(toolbox: Toolbox):
    alone = replace(CONTEXT, agent=replace(AGENT, departments={}))

    result = await toolbox.run(ToolCall("transfer_call", {}), alone)

    assert (result.ok, result.transfers_to) == (False, None)


async def test_a_note_for_a_colleague(toolbox: Toolbox):
    result = await run(
        toolbox, "note_follow_up", about="Salesforce?", when="2026-12-01T15:00:00-06:00"
    )
    day = await run(toolbox, "note_follow_up", about="call", when="2026-12-01")

    assert result.content == "I've noted that for Tuesday, December first at 3 PM."
    assert result.data["phone"] == "+13125550123"
    assert day.content == "I've noted that for Tuesday, December first."


# ---- do-not-call comes before the model


def test_do_not_call_is_forced_whatever_the_model_says():
    prompt = Prompt(system="", words="take me off your list", slots=Slots(phone="+13125550199"))

    call = forced_tool(Intent("DO_NOT_CALL"), prompt)

    assert call == ToolCall(
        "mark_do_not_call", {"reason": "take me off your list", "phone": "+13125550199"}
    )


def test_it_is_forced_once_and_for_nothing_else():
    done = Prompt(system="", words="x", results=(ToolResult("mark_do_not_call", True, ""),))

    assert forced_tool(Intent("DO_NOT_CALL"), done) is None
    assert forced_tool(Intent("NOT_INTERESTED"), Prompt(system="", words="no")) is None
