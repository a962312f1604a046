import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.errors import BadInput
from sdr_lab.events import (
    AgentStarted,
    CallerStarted,
    CallerStopped,
    Event,
    FirstToken,
    IntentFound,
    ReplyBegun,
    SentenceReady,
    SpeculationStarted,
    SpeechReady,
    TurnDropped,
    TurnOver,
    Withdrawn,
    WordsHeard,
    to_json,
)
from sdr_lab.trace.latency import Spoken, measure, measure_folder
from sdr_lab.trace.report import measured
from sdr_lab.trace.stages import ANSWER, STAGES, TOTAL


def ms(turn) -> dict[str, float | None]:
    return {stage.key: stage.ms(turn) for stage in (*STAGES, ANSWER, TOTAL)}


def test_an_answer_adds_up(events: list[Event]):
    call = measure(events)
    assert call.call == "conv_1"
    turn = call.turns[1]
    assert (turn.turn, turn.caller, turn.agent) == (
        1, "how much is it", "It costs ten. Per month.",
    )  # fmt: skip
    assert ms(turn) == {
        "end_of_turn": 600,
        "last_words": 100,
        "intent": 5,
        "look_up": 10,
        "first_token": 50,
        "first_sentence": 35,
        "first_sound": 80,
        "send": 20,
        "answer": 200,
        "voice_to_voice": 800,
    }
    assert (turn.last_voiced_ms, turn.sent_ms, turn.mark_ms) == (2040, 2840, 3840)
    assert (turn.pause_ms, turn.why) == (500, "complete")
    assert not turn.interrupted
    assert not turn.speculated


def test_a_prepared_answer_begins_before_the_turn_is_over(events: list[Event]):
    turn = measure(events).turns[2]
    assert turn.speculated
    assert (turn.began_ms, turn.token_ms, turn.over_ms) == (6240, 6301, 6540)
    assert ms(turn) == {
        "end_of_turn": 500,
        "last_words": 0,  # they were there 300 ms before they were asked for
        "intent": 1,
        "look_up": None,
        "first_token": 60,
        "first_sentence": 39,
        "first_sound": 100,
        "send": 2,  # counted from the end of the turn: the sound was held until then
        "answer": 2,
        "voice_to_voice": 502,
    }


def test_a_greeting_has_no_caller_to_wait_for(events: list[Event]):
    call = measure(events)
    greeting = call.turns[0]
    assert (greeting.caller, greeting.agent, greeting.sent_ms) == ("", "Hello.", 80)
    assert greeting.voice_to_voice_ms is None
    assert [turn.turn for turn in call.answers] == [1, 2]


def test_a_barge_in_adds_up(events: list[Event]):
    call = measure(events)
    (cut,) = call.barge_ins
    assert (cut.onset_ms, cut.decided_ms, cut.cleared_ms) == (7540, 7740, 7743)
    assert (cut.total_ms, cut.heard, cut.detector) == (203, "Then you", "energy")
    assert call.turns[2].interrupted
    assert call.turns[2].agent == "Then you"


def test_who_spoke_when(events: list[Event]):
    assert measure(events).spoken == (
        Spoken("agent", 80, 980),
        Spoken("caller", 1040, 2040),
        Spoken("agent", 2840, 4640),
        Spoken("caller", 5040, 6040),
        Spoken("agent", 6542, 7743, cut_off=True),
        Spoken("caller", 7540, 8040),
    )


def test_a_call_broken_off_in_mid_sentence_is_measured(events: list[Event]):
    call = measure(events[:-5])
    assert call.turns[2].sent_ms == 6542
    assert call.turns[2].agent == ""
    assert call.spoken[-1] == Spoken("caller", 7540, 7640)
    assert measure([], "conv_9").call == "conv_9"


def event(kind: type[Event], clock_ms: float, **fields) -> Event:
    return kind(at_ms=int(clock_ms), clock_ms=clock_ms, **fields)


def over(turn: int, clock_ms: float) -> Event:
    return event(
        TurnOver, clock_ms, turn=turn, text="well", last_voiced_ms=int(clock_ms) - 500,
        pause_ms=500, why="plain",
    )  # fmt: skip


def test_a_withdrawn_reply_is_no_answer():
    call = measure([over(1, 1000), event(Withdrawn, 1200, turn=1), over(2, 2000),
                    event(AgentStarted, 2100, turn=2)])  # fmt: skip
    assert [turn.withdrawn for turn in call.turns] == [True, False]
    assert [turn.turn for turn in call.answers] == [2]


def test_noise_before_a_turn_is_not_counted_as_its_words():
    call = measure([
        event(CallerStarted, 400, onset_ms=300),
        event(WordsHeard, 500, text="mm", is_final=True, start_ms=300, end_ms=400, confidence=1),
        event(TurnDropped, 500, text="mm", why="acknowledgement"),
        event(CallerStarted, 700, onset_ms=600),
        event(CallerStopped, 900, last_voiced_ms=800),
        over(1, 1300),
    ])  # fmt: skip
    assert (call.turns[0].words_ms, call.turns[0].stopped_ms) == (None, 900)


def test_the_last_speculation_before_the_work_is_its_beginning():
    call = measure([
        event(SpeculationStarted, 600, text="we"),
        event(SpeculationStarted, 800, text="well"),
        over(1, 1000),
        event(IntentFound, 805, turn=1, intent="OTHER", confidence=1),
    ])  # fmt: skip
    assert call.turns[0].began_ms == 800


def test_a_tool_round_counts_the_first_of_each_stage():
    call = measure([
        over(1, 1000),
        event(ReplyBegun, 1010, turn=1, model="m"),
        event(FirstToken, 1030, turn=1),
        event(ReplyBegun, 1200, turn=1, model="m"),
        event(FirstToken, 1230, turn=1),
        event(SentenceReady, 1300, turn=1, index=0, text="Done."),
    ])  # fmt: skip
    assert (call.turns[0].asked_ms, call.turns[0].token_ms) == (1010, 1030)
    assert ms(call.turns[0])["first_sentence"] == 270


def test_a_folder_is_measured_even_when_its_last_line_was_cut(tmp_path, events: list[Event]):
    lines = "\n".join(to_json(e) for e in events)
    (tmp_path / "events.jsonl").write_text(lines[:-25] + "")
    assert measure_folder(tmp_path).turns == measure(events[:-1]).turns
    with pytest.raises(BadInput, match=r"has no events.jsonl \(No such file"):
        measured(tmp_path / "none")


STEPS_MS = st.lists(st.floats(0, 3000).map(lambda x: round(x, 3)), min_size=7, max_size=7)


@given(steps_ms=STEPS_MS, delay_ms=st.integers(0, 2000))
def test_the_stages_of_an_unprepared_answer_fill_the_time(steps_ms: list[float], delay_ms: int):
    times = [3000.0 + delay_ms]
    for step_ms in steps_ms:
        times.append(round(times[-1] + step_ms, 3))
    end, intent, asked, token, sentence, speech, sent, _ = times

    def make(kind: type[Event], clock_ms: float, **fields) -> Event:
        return kind(**{"at_ms": 3000, "clock_ms": clock_ms, "turn": 1, **fields})

    turn = measure([
        make(TurnOver, end, text="x", last_voiced_ms=2200, pause_ms=800, why="plain"),
        make(IntentFound, intent, intent="OTHER", confidence=1.0),
        make(ReplyBegun, asked, model="m"),
        make(FirstToken, token),
        make(SentenceReady, sentence, index=0, text="y"),
        make(SpeechReady, speech, index=0, cached=False),
        make(AgentStarted, sent),
    ]).turns[0]  # fmt: skip
    taken = ms(turn)
    parts = ["end_of_turn", "intent", "first_token", "first_sentence", "first_sound", "send"]
    filled = sum(taken[name] or 0 for name in parts) + (asked - intent)
    assert taken["voice_to_voice"] == pytest.approx(filled, abs=0.01)
    assert taken["end_of_turn"] == 800
    assert all(value >= 0 for value in taken.values() if value is not None)
    assert not turn.speculated
