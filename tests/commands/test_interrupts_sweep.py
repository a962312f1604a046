"""`sdr-lab interrupts sweep` and `preset`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from sdr_lab.commands.interrupts_sweep import SHOWN, thinned
from tests.tune.made_calls import EVENTS, QUIET, corpus

Run = Callable[..., Result]
GRID = ("--detector", "energy", "--grid", "min_energy=400:1200:400", "--grid", "use_vad=false,true")
SAM = "name: Sam\nsystem_prompt: You sell.\nfirst_message: Hi.\ninterrupt: {min_energy: 50}\n"


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return corpus(tmp_path / "corpus", loud=EVENTS, quiet=QUIET)


def told(result: Result) -> str:
    """The one line on standard error."""
    [line] = result.stderr.splitlines()
    return line


def test_a_sweep_chooses_saves_and_says_what_it_lacks(
    run: Run, run_json, calls: Path, tmp_path: Path
):
    out = tmp_path / "table.parquet"

    result = run("interrupts", "sweep", calls, *GRID, "--objective", "f1", "--out", out,
                 "--save", "best")  # fmt: skip

    assert "6 settings of energy, 2 calls" in result.stdout
    assert "not enough calls: 2" in told(result)
    saved = run_json("interrupts", "preset", "show", "best")
    assert saved["provenance"]["corpus"]["calls"] == 2
    assert saved["provenance"]["objective"] == "f1"
    run("interrupts", "preset", "save", "again", "--from", out)
    assert run_json("interrupts", "preset", "show", "again")["settings"] == saved["settings"]
    assert "are the same" in run("interrupts", "preset", "diff", "best", "again").stdout
    assert [one["name"] for one in run_json("interrupts", "preset", "list")] == ["again", "best"]


@pytest.mark.parametrize("chosen", [0, 7, 39])
def test_a_long_front_is_shown_from_end_to_end_with_the_chosen_one(chosen: int):
    shown = thinned(range(40), chosen)

    assert len(shown) == SHOWN
    assert {shown[0], shown[-1]} == {0, 39}
    assert chosen in shown
    assert list(shown) == sorted(set(shown))


def test_json_has_the_outcome(run_json, calls: Path):
    found = run_json("interrupts", "sweep", calls, "--detector", "energy", "--random", 5,
                     "--set", "use_vad=true", "--seed", 3)  # fmt: skip

    assert found["settings"] == 5
    assert found["objective"] == "recall@false_per_min<=0.5"
    assert "use_vad" not in found["chosen"]
    assert found["held_out"] is None


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "a sweep needs --grid KEY=a,b,c"),
        (("--grid", "min_enrgy=1"), "did you mean min_energy?"),
        (("--grid", "min_energy=1,40000"), "40000"),
        (("--grid", "min_energy=1", "--random", "5"), "not both"),
        (("--random", "5", "--objective", "recal"), "did you mean recall?"),
        (("--random", "5", "--save", "../x"), "a name has up to 64"),
        (("--random", "5", "--out", "no/such/t.parquet"), "there is no folder"),
        (("--random", "0"), "allowed: 1 to"),
    ],
)
def test_bad_input_is_told_before_anything_runs(run: Run, tmp_path: Path, args, message: str):
    nowhere = tmp_path / "not even a corpus"

    result = run("interrupts", "sweep", nowhere, "--detector", "energy", *args, exit_code=1)

    assert message in told(result)


def test_an_agent_gets_a_new_version(run: Run, run_json, tmp_path: Path):
    (tmp_path / "sam.yaml").write_text(SAM)
    run("agents", "save", tmp_path / "sam.yaml")
    run("interrupts", "preset", "save", "calm", "--detector", "energy", "--set", "min_energy=1200")
    assert "50" in run("interrupts", "preset", "diff", "calm", "--agent", "sam").stdout

    shown = run("interrupts", "preset", "apply", "calm", "--agent", "sam", "--author", "kim").stdout

    assert shown == "sam is at version 2: preset calm\n"
    [new, old] = run_json("agents", "versions", "sam")
    assert (new["author"], new["note"], old["version"]) == ("kim", "preset calm", 1)
    assert run_json("agents", "show", "sam")["interrupt"]["min_energy"] == 1200
    assert run_json("agents", "show", "sam", "--version", 1)["interrupt"] == {"min_energy": 50}
    again = run("interrupts", "preset", "apply", "calm", "--agent", "sam").stdout
    assert "stays at version 2" in again
    assert run_json("interrupts", "preset", "diff", "calm", "--agent", "sam") == []


def test_lines_of_env_are_printed_or_set(run: Run, tmp_path: Path):
    run("interrupts", "preset", "save", "calm", "--detector", "energy", "--set", "min_energy=1200")
    env = tmp_path / "my.env"
    env.write_text("# mine\nINTERRUPT_MIN_ENERGY=1 # old\n")

    printed = run("interrupts", "preset", "apply", "calm", "--env").stdout
    run("interrupts", "preset", "apply", "calm", "--env", "--into", env)

    assert "INTERRUPT_MIN_ENERGY=1200\n" in printed
    assert env.read_text().startswith("# mine\nINTERRUPT_MIN_ENERGY=1200 # old\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("show", "gone"), "there are none yet"),
        (("apply", "calm"), "give --agent ID or --env"),
        (("apply", "calm", "--agent", "a", "--into", "x"), "--into belongs to --env"),
        (("diff", "calm"), "give a second preset or --agent ID"),
        (("save", "x", "--row", "1"), "--row needs --from"),
        (("save", "x", "--from", "t.parquet", "--set", "min_energy=1"), "not both"),
        (("save", "x", "--from", "gone.parquet"), "there is no such file"),
        (("save", "x", "--set", "min_enrgy=1"), "did you mean min_energy?"),
    ],
)
def test_bad_input_of_presets_is_one_line(run: Run, args: tuple[str, ...], message: str):
    assert message in told(run("interrupts", "preset", *args, exit_code=1))


def test_a_name_in_use_is_told_before_the_sweep(run: Run, tmp_path: Path):
    run("interrupts", "preset", "save", "calm", "--set", "min_energy=1200")

    result = run("interrupts", "sweep", tmp_path / "gone", *GRID, "--save", "calm", exit_code=1)

    assert "preset 'calm' exists" in told(result)
