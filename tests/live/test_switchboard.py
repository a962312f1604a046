from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sdr_lab.call.inbox import EndNow, UserText
from sdr_lab.call.parts import Parts
from sdr_lab.errors import BadInput, Conflict, NotFound, SdrLabError
from sdr_lab.events import CallEnded, Event, TurnOver
from sdr_lab.live.callbacks import on_status
from sdr_lab.live.desk import Desk
from sdr_lab.live.switchboard import NoRoom
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.logs import Masked
from sdr_lab.records import Prompt
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.clock import run_virtually
from sdr_lab.simulate.line import SimulatedLine
from sdr_lab.store.folder import Status
from tests.live.served import AGENT, HIS, OURS, ScriptedLab, live_settings, scripted_lab

T = TypeVar("T")


@asynccontextmanager
async def desk(home: Path, **changes: Any) -> AsyncIterator[Desk]:
    lab = scripted_lab(home, **changes)
    made = await Desk.open(lab.settings, lab, background=False)
    try:
        yield made
    finally:
        await made.close()


def at_a_desk(home: Path, work: Callable[[Desk], Awaitable[T]], **changes: Any) -> T:
    """Do something at a desk, on the virtual clock."""

    async def run() -> T:
        async with desk(home, **changes) as made:
            return await work(made)

    return run_virtually(run())


async def row(made: Desk, **more: Any) -> str:
    def make() -> str:
        agent = made.lab.agent("joe")
        return made.lab.calls.create(agent, HIS, "inbound", agent_number=OURS, **more).id

    return await asyncio.to_thread(make)


def line_of(made: Desk, caller: Caller) -> SimulatedLine:
    line = SimulatedLine(caller)
    assert isinstance(made.lab, ScriptedLab)
    made.lab.heard = lambda: line.caller.spoken
    return line


def test_a_call_runs_and_is_kept(home: Path):
    async def work(made: Desk) -> None:
        key = await row(made, call_sid="CA1", variables={"lead": "Dana"})
        events: list[Event] = []
        line = line_of(made, Caller().says("Hello?").hangs_up())

        result = await made.switchboard.run(line, key, [events.append])

        assert result is not None
        assert result.conversation_id == key
        assert isinstance(events[-1], CallEnded)
        call = await asyncio.to_thread(made.lab.calls.get, "CA1")
        assert call.status is Status.COMPLETED
        assert call.phone_number == HIS
        assert call.variables == {"lead": "Dana"}
        assert [turn.role for turn in call.turns] == ["agent", "caller", "agent"]
        assert not made.switchboard.running

    at_a_desk(home, work)


def test_overrides_and_variables_of_the_row_are_used(home: Path):
    async def work(made: Desk) -> None:
        overrides = {"first_message": "Hi {{lead}}."}
        key = await row(made, overrides=overrides, variables={"lead": "Dana"})

        await made.switchboard.run(line_of(made, Caller().hangs_up(at=3)), key)

        call = await asyncio.to_thread(made.lab.calls.get, key)
        assert call.turns[0].text == "Hi Dana."

    at_a_desk(home, work)


def test_an_agent_speaks_as_it_was_when_the_call_was_arranged(home: Path):
    async def work(made: Desk) -> None:
        key = await row(made)
        await asyncio.to_thread(made.lab.agents.update, "joe", {"first_message": "Changed."})

        await made.switchboard.run(line_of(made, Caller().hangs_up(at=3)), key)

        call = await asyncio.to_thread(made.lab.calls.get, key)
        assert call.turns[0].text == AGENT.first_message

    at_a_desk(home, work)


def test_orders_reach_a_running_call_by_either_key(home: Path):
    async def work(made: Desk) -> None:
        key = await row(made, call_sid="CA1")
        events: list[Event] = []
        board = made.switchboard

        async def orders() -> None:
            await asyncio.sleep(4)
            assert board.tell("CA1", UserText("What does it cost?"))
            await asyncio.sleep(4)
            assert board.tell(key, EndNow("operator"))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(orders())
            line = line_of(made, Caller().hangs_up(at=60))
            result = await board.run(line, key, [events.append])

        assert result is not None
        assert result.outcome.reason == "operator"
        assert [e.text for e in events if isinstance(e, TurnOver)] == ["What does it cost?"]
        assert not board.tell(key, EndNow("late"))

    at_a_desk(home, work)


def test_orders_that_come_before_the_session_are_kept_for_it(home: Path):
    async def work(made: Desk) -> None:
        key = await row(made)
        async with asyncio.TaskGroup() as tasks:
            line = line_of(made, Caller().hangs_up(at=60))
            running = tasks.create_task(made.switchboard.run(line, key))
            await asyncio.sleep(0)
            assert made.switchboard.tell(key, EndNow("voicemail"))
            assert made.switchboard.running[key].session is None
            result = await running
        assert result is not None
        assert result.outcome.reason == "voicemail"

    at_a_desk(home, work)


def test_a_machine_that_was_found_before_the_stream_is_hung_up_on(home: Path):
    async def work(made: Desk) -> None:
        from datetime import UTC, datetime

        key = await row(made, call_sid="CA1")
        await asyncio.to_thread(
            made.lab.calls.report,
            key,
            Status.IN_PROGRESS,
            at=datetime.now(UTC),
            answered_by="machine_start",
        )

        await made.switchboard.run(line_of(made, Caller().hangs_up(at=60)), key)

        call = await asyncio.to_thread(made.lab.calls.get, key)
        assert call.status is Status.VOICEMAIL
        assert call.ended_reason == "voicemail"

    at_a_desk(home, work)


def test_no_more_calls_than_allowed(home: Path):
    async def work(made: Desk) -> None:
        board = made.switchboard
        first, second, third = [await row(made) for _ in range(3)]
        board.expect(first, 10)
        assert board.is_open
        board.expect(second, 10)
        board.expect(second, 10)  # once more for the same call is nothing new
        assert board.why_closed == "full"
        with pytest.raises(NoRoom, match="2 calls are going on"):
            board.expect(third, 10)
        with pytest.raises(NoRoom):
            await board.run(line_of(made, Caller()), third)

        result = await board.run(line_of(made, Caller().hangs_up(at=1)), first)
        assert result is not None  # its place was kept
        assert board.is_open

        board.expect(third, 10)
        board.forget(third)
        assert board.is_open
        board.expect(third, 10)
        await asyncio.sleep(11)  # neither came
        assert board.is_open

    at_a_desk(home, work, MAX_CALLS=2)


def test_one_conversation_is_held_once(home: Path):
    async def work(made: Desk) -> None:
        board = made.switchboard
        key = await row(made)
        async with asyncio.TaskGroup() as tasks:
            line = line_of(made, Caller().hangs_up(at=3))
            running = tasks.create_task(board.run(line, key))
            await asyncio.sleep(1)
            with pytest.raises(Conflict, match="running already"):
                await board.run(SimulatedLine(Caller()), key)
            await running
        with pytest.raises(Conflict, match="has been held"):
            await board.run(SimulatedLine(Caller()), key)
        call = await asyncio.to_thread(made.lab.calls.get, key)
        assert call.status is Status.COMPLETED

    at_a_desk(home, work)


def test_a_call_that_is_over_before_its_stream_comes_is_not_held(home: Path):
    """The caller has hung up while it was prepared; the callback was faster."""

    async def work(made: Desk) -> None:
        key = await row(made, call_sid="CA1")
        ready = await made.switchboard.prepare(key, "twilio")
        assert ready is not None
        ended = {"CallSid": "CA1", "CallStatus": "completed", "SequenceNumber": "3"}
        await on_status(made, ended, key)
        for given in (ready, None):
            with pytest.raises(Conflict, match="is over: completed"):
                await made.switchboard.run(line_of(made, Caller()), key, ready=given)
        call = await asyncio.to_thread(made.lab.calls.get, key)
        assert (call.status, call.folder) == (Status.COMPLETED, None)

    at_a_desk(home, work)


class Buggy(ScriptedLab):
    def parts(self, *args: object, **named: object) -> Parts:
        raise KeyError("bug")


def test_a_bug_in_what_a_call_is_made_of_fails_this_call(home: Path):
    async def work(made: Desk) -> None:
        key = await row(made)
        ready = await made.switchboard.prepare(key, "twilio")  # its line can be opened
        with pytest.raises(SdrLabError, match="broke off: KeyError"):
            await made.switchboard.run(line_of(made, Caller()), key, ready=ready)
        call = await asyncio.to_thread(made.lab.calls.get, key)
        assert (call.status, call.ended_reason) == (Status.FAILED, "KeyError('bug')")

    async def run() -> None:
        scripted_lab(home)
        lab = Buggy(live_settings(home))
        made = await Desk.open(lab.settings, lab, background=False)
        await work(made)
        await made.close()

    run_virtually(run())


def test_a_call_that_can_not_be_made_has_failed(home: Path):
    async def work(made: Desk) -> None:
        key = await row(made, overrides={"language": "tlh"})

        with pytest.raises(BadInput, match="tlh"):
            await made.switchboard.run(line_of(made, Caller()), key)

        call = await asyncio.to_thread(made.lab.calls.get, key)
        assert call.status is Status.FAILED
        assert "tlh" in call.ended_reason
        assert not made.switchboard.running
        with pytest.raises(NotFound):
            await made.switchboard.run(line_of(made, Caller()), "conv_unknown")

    at_a_desk(home, work)


def test_when_the_server_stops_calls_may_finish(home: Path):
    async def work(made: Desk) -> None:
        board = made.switchboard
        key, late = await row(made), await row(made)
        async with asyncio.TaskGroup() as tasks:
            line = line_of(made, Caller().hangs_up(at=5))
            running = tasks.create_task(board.run(line, key))
            await asyncio.sleep(1)
            closing = tasks.create_task(board.close(30))
            await asyncio.sleep(1)
            assert board.why_closed == "stopping"
            with pytest.raises(NoRoom, match="stopping"):
                await board.run(SimulatedLine(Caller()), late)
            result = await running
            await closing
        assert result is not None
        assert result.outcome.reason == "caller"

    at_a_desk(home, work)


def test_when_the_server_stops_long_calls_hear_a_goodbye(home: Path):
    async def work(made: Desk) -> None:
        board = made.switchboard
        key = await row(made)
        async with asyncio.TaskGroup() as tasks:
            line = line_of(made, Caller().hangs_up(at=120))
            running = tasks.create_task(board.run(line, key))
            await asyncio.sleep(3)
            await board.close(20)
            result = await running
        assert result is not None
        assert result.outcome.reason == "stopping"
        call = await asyncio.to_thread(made.lab.calls.get, key)
        assert call.turns[-1].text == AGENT.goodbye

    at_a_desk(home, work)


def test_when_the_server_must_stop_now_calls_are_cut_off_and_kept(home: Path):
    async def work(made: Desk) -> None:
        board = made.switchboard
        key = await row(made)
        async with asyncio.TaskGroup() as tasks:
            line = line_of(made, Caller().hangs_up(at=120))
            running = tasks.create_task(board.run(line, key))
            await asyncio.sleep(3)
            await board.close(0)
            assert await running is None
        call = await asyncio.to_thread(made.lab.calls.get, key)
        assert call.status.is_over
        assert call.ended_reason == "cancelled"

    at_a_desk(home, work)


def test_what_is_logged_in_a_call_carries_its_id(home: Path):
    def broken(prompt: Prompt) -> str:
        raise ValueError("a mistake in a model")

    handler = logging.FileHandler(home / "server.log")
    handler.setFormatter(Masked(live_settings(home)))

    async def work(made: Desk) -> str:
        assert isinstance(made.lab, ScriptedLab)
        made.lab.model = ScriptedModel(broken)
        key = await row(made)
        await made.switchboard.run(line_of(made, Caller().says("Hello?")), key)
        return key

    logger = logging.getLogger("sdr_lab")  # the root hears nothing once a command has set up logs
    logger.addHandler(handler)
    try:
        key = at_a_desk(home, work)
    finally:
        logger.removeHandler(handler)
        handler.close()
    logged = (home / "server.log").read_text("utf-8")
    assert f"ERROR sdr_lab.call.reply [{key}]: reply of turn 1" in logged
