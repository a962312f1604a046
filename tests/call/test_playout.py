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
