from __future__ import annotations

from sdr_lab.call.playout import Playout, Speech

TONE = bytes(range(64, 96)) * 5  # 160 bytes, loud


def speech(text: str, frames: int, turn: int = 1, index: int = 0) -> Speech:
    return Speech(turn, index, text, TONE * frames, True)


def test_no_more_is_sent_ahead_than_allowed():
    playout = Playout(200)
    playout.add(speech("one two three", 50))
    assert sum(len(part) for part in playout.take(0) if isinstance(part, bytes)) == 10 * 160
    assert playout.take(0) == []
    assert sum(len(part) for part in playout.take(60) if isinstance(part, bytes)) == 3 * 160
    assert playout.pending_ms == 37 * 20


def test_the_mark_follows_the_last_sound():
    playout = Playout(200)
    playout.add(speech("one", 3))
    sound, mark = playout.take(0)
    assert (len(sound), mark) == (480, "1:0")


def test_slots_are_what_is_played_when():
    playout = Playout(200)
    playout.add(speech("one", 2))
    playout.take(100)
    assert [playout.slot(at) for at in (80, 100, 120, 140)] == [b"", TONE, TONE, b""]


def test_pieces_of_any_length_make_whole_frames():
    playout = Playout(1000)
    for piece in (b"\x40" * 100, b"\x40" * 100, b"\x40" * 30):
        playout.add(Speech(1, 0, "hello", piece, False))
    playout.add(Speech(1, 0, "hello", b"", True))
    sound, mark = playout.take(0)
    assert sound == b"\x40" * 230 + b"\xff" * 90
    assert mark == "1:0"


def test_a_clear_keeps_whole_sentences_and_part_of_one():
    playout = Playout(200)
    playout.add(speech("First one.", 10))
    playout.add(speech("second part of it all", 50, index=1))
    for now in range(0, 500, 20):
        for item in playout.take(now):
            assert isinstance(item, bytes) or item == "1:0"
    assert playout.marked("1:0", 200)
    cleared = playout.clear(500)
    assert cleared.heard.startswith("First one. second")
    assert cleared.planned == "First one. second part of it all"
    assert f"{cleared.heard} {cleared.rest}" == cleared.planned
    assert playout.take(520) == []


def test_a_sentence_that_is_still_being_made_is_not_taken_for_a_whole_one():
    words = "one two three four five six seven eight nine ten"
    playout = Playout(200)
    playout.add(speech(words, 100))
    playout.clear(0)
    playout.add(Speech(2, 0, words, TONE * 40, False))  # 0.8 s of the 2 s it will take
    for now in range(0, 800, 20):
        playout.take(now)
    assert 3 <= len(playout.clear(800).heard.split()) <= 5


def test_marks_that_come_back_after_a_clear_are_not_heard():
    playout = Playout(2000)
    playout.add(speech("one", 20))
    playout.take(0)
    playout.clear(100)
    assert playout.marked("1:0", 120) is False


def test_done_by_marks_or_else_by_time():
    playout = Playout(200)
    playout.add(speech("one", 5))
    playout.take(0)
    assert not playout.is_done(100)
    playout.marked("1:0", 100)
    assert playout.is_done(100)
    deaf = Playout(200)
    deaf.add(speech("one", 5))
    deaf.take(0)
    assert not deaf.is_done(2000)
    assert deaf.is_done(2200)


def test_a_line_that_lags_is_noticed_by_its_marks():
    words = "one two three four five six seven eight nine ten"
    lagging, prompt = Playout(5000), Playout(5000)
    for playout, late_ms in ((lagging, 400), (prompt, 0)):
        for index in range(3):
            playout.add(speech("hello", 5, index=index))
            playout.take(index * 100)
            playout.marked(f"1:{index}", (index + 1) * 100 + late_ms)
        playout.add(speech(words, 100, index=3))
        playout.take(300)
    late = len(lagging.clear(1500).heard.split())
    assert late < len(prompt.clear(1500).heard.split())


def test_an_underrun_is_counted():
    playout = Playout(200)
    playout.add(Speech(1, 0, "hello there", TONE * 5, False))
    playout.take(0)
    playout.add(Speech(1, 0, "hello there", TONE * 5, True))
    playout.take(400)
    assert playout.underruns == 1


# ---- holds

WORDS = "one two three four five six seven eight nine ten"
GAPPED = TONE * 9 + b"\xff" * 160  # a word of 180 ms and a gap of 20 ms


def gapped(index: int = 0) -> Speech:
    return Speech(1, index, WORDS, GAPPED * 10, True)


def heard_until(playout: Playout, start_ms: int, end_ms: int) -> bytes:
    """Play in real time; return what the caller hears."""
    out = b""
    for now in range(start_ms, end_ms, 20):
        playout.take(now)
        out += playout.slot(now) or b"\xff" * 160
    return out


def loud(mulaw: bytes) -> int:
    """Frames with sound in them."""
    return sum(mulaw[at : at + 160] != b"\xff" * 160 for at in range(0, len(mulaw), 160))


def test_a_hold_keeps_what_was_not_heard_and_goes_on_in_a_gap():
    playout = Playout(200)
    playout.add(gapped())
    before = heard_until(playout, 0, 700)  # three words and a half
    held = playout.hold(700)
    assert held.heard in ("one two three", "one two three four")
    assert held.planned == WORDS
    assert playout.take(720) == []
    assert loud(heard_until(playout, 700, 1500)) == 0
    repeated_ms = playout.resume(1500)
    assert 100 <= repeated_ms <= 400
    after = heard_until(playout, 1500, 1500 + 2000 - 700 + repeated_ms)
    assert loud(before + after) == 90 + loud(before[len(before) - 8 * repeated_ms :])
    assert playout.pending_ms == 0
    assert playout.underruns == 0


def test_sound_that_comes_during_a_hold_is_kept():
    playout = Playout(200)
    playout.add(gapped())
    heard_until(playout, 0, 300)
    playout.hold(300)
    playout.add(speech("And more.", 20, index=1))
    assert playout.take(900) == []
    playout.resume(1000)
    heard_until(playout, 1000, 4000)
    assert playout.pending_ms == 0
    assert [index for _, index, _ in playout.begun()] == [0, 1]


def test_marks_of_a_hold_do_not_count_and_come_again():
    playout = Playout(2000)
    playout.add(speech("one two three", 50))
    assert "1:0" in playout.take(0)
    heard_until(playout, 0, 400)
    playout.hold(400)
    playout.resume(1000)
    assert playout.take(1000)[-1] == "1:0"
    assert playout.marked("1:0", 1020) is False  # of the clear
    assert not playout.is_done(1100)
    assert playout.marked("1:0", 2000) is True
    assert playout.is_done(2000)


def test_what_was_heard_is_right_after_holds():
    playout = Playout(200)
    playout.add(gapped())
    heard_until(playout, 0, 1000)
    first = playout.hold(1000).heard
    assert playout.clear(1400).heard == first
    again = Playout(200)
    again.add(gapped())
    heard_until(again, 0, 1000)
    again.hold(1000)
    again.resume(2000)
    heard_until(again, 2000, 2040)
    assert again.hold(2040).heard == first  # what was said twice counts once
    again.resume(3000)
    heard_until(again, 3000, 3700)
    cleared = again.clear(3700)
    assert len(cleared.heard.split()) >= len(first.split()) + 1
    assert f"{cleared.heard} {cleared.rest}" == WORDS


def test_on_a_slow_line_what_was_on_its_way_is_said_again_within_two_words():
    playout = Playout(200)
    for index in range(3):  # marks tell that the line is 300 ms late
        playout.add(speech("hello", 5, index=index))
        playout.take(index * 100)
        playout.marked(f"1:{index}", (index + 1) * 100 + 300)
    playout.add(gapped(3))
    heard_until(playout, 300, 1500)
    playout.hold(1500)
    assert 200 <= playout.resume(2500) <= 500


def test_all_but_the_mark_has_been_played():
    playout = Playout(2000)
    playout.add(gapped())
    playout.take(0)
    assert not playout.is_said(1900)
    assert playout.is_said(1980)  # but for the gap behind the last word


def test_the_rest_of_a_sentence_that_a_voice_tore_off_is_planned_until_the_next_is_heard():
    playout = Playout(200)
    playout.add(Speech(1, 0, WORDS, GAPPED * 5, False))
    playout.add(Speech(1, 0, WORDS, b"", True, is_torn=True))
    heard_until(playout, 0, 500)
    cleared = playout.clear(500)
    assert cleared.planned == WORDS
    assert f"{cleared.heard} {cleared.rest}" == WORDS
