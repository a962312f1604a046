"""How many calls a server holds: `python eval/load.py [--calls 100]`.

A fleet of callers in a process of its own opens media streams at `server.py`, run in another
process, over real sockets and in real time. Callers ask, listen, ask again; in four of ten
answers they cut in after 0.7 to 3 s. Everything of a call is done and written: recording, event
log, transcript, database row, analysis. Providers answer at once and cost next to nothing
(`sdr_lab/simulate/instant.py`): the figures are those of the server, without any model's work.
Both processes share the same cores (`--cores`, by default 2).

What counts:

- *Due.* A caller plays sound as it comes, in order. In the middle of a reply, a frame is due when
  all that came before it has been played, by the caller's own clock. The server hands sound out
  200 ms ahead (PLAY_AHEAD_MS), as on any telephone line, so it may be that much behind unheard;
  how much was in hand when sound came is printed too.
- *Late.* A frame that came more than 20 ms after it was due, within a sentence or between two
  sentences of one reply (the voice answers at once, so nothing but the server can be the reason).
  Bar: at most 0.1 % of all frames.
- *Decision to clear.* The caller's clock, from the moment when the frame that made the server
  decide was sent to the moment when `clear` came: sockets, queues and both processes included.
  Bar: p95 at most 40 ms. The event log's own figure, decision to `clear` handed over, is smaller.
- *The fleet's own lag.* Frames that a caller sent more than 20 ms late. When these are more than
  0.1 % the fleet itself was overrun, and the figures are void.

`--sweep 16,32,64` looks where it breaks, `--soak` makes 300 short calls and looks at memory.
The exit code is 1 when a bar is missed or the figures are void.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil
from load_fleet import Fleet, Plan, run_fleet
from load_server import CallLog, Server, running
from machine import machine

from sdr_lab.simulate.phone_playback import LATE_MS

BEGIN_S = 0.06
"""From one call's begin to the next. A hundred calls of three minutes each begin 1.8 s apart."""
LATE_BAR = 0.001
CLEAR_BAR_MS = 40.0
LAG_BAR = 0.001
OTHERS_CORES = 0.3  # used by other programs: more changes what is measured
GROWTH_BAR = 0.05
WARM_CALLS = 100
"""Of a soak, before memory must be flat."""
LIBRARIES = ("uvicorn", "uvloop", "websockets", "starlette", "numpy")
MB = 1e6


@dataclass
class Figures:
    """Of one run."""

    calls: int
    load_before: float
    frames: int = 0
    late_frames: int = 0
    worst_hole_ms: float = 0.0
    in_hand_ms: dict[str, float] = field(default_factory=dict)
    """Sound that a caller had in hand when more came: what share had at most so much."""
    clears: int = 0
    decision_to_clear_ms: dict[str, float] = field(default_factory=dict)
    handed_over_ms: dict[str, float] = field(default_factory=dict)
    onset_to_clear_ms: dict[str, float] = field(default_factory=dict)
    reply_ms: dict[str, float] = field(default_factory=dict)
    loop_lag: dict[str, float] = field(default_factory=dict)
    """Share of the server's wake-ups that were later than 5, 20, 50 ms."""
    server_cpu: float = 0.0
    """Cores, while all calls went on."""
    fleet_cpu: float = 0.0
    other_cpu: float = 0.0
    """Cores that other programs on this machine were using, from the first call to the last."""
    rss_mb: float = 0.0
    mb_per_call: float = 0.0
    fleet_lag: float = 0.0
    """Share of the callers' frames that they sent late."""
    fleet_worst_ms: float = 0.0
    turns: int = 0
    audio_s: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def late_share(self) -> float:
        return self.late_frames / max(1, self.frames)

    @property
    def missed(self) -> list[str]:
        """What is wrong with it; empty when the bar is held."""
        found = list(self.faults)
        if self.fleet_lag > LAG_BAR:
            found.append(f"void: the fleet itself was late with {self.fleet_lag:.2%} of its frames")
        if self.late_share > LATE_BAR:
            found.append(f"{self.late_share:.2%} of frames late, allowed {LATE_BAR:.1%}")
        if (p95 := self.decision_to_clear_ms.get("p95", 0.0)) > CLEAR_BAR_MS:
            found.append(f"decision to clear p95 {p95:.0f} ms, allowed {CLEAR_BAR_MS:.0f}")
        if not self.frames or not self.clears:
            found.append("nothing was said, or nobody was interrupted")
        return found


def main(given: list[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    options = arguments().parse_args(given)
    options.calls = options.calls or (20 if options.soak else 100)
    options.seconds = options.seconds or (6 if options.soak else 40)
    cores = keep_to(options.cores)
    print(f"{machine()}\nboth processes on cores {cores}")
    print(", ".join(f"{name} {version(name)}" for name in LIBRARIES), flush=True)
    if options.soak:
        return soak(options)
    rows = []
    for calls in options.sweep or [options.calls]:
        figures = measure(calls, options)
        rows.append(figures)
        print(told(figures), flush=True)
    if options.json:
        lines = [
            {**asdict(row), "late_share": row.late_share, "missed": row.missed} for row in rows
        ]
        Path(options.json).write_text(json.dumps(lines, indent=2), encoding="utf-8")
    return int(any(row.missed for row in rows))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog="What is measured and how: the docstring of this file.",
    )
    parser.add_argument("--calls", type=_calls, help="at the same time (100; in a soak 20)")
    parser.add_argument("--sweep", type=_many, help="numbers of calls, one after the other")
    parser.add_argument("--seconds", type=_seconds, help="all calls together (40; a soak's each 6)")
    parser.add_argument("--ramp", type=_seconds, help="begin and end over so long (0.06 a call)")
    parser.add_argument("--cores", type=int, default=2, help="that both processes share (2)")
    parser.add_argument("--seed", type=int, default=1, help="of what callers do")
    parser.add_argument("--soak", action="store_true", help="300 short calls: memory must be flat")
    parser.add_argument("--soak-calls", type=int, default=300, help="of a soak (300)")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE for the server")
    parser.add_argument("--json", help="file for the figures")
    parser.add_argument("--home", type=Path, help="keep workspaces here instead of in a temp. one")
    parser.add_argument("--wrapper", default="", help="command that runs the server: a profiler")
    return parser


def _calls(text: str) -> int:
    if not 1 <= (number := int(text)) <= 500:
        raise argparse.ArgumentTypeError("1 to 500 calls")
    return number


def _many(text: str) -> list[int]:
    return [_calls(part) for part in text.split(",")]


def _seconds(text: str) -> float:
    if not 0.5 <= (seconds := float(text)) <= 600:
        raise argparse.ArgumentTypeError("0.5 to 600 s")
    return seconds


def keep_to(cores: int) -> str:
    """Bind this process and its children to so many cores, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        return f"all {os.cpu_count()} of {platform.system()}"
    mine = sorted(os.sched_getaffinity(0))[:cores]
    os.sched_setaffinity(0, mine)
    return ", ".join(map(str, mine))


# ---- one run


def measure(calls: int, options: argparse.Namespace) -> Figures:
    """Run a server and a fleet and compare what both saw."""
    figures = Figures(calls, os.getloadavg()[0])
    with (
        tempfile.TemporaryDirectory() as temporary,
        running(options.home or Path(temporary), options.set, options.wrapper.split()) as server,
    ):
        ramp_s = options.ramp or calls * BEGIN_S
        plan = Plan(server.url, calls, calls, ramp_s, options.seconds, options.seed)
        fleet = watch(plan, server, figures)
        server.wait_until_idle(len(fleet.made))
        logs = {made.conversation_id: server.call_log(made.conversation_id) for made in fleet.made}
        figures.faults += server.complaints()
    heard(figures, fleet)
    compare(figures, fleet, logs)
    return figures


def watch(plan: Plan, server: Server, figures: Figures) -> Fleet:
    """Let the fleet call; note what the server needs while all calls go on."""
    process = server.python
    before_mb = process.memory_info().rss / MB
    with fleet_of(plan) as (pipe, callers):
        expect(pipe, "ready")
        ready = spent(process, callers)
        expect(pipe, "up")
        lag, up = server.lag_counts(), spent(process, callers)
        expect(pipe, "held")
        held = spent(process, callers)
        figures.loop_lag = _lag_shares(lag, server.lag_counts())
        figures.rss_mb = process.memory_info().rss / MB
        expect(pipe, "over")
        over = spent(process, callers)
        fleet: Fleet = pipe.recv()
    figures.mb_per_call = (figures.rss_mb - before_mb) / plan.calls
    figures.server_cpu = (held.server_s - up.server_s) / (held.at_s - up.at_s)
    figures.fleet_cpu = (held.fleet_s - up.fleet_s) / (held.at_s - up.at_s)
    figures.other_cpu = max(0.0, (over.others_s - ready.others_s) / (over.at_s - ready.at_s))
    return fleet


@dataclass(frozen=True)
class Spent:
    """Processor time used until a moment, in s."""

    at_s: float
    server_s: float
    fleet_s: float
    all_s: float
    """By the whole machine."""

    @property
    def others_s(self) -> float:
        return self.all_s - self.server_s - self.fleet_s


def spent(server: psutil.Process, fleet: psutil.Process) -> Spent:
    times = psutil.cpu_times()
    busy_s = sum(times) - times.idle - getattr(times, "iowait", 0.0)
    server_s, fleet_s = (sum(process.cpu_times()[:2]) for process in (server, fleet))
    return Spent(time.monotonic(), server_s, fleet_s, busy_s)


@contextmanager
def fleet_of(plan: Plan, is_soak: bool = False) -> Iterator[tuple[Connection, psutil.Process]]:
    """Run a fleet in a process of its own; yield what it tells, and the process."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=run_fleet, args=(plan, theirs, is_soak)
    )
    process.start()
    theirs.close()  # else its end would not be seen
    try:
        yield ours, psutil.Process(process.pid)
        process.join(30)
    finally:
        process.kill()
        process.join()


def expect(pipe: Connection, what: str) -> None:
    told = pipe.recv()
    if told != what:
        raise RuntimeError(f"the fleet says {told!r} instead of {what!r}")


def heard(figures: Figures, fleet: Fleet) -> None:
    """Add up what the callers heard."""
    reports = [made.report for made in fleet.made]
    plays = [report.playback for report in reports]
    seams_ms = [ms for play in plays for ms in play.seams_ms]
    figures.frames = sum(play.frames for play in plays)
    figures.late_frames = sum(play.late_frames for play in plays)
    figures.late_frames += sum(ms > LATE_MS for ms in seams_ms)
    holes_ms = seams_ms + [ms for play in plays for ms in play.late_ms]
    figures.worst_hole_ms = max(holes_ms, default=0.0)
    figures.in_hand_ms = _in_hand(np.sum([play.in_hand for play in plays], axis=0))
    sent = sum(report.sent_frames for report in reports)
    figures.fleet_lag = sum(report.lags for report in reports) / max(1, sent)
    figures.fleet_worst_ms = max((report.lag_ms for report in reports), default=0.0)
    figures.onset_to_clear_ms = _spread([ms for r in reports for ms in r.clears_ms])
    figures.reply_ms = _spread([ms for r in reports for ms in r.replies_ms])
    figures.faults += fleet.failed
    figures.faults += [text for report in reports for text in report.violations]
    hung_up = sum(report.ended_by != "caller" for report in reports)
    if hung_up:
        figures.faults.append(f"{hung_up} calls were ended by the server")


def compare(figures: Figures, fleet: Fleet, logs: Mapping[str, CallLog]) -> None:
    """Bring together what the callers and the event logs say."""
    taken_ms: list[float] = []
    for made in fleet.made:
        log = logs[made.conversation_id]
        cleared_ms = made.report.cleared_at_ms
        taken_ms += [came - sent for came, sent in zip(cleared_ms, log.cleared_at_ms, strict=False)]
        if abs(len(cleared_ms) - len(log.cleared_at_ms)) > 1:  # one may be under way at the end
            figures.faults.append(f"{made.conversation_id}: clears lost")
        if not log.has_ended or log.wav_ms < log.duration_ms:
            figures.faults.append(f"{made.conversation_id}: not written down")
    figures.clears = len(taken_ms)
    figures.decision_to_clear_ms = _spread(taken_ms)
    figures.handed_over_ms = _spread([ms for log in logs.values() for ms in log.handed_over_ms])
    figures.turns = sum(log.turns for log in logs.values())
    figures.audio_s = sum(log.duration_ms for log in logs.values()) / 1000


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    found = {"p50": p50, "p95": p95, "p99": p99, "max": max(values)}
    return {name: round(float(value), 1) for name, value in found.items()}


def _in_hand(counts: np.ndarray) -> dict[str, float]:
    """Return how much sound was in hand in the worst 0.1, 1 and 50 % of all cases."""
    shares = np.cumsum(counts) / max(1, counts.sum())
    steps = {"0.1%": 0.001, "1%": 0.01, "50%": 0.5}
    return {name: float(np.searchsorted(shares, share)) * 10 for name, share in steps.items()}


def _lag_shares(before: Mapping[float, float], after: Mapping[float, float]) -> dict[str, float]:
    """Return the share of wake-ups that came later than…"""
    counts = {limit_s: after[limit_s] - before.get(limit_s, 0.0) for limit_s in after}
    every = max(1.0, counts[float("inf")])
    return {f"{s * 1000:.0f} ms": round(1 - counts[s] / every, 5) for s in (0.005, 0.02, 0.05)}


def told(figures: Figures) -> str:
    """Return what a run was like, for reading."""
    f = figures
    minutes = max(1e-9, f.audio_s / 60)
    lines = [
        f"\n{f.calls} calls, load before {f.load_before:.1f}: {minutes:.0f} call-minutes, "
        f"{f.turns} turns, {f.clears} barge-ins",
        f"  frames late by more than {LATE_MS:.0f} ms    {f.late_frames} of {f.frames} = "
        f"{f.late_share:.3%}, worst hole {f.worst_hole_ms:.0f} ms",
        f"  sound in hand, in the worst cases  {_row(f.in_hand_ms)} ms",
        f"  decision to clear, by the caller   {_row(f.decision_to_clear_ms)} ms",
        f"  decision to clear handed over      {_row(f.handed_over_ms)} ms",
        f"  onset to clear, by the caller      {_row(f.onset_to_clear_ms)} ms",
        f"  last word to answer                {_row(f.reply_ms)} ms",
        f"  server's loop woke up later than   {_row(f.loop_lag)}",
        f"  server CPU  {f.server_cpu:.2f} cores, {f.server_cpu / f.calls * 60:.2f} s a "
        f"call-minute, {f.server_cpu / f.calls / 50 * 1e6:.0f} us a frame",
        f"  server memory  {f.rss_mb:.0f} MB, {f.mb_per_call:.2f} MB a call",
        f"  fleet  {f.fleet_cpu:.2f} cores, late with {f.fleet_lag:.3%} of its frames, "
        f"at most {f.fleet_worst_ms:.0f} ms; other programs {f.other_cpu:.2f} cores",
    ]
    if f.other_cpu > OTHERS_CORES:
        lines.append("  other programs took part of the machine: measure again when it is idle")
    return "\n".join([*lines, *(f"  MISSED: {what}" for what in f.missed[:8])])


def _row(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in values.items())


# ---- many short calls


def soak(options: argparse.Namespace) -> int:
    """Make short calls and see that memory stays where it is; return the exit code."""
    with (
        tempfile.TemporaryDirectory() as temporary,
        running(options.home or Path(temporary), options.set, options.wrapper.split()) as server,
    ):
        process, rss_mb = server.python, list[float]()
        plan = Plan(server.url, options.soak_calls, options.calls, 0, options.seconds, options.seed)
        with fleet_of(plan, is_soak=True) as (pipe, _):
            expect(pipe, "ready")
            while (told := pipe.recv()) != "over":
                rss_mb.append(process.memory_info().rss / MB)
                if len(rss_mb) % 25 == 0:
                    print(f"  after {told:>4} calls {rss_mb[-1]:.1f} MB", flush=True)
            fleet: Fleet = pipe.recv()
        server.wait_until_idle(len(fleet.made))
        rss_mb.append(process.memory_info().rss / MB)
    warm = min(WARM_CALLS, len(rss_mb) // 2)
    growth = rss_mb[-1] / rss_mb[warm] - 1
    print(
        f"memory from call {warm} ({rss_mb[warm]:.1f} MB) to call {len(fleet.made)} "
        f"({rss_mb[-1]:.1f} MB): {growth:+.1%}, allowed {GROWTH_BAR:+.0%}"
    )
    for fault in fleet.failed[:8]:
        print(f"  MISSED: {fault}")
    return int(growth > GROWTH_BAR or bool(fleet.failed))


if __name__ == "__main__":
    sys.exit(main())
