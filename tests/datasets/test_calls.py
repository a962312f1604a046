"""The labelled calls that ship with the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm
from sdr_lab.tune.corpus import LabelledCall, open_corpus
from sdr_lab.tune.labels import KINDS

CALLS = Path(__file__).parents[2] / "datasets" / "calls"
LIMIT_BYTES = 25_000_000
TAGS = {
    "scenario", "level", "level_dbfs", "snr_db", "noise", "floor", "codec", "loss_pct", "echo",
    "agent_voice", "caller_voice", "caller_human", "yields",
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus() -> list[LabelledCall]:
    return open_corpus(CALLS)


def channels(call: LabelledCall) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Caller and agent as samples."""
    left, right = zip(*call.frames(), strict=True)
    return mulaw_to_pcm(b"".join(left)), mulaw_to_pcm(b"".join(right))


def level_dbfs(pcm: NDArray[np.int16]) -> float:
    power = np.mean((pcm.astype(np.float64) / 32768) ** 2) if len(pcm) else 0.0
    return 10 * float(np.log10(power + 1e-12))


def test_there_are_enough_and_they_are_small(corpus: list[LabelledCall]) -> None:
    table: dict[str, Any] = yaml.safe_load((CALLS / "scenarios.yaml").read_text("utf-8"))
    assert sorted(call.id for call in corpus) == sorted(table["calls"])
    assert len(corpus) >= 40
    size = sum(path.stat().st_size for path in CALLS.rglob("*") if path.is_file())
    assert size <= LIMIT_BYTES


def test_every_kind_of_label_and_tag_is_there(corpus: list[LabelledCall]) -> None:
    kinds = {label.kind for call in corpus for label in call.labels}
    assert kinds == set(KINDS) - {"echo"}
    for call in corpus:
        assert set(call.tags) >= TAGS
    for name, wanted in (
        ("level", {"normal", "quiet", "loud"}),
        ("floor", {"comfort", "dtx"}),
        ("codec", {"ulaw", "gsm"}),
        ("agent_voice", {"joe", "slt"}),
    ):
        assert {call.tags[name] for call in corpus} == wanted
    loud = [call for call in corpus if call.tags["echo"] and call.tags["echo"]["rms"] >= 500]
    assert len(loud) >= 3
    assert any(not any(x.kind == "interruption" for x in call.labels) for call in corpus)


def test_labels_lie_inside_and_begin_while_the_agent_speaks(corpus: list[LabelledCall]) -> None:
    for call in corpus:
        for label in call.labels:
            assert 0 <= label.onset_ms < label.offset_ms <= call.duration_ms
            assert any(i.start_ms <= label.onset_ms < i.end_ms for i in call.agent), (
                call.id,
                label,
            )
            if label.kind == "interruption":
                assert label.offset_ms - label.onset_ms >= 650
            if label.kind == "backchannel":
                assert label.offset_ms - label.onset_ms <= 500


def test_the_agent_sounds_in_his_intervals_and_only_there(corpus: list[LabelledCall]) -> None:
    for call in corpus:
        _, agent = channels(call)
        rest = np.ones(len(agent), bool)
        for interval in call.agent:
            first, last = 8 * interval.start_ms, 8 * interval.end_ms
            assert level_dbfs(agent[first:last]) > -35, call.id
            assert level_dbfs(agent[first : first + 2400]) > -50, call.id
            rest[max(0, first - 80) : last + 160] = False
        assert level_dbfs(agent[rest]) < -70, call.id


def test_events_are_heard_and_nothing_is_clipped(corpus: list[LabelledCall]) -> None:
    for call in corpus:
        caller, agent = channels(call)
        for pcm in (caller, agent):
            assert np.mean(np.abs(pcm.astype(np.int32)) > 32000) < 1e-4, call.id
        for label in call.labels:
            if label.kind == "interruption" and call.tags["noise"] == "none":
                heard = level_dbfs(caller[8 * label.onset_ms : 8 * label.offset_ms])
                assert heard > call.tags["level_dbfs"] - 10, (call.id, label)


def test_files_are_mulaw_of_two_channels() -> None:
    for path in CALLS.glob("*/audio.wav"):
        head = path.read_bytes()[:36]
        assert head[20:22] == (7).to_bytes(2, "little")
        assert head[22:24] == (2).to_bytes(2, "little")
        assert head[24:28] == (8000).to_bytes(4, "little")
