"""Deepgram's transcribers over the wire: outages, refusals, and answers in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sdr_lab.errors import ProviderError, SettingError
from sdr_lab.records import FRAME_BYTES, FRAME_MS, TurnSignal, Words
from sdr_lab.simulate.caller import speech_like
from sdr_lab.simulate.deepgram_ear import RecogniserEar
from sdr_lab.simulate.deepgram_server import DeepgramServer, Fault, serving
from sdr_lab.stt.base import Cue, Heard, Signal, Transcriber
from sdr_lab.stt.deepgram import Deepgram, LiveSettings, terms
from sdr_lab.stt.deepgram_client import Account
from sdr_lab.stt.deepgram_flux import DeepgramFlux, FluxSettings
from sdr_lab.stt.deepgram_stream import Patience
from sdr_lab.stt.scripted import spelled
from sdr_lab.stt.utterances import Recognised

SILENCE = b"\xff" * FRAME_BYTES
SOON = Patience(finalize_s=0.2, late_s=0.6, outage_s=2.0, keep_alive_s=0.05, back_off_s=0.01)
LISTEN, FLUX = "/v1/listen", "/v2/listen"


def frames(sound: bytes) -> list[bytes]:
    return [sound[at : at + FRAME_BYTES] for at in range(0, len(sound), FRAME_BYTES)]


def turn(text: str, *cues: Cue, lead: int = 25, tail: int = 20) -> list[bytes | Cue]:
    """Silence, the text, silence; a pause is noticed after 160 ms, the cues come at the end."""
    said = frames(spelled(text))
    quiet = [SILENCE] * tail
    steps: list[bytes | Cue] = [*[SILENCE] * lead, *said[:5], Cue.STARTED, *said[5:]]
    return [*steps, *quiet[:8], Cue.PAUSED, *quiet[8:], *cues]


async def paced(steps: Sequence[bytes | Cue | float]) -> AsyncIterator[Heard | Cue]:
    """Deliver frames faster than real time; a number is a wait in seconds."""
    at_ms = 0
    for step in steps:
        if isinstance(step, bytes):
            await asyncio.sleep(0.002)
            yield Heard(at_ms, step)
            at_ms += FRAME_MS
        elif isinstance(step, Cue):
            yield step
        else:
            await asyncio.sleep(step)


@dataclass
class Call:
    """A transcriber and its service."""

    server: DeepgramServer
    transcriber: Transcriber
    results: list[Words | TurnSignal] = field(default_factory=list)

    async def hear(self, *steps: bytes | Cue | float) -> list[tuple[str, int, int]]:
        """Return text, start and end of each final result."""
        async for result in self.transcriber.transcribe(paced(steps)):
            self.results.append(result)
        return [
            (result.text, result.start_ms, result.end_ms)
            for result in self.results
            if isinstance(result, Words) and result.is_final
        ]

    @property
    def texts(self) -> list[str]:
        return [r.text for r in self.results if isinstance(r, Words) and r.is_final]

    @property
    def signals(self) -> list[Signal]:
        return [r.signal for r in self.results if isinstance(r, TurnSignal)]


@asynccontextmanager
async def calling(kind: str = LISTEN, *faults: Fault, **more: Any) -> AsyncIterator[Call]:
    """A call; the double must not have met a frame that the SDK does not know."""
    server = DeepgramServer(faults=list(faults), **more)
    async with serving(server):
        account = Account(server.api_key, server.url)
        if kind == LISTEN:
            transcriber = Deepgram(account, LiveSettings(patience=SOON))
        else:
            transcriber = DeepgramFlux(account, FluxSettings(patience=SOON))
        yield Call(server, transcriber)
    assert server.problems == []


@pytest.fixture(params=[LISTEN, FLUX])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


# ---- outages

SAID = ["how much is it", "and per year", "goodbye"]
LENGTHS = [len(text) * FRAME_MS for text in SAID]
STARTS = [500, 1400 + LENGTHS[0], 2300 + LENGTHS[0] + LENGTHS[1]]
EXPECTED = [
    (text, start, start + length + 400)
    for text, start, length in zip(SAID, STARTS, LENGTHS, strict=True)
]


def three_turns() -> list[bytes | Cue]:
    return [step for text in SAID for step in turn(text, Cue.FINISH)]


async def test_times_are_stream_times(kind: str):
    async with calling(kind) as call:
        assert await call.hear(*three_turns()) == EXPECTED


@pytest.mark.parametrize("after_ms", [0, 300, 660, 900, 1200, 1700, 2100])
@pytest.mark.parametrize("act", ["cut", "close", "error"])
async def test_no_word_is_lost_or_doubled_when_the_connection_breaks(
    kind: str, act: Any, after_ms: int
):
    fault = Fault(kind, act=act, after_ms=after_ms, reason="NET-0000")
    async with calling(kind, fault) as call:
        heard = await call.hear(*three_turns())

    assert heard == EXPECTED
    assert len(call.server.links) == 2


async def test_audio_that_is_final_is_not_sent_again(kind: str):
    fault = Fault(kind, act="cut", after_ms=STARTS[1] + 100)
    async with calling(kind, fault) as call:
        await call.hear(*three_turns())

    sent = [bytes(link.audio) for link in call.server.links]
    assert frames(spelled("how"))[0] not in frames(sent[1][: 50 * FRAME_BYTES])
    assert len(sent[0]) + len(sent[1]) < (STARTS[2] + LENGTHS[2] + 400 + 1500) * 8


async def test_several_breaks_in_a_row(kind: str):
    cuts = [Fault(kind, act="cut", after_ms=300)] * 4
    async with calling(kind, *cuts) as call:
        assert await call.hear(*turn(SAID[0], Cue.FINISH, lead=5)) != []

    assert call.texts == [SAID[0]]


async def test_a_finish_is_answered_during_an_outage(kind: str):
    down = [Fault(kind, refuse=503)] * 3
    async with calling(kind, *down) as call:
        heard = await call.hear(*turn(SAID[0], lead=0, tail=8), Cue.FINISH)

    assert [text for text, _, _ in heard] == [SAID[0]]
    assert call.server.links[0].path == kind


async def test_an_outage_that_lasts_is_told(kind: str):
    async with calling(kind, *[Fault(kind, refuse=503)] * 10) as call:
        with pytest.raises(ProviderError, match=r"answered 503.*status\.deepgram\.com"):
            await call.hear(*[SILENCE] * 10, 3.0)
    assert len(call.server.faults) == 5  # and five attempts were made


async def test_a_service_that_hangs_up_at_once_is_given_up(kind: str):
    closing = Fault(kind, act="close", code=1008, reason="DATA-0000")
    async with calling(kind, *[closing] * 10) as call:
        with pytest.raises(ProviderError, match=r"1008 DATA-0000.*could not decode"):
            await call.hear(*[*[SILENCE] * 10, 0.1] * 10)


async def test_a_service_that_falls_silent_is_left(kind: str):
    async with calling(kind, Fault(kind, act="silent")) as call:
        heard = await call.hear(*turn(SAID[0], Cue.FINISH), 0.8, *turn(SAID[1], Cue.FINISH))

    assert [text for text, _, _ in heard] == ["", SAID[1]]
    assert len(call.server.links) == 2


async def test_nobody_there():
    account = Account("key", "http://127.0.0.1:1")
    transcriber = Deepgram(account, LiveSettings(patience=SOON))
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1:1 can't be reached.*DEEPGRAM_URL"):
        await Call(DeepgramServer(), transcriber).hear(SILENCE, 3.0)


async def test_another_kind_of_server():
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        account = Account("key", f"http://127.0.0.1:{port}")
        transcriber = Deepgram(account, LiveSettings(patience=SOON))
        with pytest.raises(ProviderError, match="does not answer as Deepgram does"):
            await Call(DeepgramServer(), transcriber).hear(SILENCE, 3.0)


async def test_a_handshake_that_takes_long_loses_nothing(kind: str):
    first, *others = (turn(text, Cue.FINISH) for text in SAID)
    async with calling(kind, Fault(kind, delay_s=0.3)) as call:
        assert await call.hear(*first, 0.4, *others[0], *others[1]) == EXPECTED


# ---- refusals


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "names of model and language"),
        (401, "check DEEPGRAM_API_KEY"),
        (402, "no credit left"),
        (403, "may not use model"),
        (404, "check DEEPGRAM_URL"),
    ],
)
async def test_a_refusal_says_what_to_do_and_is_not_repeated(kind: str, status: int, told: str):
    async with calling(kind, Fault(kind, refuse=status), Fault(kind, refuse=418)) as call:
        with pytest.raises(ProviderError, match=rf"^deepgram\w*: .*\({status}\).*") as caught:
            await call.hear(SILENCE, 1.0)
    assert told in str(caught.value)
    assert len(call.server.faults) == 1


async def test_too_many_streams_are_tried_again(kind: str):
    async with calling(kind, *[Fault(kind, refuse=429)] * 2) as call:
        assert await call.hear(*three_turns()) == EXPECTED


async def test_too_many_streams_for_too_long(kind: str):
    async with calling(kind, max_streams=0) as call:
        with pytest.raises(ProviderError, match=r"too many streams at once \(429\)"):
            await call.hear(SILENCE, 3.0)


async def test_a_wrong_key_is_refused():
    async with calling() as call:
        wrong = Deepgram(Account("wrong", call.server.url))
        with pytest.raises(ProviderError, match=r"the key was refused \(401\)"):
            await Call(call.server, wrong).hear(SILENCE, 1.0)


@pytest.mark.parametrize("make", [Deepgram, DeepgramFlux])
def test_no_key_is_noticed_at_once(make: Any):
    with pytest.raises(SettingError, match="DEEPGRAM_API_KEY"):
        make(Account(""))


# ---- messages


@pytest.mark.parametrize("act", ["malformed", "unknown"])
async def test_messages_of_the_future_are_skipped(kind: str, act: Any):
    async with calling(kind, Fault(kind, act=act, after_ms=600)) as call:
        assert await call.hear(*three_turns()) == EXPECTED
    assert len(call.server.links) == 1


async def test_keep_alive_while_there_is_no_audio():
    async with calling(idle_s=0.3) as call:
        heard = await call.hear(*turn(SAID[0]), 0.6, Cue.FINISH, 0.1)

    (link,) = call.server.links
    assert [text for text, _, _ in heard] == [SAID[0]]
    assert {"type": "KeepAlive"} in link.orders


async def test_flux_has_no_keep_alive_and_comes_back_with_the_audio():
    async with calling(FLUX, idle_s=0.2) as call:
        heard = await call.hear(*turn(SAID[0], Cue.FINISH), 0.6, *turn(SAID[1], Cue.FINISH))

    assert [text for text, _, _ in heard] == SAID[:2]
    assert len(call.server.links) == 2


async def test_audio_goes_as_it_came(kind: str):
    steps = turn(SAID[0], Cue.FINISH)
    async with calling(kind) as call:
        await call.hear(*steps, 0.2)  # less than a message waits for 0.1 s

    (link,) = call.server.links
    assert bytes(link.audio) == b"".join(step for step in steps if isinstance(step, bytes))


async def test_the_stream_is_closed_properly(kind: str):
    async with calling(kind) as call:
        await call.hear(*turn(SAID[0], Cue.FINISH))
        await asyncio.wait_for(call.server.until_over(1), 2)

    (link,) = call.server.links
    assert link.orders[-1] == {"type": "CloseStream"}
    assert link.close_code == 1000


# ---- turns


async def test_nova_answers_at_once_when_everything_is_final():
    async with calling() as call:
        await call.hear(*turn(SAID[0], Cue.FINISH))

    (link,) = call.server.links
    assert {"type": "Finalize"} not in link.orders


async def test_nova_is_asked_to_finalize_when_the_floor_is_quicker():
    async with calling() as call:
        heard = await call.hear(*turn(SAID[0], Cue.FINISH, tail=9))

    (link,) = call.server.links
    assert [text for text, _, _ in heard] == [SAID[0]]
    assert {"type": "Finalize"} in link.orders


async def test_a_long_turn_of_many_pieces_is_one_final():
    parts = ["so we are", "forty people", "in three", "offices"]
    steps = [step for part in parts for step in turn(part, lead=5)]
    async with calling() as call:
        heard = await call.hear(*steps, Cue.FINISH)

    assert [text for text, _, _ in heard] == [" ".join(parts)]


async def test_words_long_before_the_turn_do_not_belong_to_it(kind: str):
    murmur = frames(spelled("murmur"))
    async with calling(kind) as call:
        heard = await call.hear(*murmur, *[SILENCE] * 80, *turn(SAID[0], Cue.FINISH))

    assert [text for text, _, _ in heard] == [SAID[0]]


async def test_what_is_dropped_does_not_come_again(kind: str):
    async with calling(kind) as call:
        heard = await call.hear(*turn(SAID[0], Cue.DROP, tail=9), *turn(SAID[1], Cue.FINISH), 0.1)
        shown = [r.text for r in call.results if isinstance(r, Words)]

    assert [text for text, _, _ in heard] == [SAID[1]]
    assert shown[-1] == SAID[1]


async def test_a_second_finish_before_the_answer_to_the_first(kind: str):
    async with calling(kind, Fault(kind, act="silent", after_ms=500)) as call:
        steps = turn(SAID[0], Cue.FINISH, tail=9)
        heard = await call.hear(*steps, *turn(SAID[1], Cue.FINISH, tail=9), 0.8)

    assert len(heard) == 2


async def test_flux_passes_its_signals_on_in_order():
    async with calling(FLUX) as call:
        await call.hear(*turn(SAID[0], tail=60), *turn(SAID[1], Cue.FINISH, tail=60))

    started, ending, ended = Signal.TURN_STARTED, Signal.TURN_ENDING, Signal.TURN_ENDED
    assert call.signals == [started, ending, ended] * 2
    assert call.texts == [*SAID[:2], ""]
    kinds = [type(r) if isinstance(r, TurnSignal) else r.is_final for r in call.results]
    ends = [i for i, r in enumerate(call.results) if getattr(r, "signal", "") == ended]
    assert all(kinds[i - 1] is True for i in ends)  # the words come before the end


async def test_flux_says_that_a_turn_goes_on():
    async with calling(FLUX) as call:
        await call.hear(*turn("how much", tail=18), *turn("is it", Cue.FINISH, lead=0, tail=60))

    resumed = [s for s in call.signals if s is not Signal.TURN_ENDING]
    assert resumed[:2] == [Signal.TURN_STARTED, Signal.TURN_RESUMED]
    assert call.texts[0] == "how much is it"


async def test_flux_is_told_to_end_the_turn_and_then_sends_no_signal():
    async with calling(FLUX) as call:
        heard = await call.hear(*turn(SAID[0], Cue.FINISH, tail=9), 0.1)

    (link,) = call.server.links
    assert [text for text, _, _ in heard] == [SAID[0]]
    assert {"type": "ForceEndTurn"} in link.orders
    assert Signal.TURN_ENDED not in call.signals


class SaysYes:
    """A recogniser that hears "yes please" in everything, and keeps it."""

    name = "yes"

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def recognise(self, mulaw: bytes) -> Recognised:
        self.heard.append(mulaw)
        return Recognised("yes please", 1.0)

    async def warm_up(self) -> None:
        """Nothing to load."""


async def test_a_recogniser_of_this_machine_can_be_the_double(kind: str):
    recogniser = SaysYes()
    sound = frames(speech_like(1.0))
    said = [*sound[:5], Cue.STARTED, *sound[5:], *[SILENCE] * 8, Cue.PAUSED, *[SILENCE] * 12]
    async with calling(kind, hears=lambda: RecogniserEar(recogniser)) as call:
        heard = await call.hear(*[SILENCE] * 25, *said, Cue.FINISH)

    assert [text for text, _, _ in heard] == ["yes please"]
    assert b"".join(recogniser.heard).startswith(b"".join(sound))


# ---- parameters


def test_names_go_to_nova_3_as_terms_and_to_others_as_words():
    names = ("Maplewood Dental", "Qix", "Maplewood Dental", " ")
    assert terms("nova-3", names) == {"keyterm": ["Maplewood Dental", "Qix"]}
    assert terms("nova-2-phonecall", names) == {"keywords": ["Maplewood", "Dental", "Qix"]}
    assert terms("nova-3", ()) == {}


@pytest.mark.parametrize(("model", "name"), [("nova-2", "keywords"), ("nova-3", "keyterm")])
async def test_the_settings_reach_deepgram(model: str, name: str):
    settings = LiveSettings(model, "de", 450, 1500, ("Northwind",), SOON)
    async with calling() as call:
        account = Account(call.server.api_key, call.server.url)
        await Call(call.server, Deepgram(account, settings)).hear(*[SILENCE] * 10, 0.1)

    query = call.server.links[0].query
    assert query[name] == ["Northwind"]
    assert (query["model"], query["language"]) == ([model], ["de"])
    assert (query["endpointing"], query["utterance_end_ms"]) == (["450"], ["1500"])
    assert (query["encoding"], query["sample_rate"]) == (["mulaw"], ["8000"])
    assert query["vad_events"] == query["interim_results"] == ["true"]


async def test_the_settings_reach_flux():
    settings = FluxSettings("flux-general-multi", "es", 0.8, 0, 900, ("Northwind",), SOON)
    async with calling() as call:
        account = Account(call.server.api_key, call.server.url)
        await Call(call.server, DeepgramFlux(account, settings)).hear(*[SILENCE] * 10, 0.1)

    query = call.server.links[0].query
    assert query["keyterm"] == ["Northwind"]
    assert query["language_hint"] == ["es"]
    assert (query["eot_threshold"], query["eot_timeout_ms"]) == (["0.8"], ["900"])
    assert "eager_eot_threshold" not in query


@pytest.mark.parametrize("eager", [0.1, 0.75])
def test_a_threshold_that_flux_refuses_is_noticed_at_once(eager: float):
    with pytest.raises(SettingError, match=r"DEEPGRAM_EAGER_EOT_THRESHOLD.*0\.3"):
        DeepgramFlux(Account("key"), replace(FluxSettings(), eager_eot_threshold=eager))
