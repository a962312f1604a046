"""The callers of `eval/load.py`, in a process of their own."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

import aiohttp

from sdr_lab.audio.frame import cut_frames
from sdr_lab.records import FRAME_MS
from sdr_lab.simulate.caller import Caller, Frames, speech_like
from sdr_lab.simulate.phone_caller import MediaCaller, MediaReport

SAYS, CUTS_IN = "says", "cuts in"
SPEECH_MS = (1000, 1400, 1800, 2200, 2600, 3000)
"""Lengths of what callers say."""
CUT_IN_MS = (800, 1200)
CUT_IN_SHARE = 0.4
"""Of the agent's replies."""
TURNS = 200
"""More than any caller gets to say."""


@dataclass(frozen=True)
class Plan:
    """What the fleet is to do."""

    url: str
    calls: int
    """In all."""
    at_once: int
    """At the most."""
    ramp_s: float
    """Over which the first `at_once` calls begin, and end."""
    hold_s: float
    """How long all of them go on together; in a soak, the length of each call."""
    seed: int = 1


@dataclass
class Made:
    """A call, as its caller saw it."""

    conversation_id: str
    report: MediaReport
    spoken: int
    cut_ins: int


@dataclass
class Fleet:
    """What came of it all."""

    made: list[Made] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def script(number: int) -> Caller:
    """A caller who asks, listens, asks again, and often does not wait for the end of the answer."""
    chance = random.Random(number)
    caller = Caller()
    for _ in range(TURNS):
        sound = sound_of(chance.choice(SPEECH_MS))
        caller.says(SAYS, after=chance.uniform(0.5, 1.5), sound=sound)
        if chance.random() < CUT_IN_SHARE:
            sound = sound_of(chance.choice(CUT_IN_MS))
            caller.cuts_in(CUTS_IN, into=chance.uniform(0.7, 3.0), sound=sound)
    return caller


@cache
def sound_of(length_ms: int) -> Frames:
    """Return speech whose frames all callers share."""
    frames = cut_frames(speech_like(length_ms / 1000, length_ms))

    def begin() -> Iterator[bytes]:
        return iter(frames)

    return begin


class Callers:
    """Makes the calls of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.fleet = Fleet()
        self._going: list[MediaCaller] = []
        self._scripts = [script(plan.seed * 1000 + i) for i in range(plan.at_once)]

    async def together(self, tell: Callable[[str], Awaitable[None]]) -> None:
        """Begin one after the other, hold all of them, end one after the other."""
        plan = self.plan
        step_s = plan.ramp_s / plan.calls
        async with aiohttp.ClientSession(plan.url) as http, asyncio.TaskGroup() as tasks:
            chance = random.Random(plan.seed)
            for i in range(plan.calls):
                # else all would send in the same of every 20 ms
                aside_s = chance.uniform(0, FRAME_MS / 1000)
                tasks.create_task(self._call(http, self._scripts[i], after_s=aside_s))
                await asyncio.sleep(step_s)
            await tell("up")
            await asyncio.sleep(plan.hold_s)
            await tell("held")
            for caller in list(self._going):
                caller.hang_up()
                await asyncio.sleep(step_s)

    async def in_turn(self, tell: Callable[[str], Awaitable[None]]) -> None:
        """Make short calls, `at_once` at a time; tell the number of those that are over."""
        plan = self.plan
        left = iter(range(plan.calls))
        done = 0

        async def one_after_the_other(place: int) -> None:
            nonlocal done
            await asyncio.sleep(place * plan.hold_s / plan.at_once)
            for _ in left:
                await self._call(http, self._scripts[place], longest_s=plan.hold_s)
                done += 1
                await tell(str(done))

        async with aiohttp.ClientSession(plan.url) as http, asyncio.TaskGroup() as tasks:
            for place in range(plan.at_once):
                tasks.create_task(one_after_the_other(place))

    async def _call(
        self,
        http: aiohttp.ClientSession,
        caller: Caller,
        *,
        after_s: float = 0,
        longest_s: float = 0,
    ) -> None:
        try:
            await asyncio.sleep(after_s)
            async with http.post("/v1/convai/streams", json={}) as reply:
                ticket: dict[str, Any] = await reply.json()
                if reply.status != 200:
                    raise RuntimeError(f"HTTP {reply.status}: {ticket}")
            phone = MediaCaller(ticket["url"], caller)
            if longest_s:
                asyncio.get_running_loop().call_later(longest_s, phone.hang_up)
            self._going.append(phone)
            await phone.run()
        except Exception as error:  # told in the report: a fleet goes on without one caller
            self.fleet.failed.append(repr(error))
            return
        texts = [said.text for said in phone.handset.caller.spoken]
        self._going.remove(phone)
        self.fleet.made.append(
            Made(ticket["conversation_id"], phone.report, texts.count(SAYS), texts.count(CUTS_IN))
        )


def run_fleet(plan: Plan, pipe: Connection, is_soak: bool) -> None:
    """Be the fleet's process: say how far it is, and send the `Fleet` at the end."""
    callers = Callers(plan)
    gc.collect()
    gc.freeze()  # what the scripts hold is not looked at again

    async def tell(what: str) -> None:
        pipe.send(what)

    async def work() -> None:
        await tell("ready")
        await (callers.in_turn(tell) if is_soak else callers.together(tell))
        await tell("over")

    if sys.platform == "win32":
        asyncio.run(work())
    else:
        import uvloop

        uvloop.run(work())
    pipe.send(callers.fleet)
