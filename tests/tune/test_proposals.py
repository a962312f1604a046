from __future__ import annotations

from pathlib import Path

import pytest

from sdr_lab.errors import BadInput
from sdr_lab.events import Event, Interrupted
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.proposals import Proposal, proposals
from tests.tune.made_calls import channels, write_wav
from tests.tune.made_talks import held, held_talk, logged, resumed, stopped, talk, words

OTHER = InterruptSettings(detector="energy")


def brief(found: list[Proposal]) -> list[tuple[str, str, int]]:
    return [(p.kind, p.rule, p.priority) for p in found]


@pytest.mark.parametrize(
    ("said", "lasts", "expected"),
    [
        ("mm-hmm", 0.4, ("backchannel", "false_stop", 1)),
        ("", 0.5, ("noise", "false_stop", 1)),
        ("Wait, how much is it?", None, ("interruption", "agreed", 3)),
    ],
)
def test_stops_of_recorded_calls(
    tmp_path: Path, said: str, lasts: float | None, expected: tuple[str, str, int]
):
    (one,) = proposals(talk(tmp_path, said, lasts))
    assert brief([one]) == [expected]
    assert one.call == "conv_0001"
    assert one.id == f"conv_0001@{one.onset_ms}"
    if lasts:
        assert one.offset_ms - one.onset_ms == lasts * 1000


def test_a_hold_of_a_recorded_call(tmp_path: Path):
    (one,) = proposals(held_talk(tmp_path))
    assert brief([one]) == [("noise", "held", 2)]
    assert one.reason == ("the agent was held for 800 ms and went on; no word was heard (expired)")
    assert one.offset_ms - one.onset_ms == 200


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([held(), resumed(), words("how much is it")], ("interruption", "held", 1)),
        ([held(), resumed(), words("mm-hmm")], ("backchannel", "held", 3)),
        ([held(), resumed()], ("noise", "held", 2)),
        ([held(), resumed(), words("about our new plan today")], ("echo", "held", 2)),
        ([words("how much is it")], ("interruption", "missed", 1)),
        ([words("yeah, right")], ("backchannel", "agreed", 3)),
        ([words("like to tell you about our new plan")], ("echo", "agreed", 3)),
    ],
)
def test_what_the_log_shows(tmp_path: Path, events: list[Event], expected: tuple[str, str, int]):
    assert brief(proposals(logged(tmp_path, *events))) == [expected]


def test_the_reason_says_what_happened(tmp_path: Path):
    (one,) = proposals(logged(tmp_path, held(), resumed(), words("how much is it"), stopped()))
    assert one.reason == (
        "the agent was held for 800 ms and went on, although the caller said “how much is it”"
    )
    assert (one.onset_ms, one.offset_ms) == (4000, 4900)


@pytest.mark.parametrize(
    "event",
    [
        words("how much is it", 11_200, 11_900),  # the agent is silent
        words("how much is it", 10_800, 11_900),  # 200 ms of overlap: a change of turns
        words("how much is it", 500, 2000),  # begun before the agent
        words("um, well"),
    ],
)
def test_what_proposes_nothing(tmp_path: Path, event: Event):
    assert proposals(logged(tmp_path, event)) == []


def test_keys_and_typed_words_are_nobody_s_voice(tmp_path: Path):
    cut = Interrupted(
        at_ms=4000, clock_ms=4000, turn=1, heard="", planned="", onset_ms=4000, detector="keys"
    )
    assert proposals(logged(tmp_path, cut)) == []


def test_results_of_one_utterance_are_one(tmp_path: Path):
    folder = logged(tmp_path, words("how much", 4000, 4800), words("is it", 5000, 5600))
    assert [(p.onset_ms, p.offset_ms) for p in proposals(folder)] == [(4000, 5600)]


def test_the_urgent_ones_come_first(tmp_path: Path):
    folder = logged(tmp_path, words("yeah", 3000, 3600), words("how much is it", 7000, 8000))
    assert [p.priority for p in proposals(folder)] == [1, 3]


def test_words_of_the_call_s_own_lists_count(tmp_path: Path):
    folder = logged(tmp_path, words("claro"))
    settings = InterruptSettings(acknowledgements=("claro",))
    assert brief(proposals(folder)) == [("interruption", "missed", 1)]
    assert brief(proposals(folder, settings=settings)) == [("backchannel", "agreed", 3)]


def test_another_detector_may_disagree(tmp_path: Path):
    folder = logged(tmp_path)
    write_wav(folder / "audio.wav", *channels((("noise", 9.0, 9.2, 2500.0),)))
    (one,) = proposals(folder, [OTHER])
    assert brief([one]) == [("noise", "other_detector", 2)]
    assert one.reason == "energy would have stopped the agent at 9.10 s, who went on"
    assert one.onset_ms == 9000


def test_another_detector_s_word_is_added_to_what_is_known(tmp_path: Path):
    folder = logged(tmp_path, words("yeah, right", 4000, 4400))
    write_wav(folder / "audio.wav", *channels((("backchannel", 4.0, 4.4, 2500.0),)))
    (one,) = proposals(folder, [OTHER])
    assert one.reason.endswith("detector and words agree; energy would have stopped")
    assert brief([one]) == [("backchannel", "agreed", 2)]
    loud = InterruptSettings(detector="energy", min_energy=30_000)
    (one,) = proposals(folder, [loud])
    assert one.reason.endswith("energy would not have stopped")
    assert one.priority == 3


def test_a_folder_without_a_log_is_no_recorded_call(tmp_path: Path):
    with pytest.raises(BadInput, match=r"no events.jsonl; give the folder of a call"):
        proposals(tmp_path)
