"""Whole calls with Deepgram on both sides: real sockets, real time, the service on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sdr_lab.events import Interrupted, ProviderFailed
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import Prompt
from sdr_lab.simulate.caller import Caller, speech_like
from sdr_lab.simulate.deepgram_ear import BankEar
from sdr_lab.simulate.deepgram_server import DeepgramServer, Fault
from sdr_lab.simulate.rehearsal import AGENT, Rehearsal, Scene, run_scene
from sdr_lab.stt.base import Transcriber
from sdr_lab.stt.deepgram import Deepgram
from sdr_lab.stt.deepgram_client import Account
from sdr_lab.stt.deepgram_flux import DeepgramFlux
from sdr_lab.tts.deepgram import DeepgramVoice
from sdr_lab.tts.tone import Tone
from tests.contracts.loopback import in_a_thread

PRICE, BYE = "how much does it cost", "no thank you goodbye"
SOUNDS = {PRICE: speech_like(1.4, 1), BYE: speech_like(1.2, 2)}
ANSWER = "It costs forty nine dollars a month, and that includes support for the whole team."
FAREWELL = "Goodbye."


def model() -> ScriptedModel:
    def answer(prompt: Prompt) -> list[str]:
        return [ANSWER if "cost" in prompt.words else FAREWELL]

    return ScriptedModel(answer)


def caller() -> Caller:
    return (
        Caller()
        .says(PRICE, after=0.4, sound=SOUNDS[PRICE])
        .cuts_in(BYE, into=1.0, sound=SOUNDS[BYE])
        .hangs_up(after=0.4)
    )


def calls(server: DeepgramServer, folder: Path, *makes: Callable[[Account], Transcriber]):
    """Hold a call with each transcriber, all at once."""
    account = Account(server.api_key, server.url)
    voice = DeepgramVoice(server.api_key, server.url)

    async def run_all() -> list[Rehearsal]:
        async with asyncio.timeout(40), asyncio.TaskGroup() as tasks:
            running = []
            for number, make in enumerate(makes):
                scene = Scene(voice=voice, transcriber=lambda _, make=make: make(account))
                call = run_scene(f"conv_{number}", caller(), model(), folder, scene)
                running.append(tasks.create_task(call))
        await voice.close()
        return [task.result() for task in running]

    return asyncio.run(run_all())


def check(call: Rehearsal) -> None:
    (cut,) = call.all(Interrupted)
    assert call.all(ProviderFailed) == []
    assert ANSWER.startswith(cut.heard)
    assert 0 < len(cut.heard) < len(ANSWER)
    assert call.said == [
        ("agent", "Hello, this is Joe."),
        ("caller", PRICE),
        ("agent", cut.heard),
        ("caller", BYE),
        ("agent", FAREWELL),
    ]


def test_a_call_with_nova_and_one_with_flux_at_the_same_time(tmp_path: Path):
    server = DeepgramServer(hears=lambda: BankEar(SOUNDS), chunk_s=0.1)
    with in_a_thread(server):
        nova, flux = calls(server, tmp_path, Deepgram, DeepgramFlux)

    for call in (nova, flux):
        check(call)
    orders = [order["type"] for link in server.links_to("/v1/speak") for order in link.orders]
    assert orders.count("Clear") == 2
    assert len(server.links_to("/v1/speak")) == 2


def test_calls_whose_connections_break_while_the_caller_speaks(tmp_path: Path):
    paths = ("/v1/listen", "/v2/listen")
    cuts = [Fault(path, act="cut", after_ms=2600) for path in paths]
    server = DeepgramServer(hears=lambda: BankEar(SOUNDS), faults=cuts, chunk_s=0.1)
    with in_a_thread(server):
        both = calls(server, tmp_path, Deepgram, DeepgramFlux)

    for call, path in zip(both, paths, strict=True):
        check(call)
        assert len(server.links_to(path)) == 2


def test_without_deepgram_the_reserve_says_that_nobody_listens(tmp_path: Path):
    """The key is refused at the start of the call, on both sides."""
    with in_a_thread(DeepgramServer()) as server:
        scene = Scene(
            voice=DeepgramVoice("wrong", server.url),
            reserve_voice=Tone(),
            transcriber=lambda _: Deepgram(Account("wrong", server.url)),
        )
        speaks = run_scene("conv_0", Caller().hangs_up(at=60), model(), tmp_path, scene)
        call = asyncio.run(asyncio.wait_for(speaks, 30))

    assert call.outcome.reason == "error"
    assert [text for _, text in call.said if text] == [
        AGENT.first_message,
        f"I'm sorry, I'm having trouble right now. {AGENT.goodbye}",
    ]
    failed = call.all(ProviderFailed)
    assert [f.stage for f in failed].count("tts") == 1  # then it is left alone
    assert all("DEEPGRAM_API_KEY" in f.error for f in failed)


def test_when_the_voice_dies_in_mid_call_the_reserve_goes_on(tmp_path: Path):
    cut = Fault("/v1/speak", act="cut", after_ms=16_000)
    server = DeepgramServer(hears=lambda: BankEar(SOUNDS), chunk_s=0.05, faults=[cut])
    server.faults += [Fault("/v1/speak", refuse=503) for _ in range(9)]
    replies = ScriptedModel([[ANSWER, " And more.", " And that is all."]])
    asks = Caller().says(PRICE, after=0.4, sound=SOUNDS[PRICE]).hangs_up(after=1.0)
    with in_a_thread(server):
        account = Account(server.api_key, server.url)
        scene = Scene(
            voice=DeepgramVoice(server.api_key, server.url),
            reserve_voice=Tone(),
            transcriber=lambda _: Deepgram(account),
        )
        speaks = run_scene("conv_0", asks, replies, tmp_path, scene)
        call = asyncio.run(asyncio.wait_for(speaks, 40))

    assert call.outcome.reason == "caller"
    assert call.said[:2] == [("agent", AGENT.first_message), ("caller", PRICE)]
    assert call.said[2][1].endswith("And more. And that is all.")
    assert [f.stage for f in call.all(ProviderFailed)] == ["tts"]
