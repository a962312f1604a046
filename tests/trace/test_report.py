import csv
import dataclasses
import io
import json
from pathlib import Path

from rich.console import Console

from sdr_lab.events import AgentStarted, Event, from_dict, to_json
from sdr_lab.trace.latency import measure
from sdr_lab.trace.report import report, report_full_latency, to_csv, to_dict


def shown(renderable, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_says_each_turn(events: list[Event]):
    text = shown(report([measure(events)]))
    table = text.partition("Interruptions (ms)")[0]
    rows = {line.split()[0]: line for line in table.splitlines() if line.strip()}
    assert rows["1"].split() == [
        "1", "how", "much", "is", "it", "600", "100", "5", "10", "50", "35", "80", "20", "800",
    ]  # fmt: skip
    assert rows["2"].split()[-2:] == ["502", "✂«"]
    assert "0 (agent first)" in rows["0"]
    assert "✂ interrupted   « prepared in the caller's pause" in text
    assert "Then you" in text
    assert "Turns heard out" not in text  # one turn of each kind has none worth showing


def test_numbers_stay_whole_on_a_narrow_screen(events: list[Event]):
    slow = [
        dataclasses.replace(e, clock_ms=e.clock_ms + 9000) if isinstance(e, AgentStarted) else e
        for e in events
    ]
    text = shown(report([measure(slow)]), width=72)
    (row,) = (line for line in text.splitlines() if line.startswith("1 how mu"))
    assert row.split()[-9:] == ["600", "100", "5", "10", "50", "35", "80", "9020", "9800"]
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 72


def test_many_calls_have_percentiles(events: list[Event]):
    text = shown(report([measure(events), measure(events)]))
    assert "Turns heard out (ms)" in text
    assert text.count("Latency of conv_1") == 2


def test_words_in_brackets_are_no_markup(events: list[Event]):
    call = measure(events)
    odd = [line.replace("how much is it", "[red]how[/red]") for line in map(to_json, events)]
    assert len(odd) == len(events)
    changed = [event for line in odd if (event := from_dict(json.loads(line)))]
    assert "[red]how[/red]" in shown(report([measure(changed)]))
    assert call.turns[1].caller == "how much is it"


def test_json_holds_moments_stages_and_percentiles(tmp_path: Path, events: list[Event]):
    (tmp_path / "events.jsonl").write_text("".join(to_json(e) + "\n" for e in events))
    told = json.loads(json.dumps(report_full_latency(tmp_path)))
    assert told == to_dict([measure(events)])
    (call,) = told["calls"]
    assert call["call"] == "conv_1"
    assert call["turns"][1]["stages"]["voice_to_voice_ms"] == 800
    assert call["turns"][1]["over_ms"] == 2640
    assert call["turns"][2]["speculated"] is True
    assert call["barge_ins"][0]["total_ms"] == 203
    assert told["percentiles"]["heard out"]["voice_to_voice_ms"]["p95"] == 800


def test_csv_has_a_row_per_turn(events: list[Event]):
    rows = list(csv.DictReader(io.StringIO(to_csv([measure(events)]))))
    assert [row["turn"] for row in rows] == ["0", "1", "2"]
    assert rows[1]["voice_to_voice_ms"] == "800"
    assert rows[2]["look_up_ms"] == ""
    assert (rows[2]["interrupted"], rows[1]["agent"]) == ("True", "It costs ten. Per month.")
