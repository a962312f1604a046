"""The readers on what the engine really writes, on the virtual clock."""

from dataclasses import replace
from pathlib import Path

from sdr_lab.events import Held
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings, InterruptSettings
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import Rehearsal, Scene, rehearse
from sdr_lab.store.calls import CallStore
from sdr_lab.store.database import open_database
from sdr_lab.store.folder import Status
from sdr_lab.trace.latency import measure_folder
from sdr_lab.trace.stages import STAGES
from sdr_lab.trace.turns import turns_of
from sdr_lab.tts.tone import Tone

FIXED = CallSettings(
    EndpointSettings(mode="fixed", silence_ms=500), InterruptSettings(detector="energy")
)
LONG = "I would like to tell you about our new plan today and about all that it can do for you."


def talk(tmp_path: Path, speculate: bool) -> Rehearsal:
    caller = Caller().says("How much is it?").says("Tell me more.").cuts_in("Stop.", into=1.0)
    scene = Scene(settings=replace(FIXED, speculate=speculate), voice=Tone(delay_ms=100))
    model = ScriptedModel(["It is $49.", LONG, "Yes?"], first_delay_ms=200)
    return rehearse(caller, model, tmp_path / "calls", scene)


def test_delays_of_the_doubles_are_found_where_they_were(tmp_path: Path):
    call = measure_folder(talk(tmp_path, speculate=False).folder)
    first = call.answers[0]
    took = {stage.key: stage.ms(first) for stage in STAGES}
    assert (took["end_of_turn"], took["first_token"], took["first_sound"]) == (500, 200, 100)
    assert (took["intent"], took["first_sentence"], took["send"]) == (0, 0, 0)
    assert first.voice_to_voice_ms == 800


def test_preparing_in_the_pause_hides_them(tmp_path: Path):
    call = measure_folder(talk(tmp_path, speculate=True).folder)
    first = call.answers[0]
    assert first.speculated
    assert first.began_ms is not None
    assert first.over_ms is not None
    assert first.began_ms < first.over_ms
    assert first.voice_to_voice_ms == 500


def test_the_interruption_is_seen(tmp_path: Path):
    call = measure_folder(talk(tmp_path, speculate=True).folder)
    (cut,) = call.barge_ins
    assert cut.onset_ms <= cut.decided_ms <= cut.cleared_ms
    assert cut.total_ms <= 250
    assert [turn.interrupted for turn in call.answers] == [False, True, False]
    assert [part.cut_off for part in call.spoken if part.role == "agent"] == [
        False, False, True, False,
    ]  # fmt: skip


def test_the_store_keeps_what_was_heard(tmp_path: Path):
    done = talk(tmp_path, speculate=True)
    store = CallStore(open_database(tmp_path), tmp_path / "calls", turns_of)
    store.add_from_folder(done.folder)
    call = store.get(done.folder.name)
    assert call.status is Status.COMPLETED
    assert call.duration_ms == done.outcome.duration_ms
    assert [(turn.role, turn.text) for turn in call.turns] == done.said
    assert call.turns[4].interrupted
    assert call.turns[2].metrics["voice_to_voice_ms"] == 500


def test_a_hold_is_a_pause_and_the_moment_at_which_an_interruption_begins(tmp_path: Path):
    voiced = "sdr_lab.turns.detectors.scripted:VoicedDetector"
    settings = replace(FIXED, interrupt=InterruptSettings(detector=voiced))
    caller = Caller().says("Tell me more.", at=3.0).cuts_in("", into=0.6, lasts=0.2)
    caller.says("But how much is it?", at=8.0, lasts=1.0)
    done = rehearse(
        caller, ScriptedModel([LONG, "It is $49."]), tmp_path / "calls", Scene(settings=settings)
    )
    first, second = done.all(Held)
    call = measure_folder(done.folder)
    (cut,) = call.barge_ins
    assert cut.decided_ms == cut.cleared_ms == second.clock_ms
    assert cut.total_ms == second.at_ms - second.onset_ms
    mine = [part for part in call.spoken if part.role == "agent"][1:3]
    assert [part.cut_off for part in mine] == [False, True]
    assert mine[0].end_ms == first.clock_ms
    assert mine[1].start_ms == first.clock_ms + 800
    assert call.answers[0].stopped_speaking_ms == second.clock_ms
