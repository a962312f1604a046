"""A caller without a network, against the small server."""

from __future__ import annotations

import asyncio

import pytest

from sdr_lab.errors import ProviderError
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_caller import MediaCaller
from sdr_lab.simulate.phone_frames import StreamName
from tests.simulate.phone_server import A, B, Media, PhoneServer, close, echo


def address(server: PhoneServer) -> str:
    return f"{server.url}/media".replace("http", "ws")


async def test_a_call_of_his_own():
    async with PhoneServer(echo) as server:
        script = Caller().says("hello", at=0.04, sound=A * 3).presses("5", at=0.16).hangs_up(at=0.4)
        name = StreamName("AC1", "CA1", "MZ1", {"token": "t"})
        headers = {"X-Twilio-Signature": "s"}
        caller = MediaCaller(address(server), script, name=name, headers=headers, keeps_sound=True)
        report = await caller.run()
        (media,) = server.streams

    assert media.signature == "s"
    assert media.of("start")[0]["start"]["customParameters"] == {"token": "t"}
    assert [m["event"] for m in media.messages][:2] == ["connected", "start"]
    assert media.messages[-1]["event"] == "stop"
    sound = media.of("media")
    assert [m["media"]["timestamp"] for m in sound] == [str(20 * i) for i in range(21)]
    assert len(sound) == report.sent_frames == 21
    assert [m["dtmf"]["digit"] for m in media.of("dtmf")] == ["5"]
    assert caller.handset.heard.count(A) == 3
    assert (report.ended_by, report.close_code, report.violations) == ("caller", 1000, [])
    assert 0 < report.playback.frames <= 21


async def test_marks_and_clears_and_the_time_of_replies():
    names: list[str] = []

    async def talk(media: Media) -> None:
        await media.next("dtmf")
        await media.play(A * 2)
        await media.mark("a")
        names.append((await media.next("mark"))["mark"]["name"])
        await media.play(B * 50)
        await media.mark("b")
        await media.clear()
        names.append((await media.next("mark"))["mark"]["name"])
        await media.send({"event": "media", "media": {}})
        await media.rest()

    async with PhoneServer(talk) as server:
        script = Caller().says("hello", at=0.0, sound=A).presses("1", at=0.0).hangs_up(at=0.5)
        caller = MediaCaller(address(server), script)
        report = await caller.run()

    assert names == ["a", "b"]
    assert len(report.replies_ms) == len(report.clears_ms) == 1
    assert caller.handset.clears[0].dropped_ms > 0
    assert [violation[:5] for violation in report.violations] == ["31951"]
    assert report.playback.frames == 52


async def test_prepared_sound_is_said_at_once():
    async with PhoneServer(echo) as server:
        caller = MediaCaller(address(server), B * 4, keeps_sound=True)
        running = asyncio.ensure_future(caller.run())
        while caller.handset.heard.count(B) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    assert caller.handset.spoken.startswith(B * 4)
    assert caller.report.ended_by == "cancelled"


async def test_the_server_may_end_the_call():
    async with PhoneServer(close) as server:
        report = await MediaCaller(address(server), Caller().hangs_up(at=9)).run()

    assert (report.ended_by, report.close_code) == ("server", 1000)


async def test_a_refused_stream_is_an_error():
    async with PhoneServer() as server:
        with pytest.raises(ProviderError, match=r"refused: HTTP/1\.1 404"):
            await MediaCaller(f"{address(server)}/no/such", Caller()).run()
