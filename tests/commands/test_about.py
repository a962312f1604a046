from __future__ import annotations

from pathlib import Path

from sdr_lab.config import Settings


def test_settings_show_value_source_and_meaning(run, run_json, home: Path):
    shown = run_json("--set", "TOP_K=5", "settings")

    assert list(shown) == Settings.names()
    assert shown["TOP_K"]["value"] == "5"
    assert shown["TOP_K"]["source"] == "command line"
    assert shown["CHUNK_SIZE"] == {
        "value": "200",
        "source": "default",
        "default": "200",
        "allowed": "a whole number from 32 to 2048",
        "meaning": "Tokens per passage; MiniLM cuts silently above 256.",
        "group": "Knowledge",
    }
    assert "TOP_K" in run("settings").stdout


def test_secrets_are_masked(run):
    shown = run("--set", "DEEPGRAM_API_KEY=dg-123", "settings", "DEEPGRAM_API_KEY").stdout

    assert "dg-123" not in shown
    assert "********" in shown


def test_only_what_was_changed(run_json, home: Path):
    (home.parent / ".env").write_text("CHUNK_SIZE=100\n")

    shown = run_json("settings", "--changed")

    assert shown["CHUNK_SIZE"]["source"] == ".env"
    assert "TOP_K" not in shown


def test_a_wrong_setting_is_one_line(run, home: Path):
    for args, message in (
        (("--set", "TOP_K=x", "settings"), "setting TOP_K: got 'x', allowed: a whole number"),
        (("--set", "TOPK=1", "settings"), "did you mean TOP_K?"),
        (("--set", "TOP_K", "settings"), "got 'TOP_K', expected NAME=VALUE"),
        (("--env-file", home / "no.env", "settings"), "can't be read"),
        (("settings", "TOPK"), "did you mean TOP_K?"),
    ):
        result = run(*args, exit_code=1)

        assert message in result.stderr
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""


def test_a_setting_without_effect_is_said_on_standard_error(run, monkeypatch):
    monkeypatch.setenv("CHROMA_PATH", "./chroma_db")

    assert "CHROMA_PATH is ignored" in run("settings", "TOP_K").stderr


def test_doctor_exits_with_1_when_something_asked_for_is_missing(run, run_json, home: Path):
    checks = {
        check["name"]: check
        for check in run_json("--set", f"PIPER_VOICE={home}/no.onnx", "doctor", exit_code=1)
    }

    assert checks["piper voice"]["state"] == "missing"
    assert checks["ollama"]["remedy"].startswith("start it with")
    assert "no.onnx" in run("--set", f"PIPER_VOICE={home}/no.onnx", "doctor", exit_code=1).stdout
