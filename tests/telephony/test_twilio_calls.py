"""Whole calls on a Twilio stream on which everything that can go wrong does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdr_lab.audio.wav import read_mulaw
from sdr_lab.call.inbox import EndNow, LeaveMessage, SayGoodbye
from sdr_lab.events import AgentStopped, GapFilled, Interrupted, MarkPlayed, TimedOut
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import ToolCall
from sdr_lab.simulate.caller import Caller
from sdr_lab.telephony.twilio_errors import TwilioError
from tests.telephony.twilio_peer import AGENT, SETTINGS, Held, Peer, hold

LONG = "Our plan is the best plan that anybody in this town has ever had. It costs very little."
TRANSFER = ["One moment please.", ToolCall("transfer_call", {"department": "sales"})]
SALES = AGENT.departments["sales"]
GONE = TwilioError("transfer refused 21220", 409, 21220)


def patient() -> Caller:
    return Caller().hangs_up(at=90)


def asks(at: float = 3.0) -> Caller:
    return Caller().says("Tell me more.", at=at, lasts=1.0)


def bye(peer: Peer, tmp_path: Path) -> Held:
    return hold(peer, ScriptedModel([]), tmp_path, [(3.0, SayGoodbye("stopping"))])


# ---- marks


def test_the_line_is_hung_up_when_the_mark_of_the_goodbye_is_back(tmp_path: Path):
    peer = Peer(patient())
    done = bye(peer, tmp_path)
    (at_ms, action) = peer.asked[0]
    last_ms, _ = peer.echoed[-1]
    assert (action, peer.unplayed_ms) == ("hang_up", 0)
    assert 0 <= at_ms - last_ms <= 40
    assert done.said[-1] == ("agent", AGENT.goodbye)
    assert done.outcome.reason == "stopping"


def test_marks_that_never_come_back_keep_no_call_open(tmp_path: Path):
    peer = Peer(asks().says("Bye.", after=3.0).hangs_up(at=90), loses_marks=True)
    model = ScriptedModel([LONG, ["Goodbye.", ToolCall("end_call")]])
    done = hold(peer, model, tmp_path)
    assert [text for who, text in done.said if who == "agent"] == [
        AGENT.first_message,
        LONG,
        "Goodbye.",
    ]
    assert not done.all(MarkPlayed)
    assert not done.all(Interrupted)
    assert done.outcome.reason == "agent"
    assert peer.unplayed_ms == 0


def test_late_echoes_of_old_marks_end_nothing_new(tmp_path: Path):
    peer = Peer(asks().cuts_in("Stop.", into=1.5).hangs_up(at=14), repeats_marks=True)
    done = hold(peer, ScriptedModel([LONG, "Fine. I say no more."]), tmp_path)
    assert done.said[-1] == ("agent", "Fine. I say no more.")
    stopped = done.all(AgentStopped)[-1]
    last_ms = next(ms for ms, name in peer.echoed if name == f"{stopped.turn}:1")
    assert stopped.at_ms >= last_ms - 20


def test_marks_that_a_clear_returns_were_not_heard(tmp_path: Path):
    returned: list[str] = []
    for into in (1.4, 1.5, 1.6, 1.7):
        peer = Peer(asks().cuts_in("Stop.", into=into).hangs_up(at=12))
        done = hold(peer, ScriptedModel(["Yes. No. " * 9, "Fine."]), tmp_path / str(into))
        (cut,) = done.all(Interrupted)
        marks = done.all(MarkPlayed)
        assert len({mark.name for mark in marks}) == len(marks)
        late = [mark for mark in marks if mark.at_ms >= cut.at_ms and not mark.heard]
        assert all(mark.name.startswith(f"{cut.turn}:") for mark in late)
        returned += [mark.name for mark in late]
        assert done.line.counts.clears == 1
    assert returned


# ---- the stream


def test_a_stop_ends_the_call_though_the_socket_stays_open(tmp_path: Path):
    peer = Peer(asks().hangs_up(at=6), stays_open=True)
    done = hold(peer, ScriptedModel([LONG]), tmp_path)
    assert done.outcome.reason == "caller"
    assert done.outcome.duration_ms == pytest.approx(6000, abs=60)
    assert peer.socket.closed == (1000, "")
    assert peer.asked == []  # it is over: nothing is left to hang up


def test_a_clock_that_begins_anew_is_followed(tmp_path: Path):
    caller = Caller().says("Tell me more.", at=8, lasts=1.0).hangs_up(at=14)
    done = hold(Peer(caller, sets_clock_back_s=5.0), ScriptedModel(["It is $49."]), tmp_path)
    assert done.said[1:] == [("caller", "Tell me more."), ("agent", "It is $49.")]
    assert not done.all(GapFilled)
    sound = b"".join(read_mulaw(tmp_path / "conv_1" / "audio.wav", channel=0))
    assert len(sound) / 8 == pytest.approx(14_000, abs=60)


def test_a_stream_that_falls_silent_is_hung_up(tmp_path: Path):
    peer = Peer(asks().hangs_up(at=90), mute_from_s=4.0)
    done = hold(peer, ScriptedModel([LONG]), tmp_path)
    assert done.outcome.reason == "stalled"
    assert [action for _, action in peer.asked] == ["hang_up"]


# ---- the end


def test_a_transfer_waits_until_its_words_were_heard(tmp_path: Path):
    peer = Peer(asks().hangs_up(at=90), answers_after_s=0.4)
    done = hold(peer, ScriptedModel([TRANSFER]), tmp_path)
    assert [asked[1:] for asked in peer.asked] == [("transfer", SALES)]
    assert peer.unplayed_ms == 0
    assert done.said[-1] == ("agent", "One moment please.")
    assert done.outcome.reason == "transfer"


def test_who_hangs_up_in_the_middle_of_a_transfer_ends_the_call(tmp_path: Path):
    peer = Peer(asks().hangs_up(at=6.5), answers_after_s=3.0, refusal=GONE)
    done = hold(peer, ScriptedModel([TRANSFER]), tmp_path)
    assert [asked[1:] for asked in peer.asked] == [("transfer", SALES)]
    assert peer.socket.closed is not None
    assert done.outcome.duration_ms < 7000


def test_a_call_that_gets_too_long_while_it_is_transferred_is_transferred(tmp_path: Path):
    peer = Peer(asks().hangs_up(at=90), answers_after_s=5.0)
    settings = replace(SETTINGS, max_call_s=6.5)
    done = hold(peer, ScriptedModel([TRANSFER]), tmp_path, settings=settings)
    assert [asked[1:] for asked in peer.asked] == [("transfer", SALES)]
    assert done.outcome.reason == "transfer"


@pytest.mark.parametrize("at_s", [5.0, 6.0, 6.5])
def test_what_is_ordered_during_a_transfer_comes_too_late(tmp_path: Path, at_s: float):
    """In its words, right before it, while Twilio thinks about it."""
    peer = Peer(asks().hangs_up(at=90), answers_after_s=2.0)
    done = hold(peer, ScriptedModel([TRANSFER]), tmp_path, [(at_s, SayGoodbye("stopping"))])
    assert [asked[1:] for asked in peer.asked] == [("transfer", SALES)]
    assert done.outcome.reason == "transfer"


def test_a_hang_up_that_twilio_refuses_ends_the_call_by_its_stream(tmp_path: Path):
    peer = Peer(patient(), refusal=TwilioError("hang-up: call CA is still in-progress", 502))
    done = bye(peer, tmp_path)
    assert done.outcome.reason == "stopping"
    assert done.said[-1] == ("agent", AGENT.goodbye)
    assert peer.socket.closed == (1000, "")


def test_the_network_may_say_that_it_is_over_before_the_stream_does(tmp_path: Path):
    peer = Peer(asks().hangs_up(at=90), answers_after_s=0.1)
    orders = [(5.5, EndNow("caller")), (5.52, EndNow("caller"))]
    done = hold(peer, ScriptedModel([LONG]), tmp_path, orders)
    assert done.outcome.reason == "caller"
    assert [action for _, action in peer.asked] == ["hang_up"]
    assert done.outcome.duration_ms == pytest.approx(5500, abs=60)


def test_a_key_in_the_goodbye_still_counts(tmp_path: Path):
    peer = Peer(Caller().presses("9", at=3.3).hangs_up(at=90))
    done = bye(peer, tmp_path)
    assert list(done.do_not_call.reasons) == ["+14155550137"]
    assert done.outcome.reason == "stopping"


def test_a_beep_behind_the_greeting_and_one_over_the_message_stop_nothing(tmp_path: Path):
    caller = Caller().says("Leave a message.", at=0.2, lasts=2.0)
    caller = caller.says("Beep.", at=2.6, lasts=0.4).cuts_in("Beep.", into=1.0, lasts=0.4)
    message = "This is Joe of Maplewood. Please call us back."
    peer = Peer(caller.hangs_up(at=90))
    done = hold(peer, ScriptedModel([]), tmp_path, [(2.5, LeaveMessage(message))])
    assert done.said[-1] == ("agent", message)
    assert done.outcome.reason == "voicemail"
    assert peer.unplayed_ms == 0


def test_a_person_who_says_nothing_is_asked_and_let_go(tmp_path: Path):
    """Twilio has said `human`; whoever it was has put the phone beside him."""
    peer = Peer(patient())
    done = hold(peer, ScriptedModel([]), tmp_path)
    assert done.said[1:] == [("agent", AGENT.reprompt)] * SETTINGS.silence_prompts + [
        ("agent", AGENT.goodbye)
    ]
    assert len(done.all(TimedOut)) == SETTINGS.silence_prompts + 1
    assert (done.outcome.reason, peer.unplayed_ms) == ("silence", 0)
