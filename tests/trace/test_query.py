from pathlib import Path

import pytest

from sdr_lab.errors import BadInput
from sdr_lab.events import KINDS, Event, to_json
from sdr_lab.trace.query import columns, events_view, run


@pytest.fixture
def calls_dir(tmp_path: Path, events: list[Event]) -> Path:
    for name in ("conv_1", "conv_2"):
        add_call(tmp_path / "calls" / name, events)
    return tmp_path / "calls"


def add_call(folder: Path, events: list[Event], more: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("".join(to_json(e) + "\n" for e in events) + more)


def test_every_event_of_every_call_is_a_row(calls_dir: Path, events: list[Event]):
    answer = run(
        calls_dir,
        "SELECT conversation_id, count(*) AS n FROM events GROUP BY 1 ORDER BY 1",
    )
    assert answer.columns == ("conversation_id", "n")
    assert answer.rows == (("conv_1", len(events)), ("conv_2", len(events)))


def test_fields_keep_their_types(calls_dir: Path):
    sql = "SELECT heard, onset_ms, clock_ms FROM events WHERE kind = 'Interrupted' LIMIT 1"
    assert run(calls_dir, sql).rows == (("Then you", 7500, 7744.0),)
    sql = "SELECT heard, cached FROM events WHERE kind IN ('MarkPlayed', 'SpeechReady') LIMIT 2"
    assert run(calls_dir, sql).rows == ((None, True), ("true", None))


def test_broken_lines_and_unknown_kinds_do_no_harm(calls_dir: Path, events: list[Event]):
    odd = '{"kind": "Sang", "at_ms": 1, "clock_ms": 2.5, "song": "la"}\nnull\n[1]\n\nnoise\n'
    add_call(calls_dir / "conv_3", events, odd + '{"kind": "TurnOver", "at_ms": 12, "te')
    sql = "SELECT kind, count(*) FROM events WHERE conversation_id = 'conv_3' GROUP BY 1"
    found = dict(run(calls_dir, sql).rows)
    assert found["Sang"] == 1
    assert found["TurnOver"] == 2
    assert sum(found.values()) == len(events) + 1


def test_new_calls_show_up_on_an_open_connection(calls_dir: Path, events: list[Event]):
    connection = events_view(calls_dir)
    sql = "SELECT count(DISTINCT conversation_id) FROM events"
    assert connection.execute(sql).fetchall() == [(2,)]
    add_call(calls_dir / "conv_4", events)
    assert connection.execute(sql).fetchall() == [(3,)]
    connection.close()


def test_without_calls_the_view_is_empty(tmp_path: Path):
    assert run(tmp_path / "calls", "SELECT * FROM events").rows == ()


def test_odd_folder_names_are_no_patterns(tmp_path: Path, events: list[Event]):
    calls_dir = tmp_path / "o'hara [*] ?"
    add_call(calls_dir / "conv_1", events)
    add_call(tmp_path / "o'hara [x] y" / "conv_2", events)
    assert run(calls_dir, "SELECT DISTINCT conversation_id FROM events").rows == (("conv_1",),)


def test_long_results_are_cut_and_say_so(calls_dir: Path):
    answer = run(calls_dir, "SELECT kind FROM events", max_rows=5)
    assert (len(answer.rows), answer.is_cut) == (5, True)
    assert not run(calls_dir, "SELECT 1").is_cut


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "query: got no SQL; try SELECT"),
        ("SELEC 1", "query: Parser Error"),
        ("SELECT nothing FROM events", 'query: Binder Error: .*"nothing"'),
        ("SELECT 1; SELECT 2", "query: give one SELECT"),
        ("COPY events TO 'out.csv'", "query: give one SELECT"),
        ("SET threads = 8", "query: give one SELECT"),
        ("SELECT * FROM read_text('/etc/hostname')", "query: Permission Error"),
    ],
)
def test_what_is_no_query_over_the_calls_is_refused(calls_dir: Path, sql: str, message: str):
    with pytest.raises(BadInput, match=message):
        run(calls_dir, sql)


def test_every_field_of_every_kind_is_a_column():
    names = columns()
    fields = {name for kind in KINDS.values() for name in kind.__dataclass_fields__}
    assert set(names) == {"kind", *fields} - {"conversation_id"}
    assert (names["passages"], names["turn"], names["used"]) == ("JSON", "BIGINT", "BOOLEAN")
