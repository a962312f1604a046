"""Numbers for Prometheus: a listener on the events of each call, and counters for the rest.

Latencies are those of `trace`, taken as each answer begins; docs/operations.md lists the names.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Counts
from collections import deque
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from sdr_lab import __version__
from sdr_lab.events import (
    AgentStarted,
    CallEnded,
    Event,
    GapFilled,
    Interrupted,
    ProviderFailed,
    Resumed,
    Withdrawn,
)
from sdr_lab.records import CallConfig
from sdr_lab.trace.clock import CallClock
from sdr_lab.trace.latency import barge_ins, measure
from sdr_lab.trace.stages import ANSWER, STAGES, TOTAL

CONTENT_TYPE = CONTENT_TYPE_LATEST

WINDOW_EVENTS = 400
"""Events that are kept of a call to measure its next answer; a turn has some thirty."""

LATENCY_BUCKETS_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10)
LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1)
"""A frame is 20 ms."""

BEAT_S = 0.1

CALL_BUCKETS_S = (5, 15, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """The numbers of one process, in a registry of their own. One thread writes."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        Gauge("sdr_lab_info", "Always 1.", ["version"], registry=registry).labels(__version__).set(
            1
        )
        self.running = Gauge(
            "sdr_lab_calls_running", "Calls going on.", ["line"], registry=registry
        )
        self.calls = Counter(
            "sdr_lab_calls", "Calls that are over.", ["line", "outcome"], registry=registry
        )
        self.call_seconds = Histogram(
            "sdr_lab_call_seconds", "Length of calls.", ["line"],
            buckets=CALL_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.latency = Histogram(
            "sdr_lab_latency_seconds", "Stages of an answer; voice_to_voice is what callers feel.",
            ["stage"], buckets=LATENCY_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.barge_ins = Counter(
            "sdr_lab_barge_ins", "Callers who cut in.", ["detector"], registry=registry
        )
        self.clear_seconds = Histogram(
            "sdr_lab_barge_in_clear_seconds", "Decision to `clear` handed to the line.",
            buckets=LATENCY_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.holds = Counter(
            "sdr_lab_holds_released", "Times the agent fell silent for nothing, and went on.",
            ["why"], registry=registry,
        )  # fmt: skip
        self.withdrawn = Counter(
            "sdr_lab_replies_withdrawn", "Replies dropped before any of them was heard.",
            registry=registry,
        )  # fmt: skip
        self.errors = Counter(
            "sdr_lab_provider_errors", "Failures of providers.", ["stage", "provider"],
            registry=registry,
        )  # fmt: skip
        self.missing_seconds = Counter(
            "sdr_lab_audio_missing_seconds", "Caller's audio that never came.", registry=registry
        )
        self.loop_lag = Histogram(
            "sdr_lab_loop_lag_seconds", "How much later than asked for the event loop wakes up: "
            "audio waits as long.", buckets=LAG_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.refused = Counter(
            "sdr_lab_calls_refused", "Calls and streams not let in.", ["why"], registry=registry
        )
        self.deliveries = Counter(
            "sdr_lab_webhook_deliveries", "Tries of webhooks.", ["outcome"], registry=registry
        )
        self.requests = Counter(
            "sdr_lab_http_requests", "HTTP requests.", ["method", "route", "status"],
            registry=registry,
        )  # fmt: skip

    def listener(self, config: CallConfig) -> CallMetrics:
        """Return what takes the events of one call."""
        return CallMetrics(self, config.line)

    def running_now(self, lines: Iterable[str]) -> None:
        """Say which calls are going on, by the kind of their lines."""
        self.running.clear()
        for line, count in Counts(lines).items():
            self.running.labels(line).set(count)

    def webhook_tried(self, outcome: str) -> None:
        """Count a try of a webhook: `delivered`, `failed` (will be tried again) or `dead`."""
        self.deliveries.labels(outcome).inc()

    def call_refused(self, why: str) -> None:
        """Count a call or stream that was not let in: `busy`, `stopping`, `signature`…"""
        self.refused.labels(why).inc()

    async def watch_loop(self) -> None:
        """Measure the event loop until cancelled."""
        now_s = asyncio.get_running_loop().time
        while True:
            due_s = now_s() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self.loop_lag.observe(max(0.0, now_s() - due_s))

    def provider_failed(self, stage: str, provider: str) -> None:
        """Count a failure outside of a call, such as `telephone`, `twilio`."""
        self.errors.labels(stage, provider).inc()

    def text(self) -> bytes:
        """Return all numbers in Prometheus' text format (`CONTENT_TYPE`)."""
        return generate_latest(self.registry)


class CallMetrics:
    """Takes the numbers of one call from its events."""

    def __init__(self, metrics: Metrics, line: str) -> None:
        self._metrics = metrics
        self._line = line
        self._window: deque[Event] = deque(maxlen=WINDOW_EVENTS)

    def __call__(self, event: Event) -> None:
        metrics = self._metrics
        self._window.append(event)
        match event:
            case CallEnded():
                metrics.call_seconds.labels(self._line).observe(event.duration_ms / 1000)
                metrics.calls.labels(self._line, event.reason).inc()
            case AgentStarted():
                self._answered(event.turn)
            case Interrupted():
                self._cut_in(event)
            case Resumed():
                metrics.holds.labels(event.why).inc()
            case Withdrawn():
                metrics.withdrawn.inc()
            case ProviderFailed():
                metrics.errors.labels(event.stage, event.provider).inc()
            case GapFilled():
                metrics.missing_seconds.inc(event.missing_ms / 1000)
            case _:
                return

    def _answered(self, number: int) -> None:
        turns = measure(self._window).turns
        turn = next(turn for turn in turns if turn.turn == number)
        for stage in (*STAGES, ANSWER, TOTAL):
            if (taken_ms := stage.ms(turn)) is not None:
                self._metrics.latency.labels(stage.key).observe(max(0.0, taken_ms) / 1000)
        started = self._window[-1]
        self._window.clear()
        self._window.append(started)

    def _cut_in(self, event: Interrupted) -> None:
        self._metrics.barge_ins.labels(event.detector).inc()
        found = barge_ins(list(self._window), CallClock(self._window))[-1]
        self._metrics.clear_seconds.observe(max(0.0, found.cleared_ms - found.decided_ms) / 1000)
