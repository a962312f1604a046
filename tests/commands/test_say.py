from __future__ import annotations

import wave
from pathlib import Path

TONE = ("--tts", "tone")


def test_a_line_is_made_speakable_and_written_as_the_phone_carries_it(run_json, tmp_path: Path):
    told = run_json("say", "**Only $49** a month!", *TONE, "--out", tmp_path / "line.wav")

    assert "forty" in told["text"].lower()
    assert "*" not in told["text"]
    assert told["tts"] == "tone"
    with wave.open(told["file"]) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        assert file.getnframes() == round(8000 * told["seconds"]) > 0


def test_the_workspace_is_where_it_goes_by_default(run, home: Path):
    shown = run("say", "Hello there.", *TONE).stdout

    assert str(home / "say.wav") in shown.replace("\n", "")
    assert (home / "say.wav").is_file()


def test_bad_input_is_one_line_and_leaves_no_file(run, home: Path):
    (home / "blocked").touch()
    for args, message in (
        (("say", "…!", *TONE), "there are no words in it"),
        (("say", "Hello", "--tts", "nobody"), "TTS_PROVIDER: got 'nobody'"),
        (("say", "Hello", *TONE, "--out", home / "blocked" / "x.wav"), "can't write"),
    ):
        error = run(*args, exit_code=1).stderr
        assert message in error
        assert error.count("\n") == 1
    assert [path.name for path in home.iterdir()] == ["blocked"]
