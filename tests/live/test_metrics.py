from __future__ import annotations

import asyncio
from contextlib import suppress

from prometheus_client.parser import text_string_to_metric_families

from sdr_lab.events import (
    AgentStarted,
    AgentStopped,
    CallEnded,
    CallerStarted,
    CallerStopped,
    CallStarted,
    Event,
    FirstToken,
    GapFilled,
    Interrupted,
    LineCleared,
    ProviderFailed,
    ReplyBegun,
    SentenceReady,
    SpeechReady,
    TurnEnding,
    TurnOver,
    Withdrawn,
    WordsHeard,
)
from sdr_lab.live.metrics import Metrics
from sdr_lab.records import Agent, CallConfig, CallSettings
from sdr_lab.simulate.clock import VirtualLoop
from sdr_lab.trace.latency import measure
from sdr_lab.trace.stages import ANSWER, STAGES, TOTAL

AGENT = Agent(id="joe", name="Joe", version=1, system_prompt="Sell.", first_message="Hi.")


def config(line: str = "twilio") -> CallConfig:
    return CallConfig("conv_1", AGENT, CallSettings(), "whisper", "playbook", "tone", line)


def at(kind: type[Event], ms: int, **fields: object) -> Event:
    return kind(at_ms=ms, clock_ms=float(ms), **fields)


def values(metrics: Metrics) -> dict[str, float]:
    """Return every number by name and labels (by their names), as Prometheus reads it."""
    text = metrics.text().decode()
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def answered(turn: int, start_ms: int) -> list[Event]:
    """The caller speaks for a second; the agent answers 900 ms after his last sound."""
    m = start_ms
    return [
        at(CallerStarted, m + 60, onset_ms=m),
        at(CallerStopped, m + 1160, last_voiced_ms=m + 1000),
        at(WordsHeard, m + 1300, text="hello", is_final=True, start_ms=m, end_ms=m + 1100,
           confidence=1.0),
        at(TurnEnding, m + 1500, pause_ms=500, why="complete"),
        at(TurnOver, m + 1500, turn=turn, text="hello", last_voiced_ms=m + 1000, pause_ms=500,
           why="complete"),
        at(ReplyBegun, m + 1510, turn=turn, model="playbook"),
        at(FirstToken, m + 1600, turn=turn),
        at(SentenceReady, m + 1700, turn=turn, index=0, text="Hi."),
        at(SpeechReady, m + 1890, turn=turn, index=0, cached=False),
        at(AgentStarted, m + 1900, turn=turn),
    ]  # fmt: skip


CALL = [
    at(CallStarted, 0, conversation_id="conv_1", agent="joe", agent_version=1, line="twilio",
       stt="whisper", llm="playbook", tts="tone"),
    at(AgentStarted, 100, turn=0),
    at(AgentStopped, 900, turn=0, text="Hi."),
    *answered(1, 1000),
    at(LineCleared, 4010, turn=1),
    at(Interrupted, 4000, turn=1, heard="Hi.", planned="Hi. There.", onset_ms=3900,
       detector="energy"),
    *answered(2, 4000),
    at(AgentStopped, 7000, turn=2, text="Hi."),
    at(GapFilled, 7100, missing_ms=250),
    at(ProviderFailed, 7200, stage="tts", provider="deepgram", error="cut"),
    at(Withdrawn, 7300, turn=3),
    at(CallEnded, 9000, reason="caller", duration_ms=9000),
]  # fmt: skip


def test_a_call_is_counted_from_its_events():
    metrics = Metrics()
    listener = metrics.listener(config())
    for event in CALL:
        listener(event)

    found = values(metrics)

    assert found["sdr_lab_calls_total twilio caller"] == 1
    assert found["sdr_lab_call_seconds_sum twilio"] == 9
    assert found["sdr_lab_barge_ins_total energy"] == 1
    assert found["sdr_lab_barge_in_clear_seconds_count"] == 1
    assert found["sdr_lab_replies_withdrawn_total"] == 1
    assert found["sdr_lab_provider_errors_total deepgram tts"] == 1
    assert found["sdr_lab_audio_missing_seconds_total"] == 0.25


def test_latencies_are_those_of_the_trace():
    metrics = Metrics()
    listener = metrics.listener(config())
    for event in CALL:
        listener(event)
    turns = measure(CALL).turns

    found = values(metrics)

    for stage in (*STAGES, ANSWER, TOTAL):
        taken = [ms for turn in turns if (ms := stage.ms(turn)) is not None]
        count = found.get(f"sdr_lab_latency_seconds_count {stage.key}", 0)
        total = found.get(f"sdr_lab_latency_seconds_sum {stage.key}", 0)
        assert (count, round(total, 3)) == (len(taken), round(sum(taken) / 1000, 3)), stage.key
    assert found["sdr_lab_latency_seconds_sum voice_to_voice"] == 1.8  # two answers of 900 ms
    assert found["sdr_lab_latency_seconds_bucket 1.0 voice_to_voice"] == 2
    assert found["sdr_lab_latency_seconds_bucket 0.8 voice_to_voice"] == 0


def test_a_long_call_keeps_few_events():
    listener = Metrics().listener(config())
    for turn in range(1, 100):
        for event in answered(turn, turn * 5000):
            listener(event)

    assert len(listener._window) == 1


def test_calls_that_are_going_on():
    metrics = Metrics()
    metrics.running_now(["twilio", "browser", "twilio"])
    assert values(metrics)["sdr_lab_calls_running twilio"] == 2

    metrics.running_now(["browser"])

    found = values(metrics)
    assert found["sdr_lab_calls_running browser"] == 1
    assert "sdr_lab_calls_running twilio" not in found


def test_what_is_counted_outside_of_calls():
    metrics = Metrics()
    metrics.webhook_tried("delivered")
    metrics.webhook_tried("dead")
    metrics.call_refused("busy")
    metrics.provider_failed("telephone", "twilio")

    found = values(metrics)

    assert found["sdr_lab_webhook_deliveries_total delivered"] == 1
    assert found["sdr_lab_webhook_deliveries_total dead"] == 1
    assert found["sdr_lab_calls_refused_total busy"] == 1
    assert found["sdr_lab_provider_errors_total twilio telephone"] == 1


def test_two_desks_do_not_share_their_numbers():
    one, two = Metrics(), Metrics()
    one.call_refused("busy")

    assert "sdr_lab_calls_refused_total busy" not in values(two)


def test_how_late_the_event_loop_wakes_up():
    metrics = Metrics()

    async def beats() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(1.05):
                await metrics.watch_loop()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:  # wakes up to the moment
        runner.run(beats())

    found = values(metrics)
    assert found["sdr_lab_loop_lag_seconds_count"] == 10
    assert found["sdr_lab_loop_lag_seconds_bucket 0.001"] == 10
