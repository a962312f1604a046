"""What would have been decided: a recorded call with other settings.

That the same settings decide the same is shown in tests/call/test_replayable.py on calls on the
virtual clock, and in tests/e2e/test_replayed_calls.py on calls over sockets.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.errors import AudioError, NotFound
from sdr_lab.records import CallSettings, InterruptSettings
from sdr_lab.replay.decisions import replay_decisions
from sdr_lab.simulate.condition import CONDITIONS
from sdr_lab.turns.decision import Kind
from tests.replay.recorded import recorded

ENERGY = CallSettings(interrupt=InterruptSettings(detector="energy"))


def test_filters_are_applied_again(tmp_path: Path):
    settings = CallSettings(filters=("highpass_gate",))
    done = recorded(tmp_path, settings, CONDITIONS["noisy"])

    assert replay_decisions(done.folder).same_decisions
    raw = replay_decisions(done.folder, replace(settings, filters=()))
    assert not raw.same_decisions  # the filter has been heard


def test_a_later_stop_has_moved(tmp_path: Path):
    done = recorded(tmp_path, ENERGY)
    settings = done.session.config.settings
    slower = replace(settings, interrupt=replace(settings.interrupt, min_speech_ms=300))
    found = replay_decisions(done.folder, slower)

    (stop,) = [row for row in found.logged if row.kind == Kind.CUT_IN]
    assert [d.kind for d in found.differences] == [Kind.CUT_IN]
    assert not found.same_decisions
    assert found.settings == slower
    assert stop in found.logged


def test_a_stop_that_is_no_longer_ends_the_reply_all_the_same(tmp_path: Path):
    done = recorded(tmp_path, ENERGY)
    settings = done.session.config.settings
    off = replace(settings, interrupt=replace(settings.interrupt, enabled=False))
    found = replay_decisions(done.folder, off)

    assert [d.text.partition(": ")[2] for d in found.differences] == ["no longer"]
    overs = [
        [r for r in rows if r.kind == Kind.TURN_OVER] for rows in (found.logged, found.decisions)
    ]
    assert overs[0] == overs[1]  # he was listened to from the recorded stop on


def test_another_pause_ends_turns_at_another_time(tmp_path: Path):
    done = recorded(tmp_path)
    settings = done.session.config.settings
    sooner = replace(settings, endpoint=replace(settings.endpoint, mode="fixed", silence_ms=400))
    found = replay_decisions(done.folder, sooner)

    moved = [d for d in found.differences if d.kind == Kind.TURN_ENDING]
    assert moved
    assert all(d.before and d.after and d.after.at_ms < d.before.at_ms for d in moved)


def test_a_cancelled_call_ends_without_a_last_turn(tmp_path: Path):
    done = recorded(tmp_path)
    log = done.folder / "events.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if '"kind": "TurnOver"' in line)
    ended = lines[-1].replace('"caller"', '"cancelled"')
    log.write_text("\n".join([*lines[:at], ended]) + "\n", encoding="utf-8")

    assert '"cancelled"' in ended
    found = replay_decisions(done.folder)
    assert found.decisions[: len(found.logged)] == found.logged
    assert not [row for row in found.decisions if row.why == "hung_up"]


def test_what_is_missing_is_told(tmp_path: Path):
    done = recorded(tmp_path)
    with pytest.raises(NotFound, match="detector 'nope'"):
        replay_decisions(done.folder, CallSettings(interrupt=InterruptSettings(detector="nope")))
    (done.folder / "audio.wav").unlink()
    with pytest.raises(AudioError, match="no such file"):
        replay_decisions(done.folder)
    (done.folder / "events.jsonl").unlink()
    with pytest.raises(NotFound, match=r"events\.jsonl"):
        replay_decisions(done.folder)
