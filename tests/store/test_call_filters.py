"""Lists of calls by verdict, length and words; figures over many calls."""

from pathlib import Path

import pytest

from sdr_lab.store.call_rows import CallFilter
from sdr_lab.store.calls import CallStore
from sdr_lab.store.database import Database
from sdr_lab.trace.turns import turns_of
from tests.live.finished_call import JOE, make_call


@pytest.fixture
def calls(database: Database, tmp_path: Path) -> CallStore:
    calls = CallStore(database, tmp_path / "calls", turns_of)
    for name in ("conv_1", "conv_2"):
        calls.add_from_folder(make_call(calls.calls_dir, name))
    calls.set_analysis("conv_1", {"call_successful": "success"})
    return calls


def found(calls: CallStore, **wanted: object) -> list[str]:
    page = calls.list(CallFilter(**wanted))  # type: ignore[arg-type]
    return sorted(call.id for call in page.calls)


def test_by_verdict(calls: CallStore):
    lost = calls.create(JOE, "+13125550100").id
    calls.fail(lost, "busy")

    assert found(calls, successful="success") == ["conv_1"]
    assert found(calls, successful="unknown") == ["conv_2"]  # nobody has judged it
    assert found(calls, successful="failure") == [lost]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"min_duration_s": 10}, 2),
        ({"min_duration_s": 10.1}, 0),
        ({"max_duration_s": 9.9}, 0),
        ({"min_duration_s": 5, "max_duration_s": 15}, 2),
        ({"search": "starter PLAN"}, 2),
        ({"search": "plan starter"}, 0),
        ({"search": "%"}, 0),
    ],
)
def test_by_length_and_words(calls: CallStore, wanted: dict, count: int):
    assert len(found(calls, **wanted)) == count


def test_turns_are_counted(calls: CallStore):
    assert calls.message_counts(["conv_1", "conv_2", "conv_9"]) == {"conv_1": 5, "conv_2": 5}
    assert calls.message_counts([]) == {}


def test_what_was_measured_of_the_newest_calls(calls: CallStore):
    count, metrics = calls.turn_metrics(CallFilter(agent="joe"), 1)

    assert count == 1
    assert [turn.get("voice_to_voice_ms") for turn in metrics] == [None, 600.0, 700.0]
