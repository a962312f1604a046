from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sdr_lab.errors import BadInput, Conflict, NotFound, StorageError
from sdr_lab.tune.labels import CallLabels, Label, read_labels, write_labels
from sdr_lab.tune.review import (
    accept,
    call_folders,
    find,
    open_proposals,
    queue,
    reject,
    rejected,
    undo,
)
from tests.tune.made_talks import held, logged, resumed, words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return logged(tmp_path, words("yeah", 3000, 3600), words("how much is it", 7000, 8000))


def test_a_confirmed_proposal_becomes_a_label(folder: Path):
    missed, _ = open_proposals(folder)
    answer = accept(folder, missed, "ann")
    (label,) = read_labels(folder / "labels.json").labels
    assert (label.kind, label.onset_ms, label.offset_ms) == ("interruption", 7000, 8000)
    assert (label.by, label.note) == ("ann", missed.reason)
    assert (answer.by, answer.kind) == ("ann", "interruption")
    assert [p.kind for p in open_proposals(folder)] == ["backchannel"]


def test_another_kind_and_other_times_may_be_given(folder: Path):
    missed, _ = open_proposals(folder)
    accept(folder, missed, "ann", "side_speech", (6900, 8100))
    (label,) = read_labels(folder / "labels.json").labels
    assert (label.kind, label.onset_ms, label.offset_ms) == ("side_speech", 6900, 8100)


def test_labels_that_are_there_are_kept_and_answer_proposals(folder: Path):
    known = CallLabels((Label("backchannel", 3050, 3550, "bob"),), tags={"line": "pstn"})
    write_labels(folder / "labels.json", known)
    (missed,) = open_proposals(folder)
    accept(folder, missed, "ann")
    now = read_labels(folder / "labels.json")
    assert [label.by for label in now.labels] == ["bob", "ann"]
    assert now.tags == {"line": "pstn"}


def test_a_rejected_proposal_does_not_come_again(folder: Path):
    missed, _ = open_proposals(folder)
    reject(folder, missed, "ann")
    assert missed.id not in [p.id for p in open_proposals(folder)]
    (one,) = rejected(folder)
    assert (one.proposal, one.by, one.reason) == (missed.id, "ann", missed.reason)
    assert not (folder / "labels.json").exists()


@pytest.mark.parametrize("how", [accept, reject])
def test_answers_can_be_taken_back(folder: Path, how):
    missed, _ = open_proposals(folder)
    how(folder, missed, "ann")
    undo(folder, missed.id)
    assert missed in open_proposals(folder)
    with pytest.raises(NotFound, match="has no answer that could be taken back"):
        undo(folder, missed.id)


def test_the_second_of_two_answers_is_told_of_the_first(folder: Path):
    missed, agreed = open_proposals(folder)
    accept(folder, missed, "ann")
    reject(folder, agreed, "ann")
    with pytest.raises(Conflict, match="is labelled interruption by ann"):
        accept(folder, missed, "bob", "noise")
    with pytest.raises(Conflict, match="is labelled interruption by ann"):
        reject(folder, missed, "bob")
    with pytest.raises(Conflict, match="ann has rejected it"):
        accept(folder, agreed, "bob")


def test_what_can_not_be_a_label_is_refused(folder: Path):
    missed, _ = open_proposals(folder)
    with pytest.raises(BadInput, match=r"type 'interuption' is unknown.*interruption"):
        accept(folder, missed, "ann", "interuption")
    with pytest.raises(BadInput, match="lies past the end"):
        accept(folder, missed, "ann", "", (7000, 13_000))
    with pytest.raises(BadInput, match="say who answers"):
        accept(folder, missed, " ")
    assert not (folder / "labels.json").exists()


def test_several_people_at_once_lose_nothing(tmp_path: Path):
    events = [words("how much is it", at, at + 600) for at in range(1500, 10_000, 1500)]
    folder = logged(tmp_path, *events)
    code = (
        "import sys; from pathlib import Path; from sdr_lab.tune.review import accept\n"
        "from sdr_lab.tune.proposals import proposals\n"
        "folder = Path(sys.argv[1])\n"
        "for p in proposals(folder)[int(sys.argv[2])::2]: accept(folder, p, sys.argv[3])"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(folder), str(i), name])
        for i, name in enumerate(("ann", "bob"))
    ]
    assert [process.wait(120) for process in running] == [0, 0]
    labels = read_labels(folder / "labels.json").labels
    assert len(labels) == 6
    assert {label.by for label in labels} == {"ann", "bob"}


def test_the_queue_sorts_all_calls(tmp_path: Path):
    logged(tmp_path, words("yeah"), name="conv_1")
    logged(tmp_path, held(), resumed(), name="conv_2")
    logged(tmp_path, words("how much is it"), name="conv_3")
    (logged(tmp_path, name="conv_4") / "labels.json").write_text("{")
    found, problems = queue(call_folders(tmp_path))
    assert [(p.call, p.priority) for p in found] == [("conv_3", 1), ("conv_2", 2), ("conv_1", 3)]
    assert len(problems) == 1
    assert "conv_4/labels.json" in problems[0]
    assert call_folders(tmp_path / "none") == []


def test_a_proposal_is_found_by_its_id(folder: Path):
    assert find(folder, "conv_1@7000").kind == "interruption"
    with pytest.raises(NotFound, match=r"not open in call conv_1; open: conv_1@7000, conv_1@3000"):
        find(folder, "conv_1@1")


def test_a_damaged_file_is_named(folder: Path):
    (folder / "review.json").write_text(json.dumps({"rejected": [{"by": "ann"}]}))
    with pytest.raises(BadInput, match=r"review.json: damaged: .* delete it"):
        open_proposals(folder)


def test_a_workspace_that_can_not_be_written_is_said(folder: Path):
    missed, _ = open_proposals(folder)
    (folder.parent / ".review.lock").mkdir()
    with pytest.raises(StorageError, match=r".review.lock: can't be written"):
        accept(folder, missed, "ann")
