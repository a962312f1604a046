"""Ten calls that streamdouble makes: `python eval/streamdouble_calls.py`.

streamdouble (PyPI, Apache-2.0) plays Twilio's media stream at any server; nobody here wrote it.
All ten calls go on at once. What it finds wrong with a message of ours is printed, and makes the
exit code 1. By default a server with doubles is run for it; `--url` and `--key` name another one.

It opens streams without Twilio's signature, so each call gets a token from
`POST /v1/convai/streams`. The file is not called `streamdouble.py`, because Python would then
import it instead of the package.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from streamdouble.api import CallReport, run_scenario
from streamdouble.chaos import Impairments
from streamdouble.scenario import Dtmf, Expect, Hangup, Say, Scenario, Step, Wait, WaitFor
from streamdouble.session import SessionConfig

from sdr_lab.api.serve import server_for
from sdr_lab.audio.codec import pcm_to_mulaw
from sdr_lab.audio.frame import cut_frames
from sdr_lab.config import Settings
from sdr_lab.records import Agent
from sdr_lab.simulate.caller import speech_like
from sdr_lab.stt.utterances import Recognised, Utterances
from sdr_lab.tts.tone import Tone

KEY = "the key of this evaluation"
LONGEST_S = 15.0
"""Of one call; streamdouble hangs up then."""


class OneQuestion:
    """A recogniser that takes everything for the same question: the agent has much to say then."""

    name = "one_question"

    async def recognise(self, mulaw: bytes) -> Recognised:
        return Recognised("How much does it cost for a team of ten?", 0.9)

    async def warm_up(self) -> None:
        """Nothing to load."""


class Ears(Utterances):
    """The transcriber of the server that is run here."""

    def __init__(self, settings: Settings, agent: Agent) -> None:
        super().__init__(OneQuestion())


class Voice(Tone):
    """Its voice: talks three times as fast as people."""

    def __init__(self, settings: Settings, agent: Agent) -> None:
        super().__init__(name="quick_tone", syllable_ms=60, gap_ms=20)


@dataclass(frozen=True)
class Call:
    """One script."""

    name: str
    steps: tuple[Step, ...]
    line: Impairments = field(default_factory=Impairments)
    both_tracks: bool = False
    """As `<Start><Stream track="both_tracks">` sends it: our own voice comes, and no marks."""

    def config(self) -> SessionConfig:
        return SessionConfig(
            response_timeout_s=5,
            quiet_period_s=0.4,
            max_drain_s=4,
            max_call_s=LONGEST_S,
            custom_parameters={"crm": "42", "name": "Zoë 'Z' <&> \u2603"},
            impairments=self.line,
            chaos_seed=7,
            fork=self.both_tracks,
            tracks=["inbound", "outbound"] if self.both_tracks else ["inbound"],
            agent_frames=cut_frames(speech_like(3, seed=9)) if self.both_tracks else [],
        )


def speech(seconds: float, seed: int = 1) -> Say:
    return Say(Path("speech"), cut_frames(speech_like(seconds, seed)))


def noise(seconds: float, rms: float) -> Say:
    pcm = np.random.default_rng(3).normal(0, rms, round(seconds * 8000))
    return Say(Path("noise"), cut_frames(pcm_to_mulaw(pcm.astype(np.int16))))


GREETED: tuple[Step, ...] = (WaitFor("audio", 5), WaitFor("quiet", 5), Expect("audio"))
ASKS = (*GREETED, speech(1), Wait(1.5))

MOST_JITTER_MS = 18
"""streamdouble waits for a late frame before it makes the next one: with more than 20 ms its whole
stream becomes slower than the world, which no telephone does."""

CALLS = (
    Call("says nothing", (*GREETED, Wait(2))),
    Call("asks and listens", (*ASKS, Wait(1.5), Expect("mark"))),
    Call("cuts in twice", (*ASKS, speech(1, 2), Expect("clear"), Wait(1), speech(1, 3))),
    Call("talks over everything", (speech(4, 4), Wait(2), Expect("audio"))),
    Call("stands in noise", (noise(2, 900), speech(1), noise(2, 900), Expect("audio"))),
    Call("trembling line", ASKS, Impairments(jitter_ms=MOST_JITTER_MS)),
    Call("loses packets", ASKS, Impairments(loss=0.15)),
    Call("presses keys", (*GREETED, Dtmf("2125550100#"), Wait(1), Dtmf("*9"), Wait(1.5))),
    Call("is cut off", (WaitFor("audio", 5), Wait(0.3), Expect("audio"), Hangup())),
    Call("odd peer: both tracks, no marks", (speech(1), Wait(3)), both_tracks=True),
)


@dataclass(frozen=True)
class Made:
    """A call that is over."""

    call: Call
    report: CallReport
    seconds: float
    conversation_id: str

    @property
    def faults(self) -> list[str]:
        """What streamdouble has against our messages."""
        result = self.report.result
        found = [f"{fault.code}: {fault}" for fault in result.violations]
        found += [f"unknown event {event!r}" for event in result.unknown_events]
        return found + [f"not so: {what}" for what in result.failed_expectations]


async def make(call: Call, client: httpx.AsyncClient, agent_id: str) -> Made:
    """Make one call."""
    began_s = time.monotonic()
    body = {"agent_id": agent_id, "phone_number": "+14155550137"}
    ticket = (await client.post("/v1/convai/streams", json=body)).raise_for_status().json()
    scenario = Scenario(call.name, list(call.steps))
    report = await run_scenario(ticket["url"], scenario, config=call.config())
    return Made(call, report, time.monotonic() - began_s, ticket["conversation_id"])


async def make_all(url: str, key: str, agent_id: str = "") -> list[Made]:
    """Make all ten at once."""
    headers = {"xi-api-key": key}
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
        asyncio.TaskGroup() as tasks,
    ):
        made = [tasks.create_task(make(call, client, agent_id)) for call in CALLS]
    return [task.result() for task in made]


@asynccontextmanager
async def own_server(home: Path) -> AsyncIterator[str]:
    """Run a server with doubles; yield its address."""
    given = {
        "SDR_LAB_HOME": home,
        "API_KEYS": KEY,
        "STT_PROVIDER": f"{__name__}:Ears",
        "LLM_PROVIDER": "playbook",
        "INTERRUPT_DETECTOR": "energy",  # the callers here make noise, not speech
        "TTS_PROVIDER": f"{__name__}:Voice",
        "EMBED_MODEL": "hash",
        "RATE_LIMIT_PER_MINUTE": 0,
        "SHUTDOWN_GRACE_S": 0,
    }
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        server = server_for(Settings.load(None, given, environ={}))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[bound]))
            while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.01)
            try:
                yield f"http://127.0.0.1:{bound.getsockname()[1]}"
            finally:
                server.should_exit = True


def table(made: list[Made]) -> str:
    """Return a line per call, and what was found under it."""
    lines = [f"{'call':32} {'s':>5} {'sent':>5} {'heard':>6} {'marks':>6} {'clears':>6}  faults"]
    for call in made:
        result = call.report.result
        lines.append(
            f"{call.call.name:32} {call.seconds:5.1f} {result.frames_sent:5} "
            f"{result.audio_duration_s:5.1f}s {len(result.marks_received):6} "
            f"{result.clears_received:6}  {len(call.faults)}"
        )
        lines += [f"    {fault}" for fault in call.faults]
    return "\n".join(lines)


async def run(arguments: argparse.Namespace) -> list[Made]:
    if arguments.url:
        return await make_all(arguments.url, arguments.key, arguments.agent)
    with tempfile.TemporaryDirectory() as home:
        async with own_server(Path(home)) as url:
            return await make_all(url, KEY)


def main(given: list[str] | None = None) -> int:
    """Make the calls, print what came of them; return the exit code."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument(
        "--url", default="", help="a running server, such as http://127.0.0.1:9001"
    )
    options.add_argument("--key", default="none", help="its xi-api-key")
    options.add_argument("--agent", default="", help="id or name; default: the default agent")
    made: list[Any] = asyncio.run(run(options.parse_args(given)))
    print(table(made))
    return int(any(call.faults for call in made))


if __name__ == "__main__":
    sys.exit(main())
