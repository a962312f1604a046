"""Runs many settings over many calls, in processes. One call is in memory at a time.

`energy` and `hybrid` have twins that decide for all settings in one pass; any other detector runs
once per setting as it would live.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from typing import NamedTuple

import numpy as np

from sdr_lab.errors import SdrLabError
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.corpus import LabelledCall
from sdr_lab.tune.detect import detect
from sdr_lab.tune.energy_twin import Ints, energy_stops, read_energies, track_of
from sdr_lab.tune.sweep_tally import Tally, joined, tally

SETTINGS_AT_ONCE = 4000
"""A twin's vectors stay in the processor's cache; of more settings, several passes are made."""
PLAIN_AT_ONCE = 8
"""Without a twin a pass takes as long as the detector does, so parts are small."""

Progress = Callable[[int, int], None]
"""Told how many parts are done, of how many."""


class Counted(NamedTuple):
    """What all settings reached in one call."""

    stops: Tally
    holds: Tally


@dataclass(frozen=True, slots=True)
class _Part:
    """Some settings over one call."""

    call: int
    first: int
    last: int


def count_all(
    calls: Sequence[LabelledCall],
    settings: Sequence[InterruptSettings],
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> list[Counted]:
    """Run every setting over every call; in the order of `calls`.

    Raises:
        AudioError: a recording can't be read.
        NotFound: no such detector.
        SdrLabError: a process died.
    """
    parts = _parts(calls, settings, jobs)
    told = on_progress or (lambda done, of: None)
    told(0, len(parts))
    done: dict[_Part, Counted] = {}
    if jobs <= 1 or len(parts) < 2:
        for part in parts:
            done[part] = count(calls[part.call], settings[part.first : part.last])
            told(len(done), len(parts))
    else:
        _in_processes(calls, settings, parts, jobs, done, told)
    by_call: list[list[Counted]] = [[] for _ in calls]
    for part in sorted(done, key=lambda part: part.first):
        by_call[part.call].append(done[part])
    return [_together(found) for found in by_call]


def count(call: LabelledCall, settings: Sequence[InterruptSettings]) -> Counted:
    """Run settings of one detector over one call and count what they reach."""
    detector = settings[0].detector
    n = len(settings)
    if detector == "energy":  # never holds: a stop is its hold as well
        fired = energy_stops(track_of(read_energies(call), call.agent), settings)
        stops = tally(call, fired.at_ms, fired.setting, n)
        return Counted(stops, stops)
    if detector == "hybrid":
        from sdr_lab.tune.hybrid_twin import hybrid_signs, read_scores

        held, stopped = hybrid_signs(read_scores(call, settings[0]), settings)
        return Counted(
            tally(call, stopped.at_ms, stopped.setting, n), tally(call, held.at_ms, held.setting, n)
        )
    found = [detect(call, one) for one in settings]
    return Counted(
        tally(call, *_times([one.stop_times_s for one in found]), n),
        tally(call, *_times([one.hold_times_s for one in found]), n),
    )


def _times(times_s: Sequence[Sequence[float]]) -> tuple[Ints, Ints]:
    """Return (ms, setting) of every decision."""
    at_ms = [round(1000 * t) for row in times_s for t in row]
    setting = np.repeat(np.arange(len(times_s)), [len(row) for row in times_s])
    return np.array(at_ms, np.int64), setting


def _parts(
    calls: Sequence[LabelledCall], settings: Sequence[InterruptSettings], jobs: int
) -> list[_Part]:
    """Cut the work up, the longest calls first; few long calls are cut by settings as well."""
    size = len(settings)
    if settings[0].detector == "energy":
        size = -(-size // max(1, jobs // max(1, len(calls))))
        size = min(size, SETTINGS_AT_ONCE)
    elif settings[0].detector == "hybrid":
        size = SETTINGS_AT_ONCE  # what costs is listening, once per part
    else:
        size = PLAIN_AT_ONCE
    order = sorted(range(len(calls)), key=lambda i: -calls[i].duration_ms)
    starts = range(0, len(settings), size)
    return [_Part(i, first, min(first + size, len(settings))) for i in order for first in starts]


def _together(found: Sequence[Counted]) -> Counted:
    if len(found) == 1:
        return found[0]
    return Counted(joined([one.stops for one in found]), joined([one.holds for one in found]))


def _in_processes(
    calls: Sequence[LabelledCall],
    settings: Sequence[InterruptSettings],
    parts: Sequence[_Part],
    jobs: int,
    done: dict[_Part, Counted],
    told: Progress,
) -> None:
    before = set(active_children())
    # "spawn": a fork would inherit the locks of threads that numerical libraries have started
    pool = ProcessPoolExecutor(
        min(jobs, len(parts)), get_context("spawn"), initializer=_begin, initargs=(settings,)
    )
    try:
        running: dict[Future[Counted], _Part] = {
            pool.submit(_count_part, calls[part.call], part): part for part in parts
        }
        for one in as_completed(running):
            done[running[one]] = one.result()
            told(len(done), len(parts))
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in active_children():
            if child not in before:
                child.terminate()
        if isinstance(error, BrokenProcessPool):
            raise SdrLabError(
                "a process of the sweep died (out of memory?); try again with --jobs 1"
            ) from error
        raise
    pool.shutdown()


_settings: Sequence[InterruptSettings] = ()
"""Of the sweep that this process works for."""


def _begin(settings: Sequence[InterruptSettings]) -> None:
    global _settings
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    _settings = settings


def _count_part(call: LabelledCall, part: _Part) -> Counted:
    return count(call, _settings[part.first : part.last])
