from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.errors import AudioError, BadInput, Conflict
from sdr_lab.tune.corpus import open_corpus
from sdr_lab.tune.importing import Source, import_call, sources_of
from sdr_lab.tune.labels import CallLabels, Label, write_labels
from tests.tune.made_calls import channels, write_wav

CALLER, AGENT = channels()
CLEAN_CALLER, _ = channels(noise_rms=0)
TRACK = "1.0\t6.0\tagent\n6.8\t11.0\tagent\n4.0\t5.2\tinterruption: wait\n"


def pcm_wav(path: Path, left: bytes, right: bytes, rate_hz: int = 8000) -> Path:
    both = np.stack((mulaw_to_pcm(left), mulaw_to_pcm(right)), axis=1)
    soundfile.write(path, np.repeat(both, rate_hz // 8000, axis=0), rate_hz, subtype="PCM_16")
    return path


def audio_of(folder: Path) -> tuple[bytes, bytes]:
    [call] = open_corpus(folder, swap=False)
    frames = list(call.frames())
    return b"".join(a for a, _ in frames), b"".join(b for _, b in frames)


def do_import(*files: Path, into: Path, **options) -> tuple[Path, tuple[str, ...]]:
    [source] = sources_of(files, **options)
    done = import_call(source, into)
    return done.folder, done.notes


def test_a_dual_channel_recording_of_a_phone_company(tmp_path: Path):
    wav = pcm_wav(tmp_path / "RE1.wav", CALLER, AGENT)

    folder, notes = do_import(wav, into=tmp_path / "calls")

    assert (folder, notes) == (tmp_path / "calls" / "RE1", ())
    assert audio_of(folder) == (CALLER, AGENT)
    assert sorted(p.name for p in folder.iterdir()) == ["audio.wav", "labels.json"]


def test_the_callers_channel_may_be_named(tmp_path: Path):
    wav = pcm_wav(tmp_path / "out.wav", AGENT, CALLER)

    folder, notes = do_import(wav, into=tmp_path / "calls", caller="right")

    assert audio_of(folder) == (CALLER, AGENT)
    assert notes == ()


def test_a_channel_as_clean_as_only_a_synthetic_voice_is_not_the_callers(tmp_path: Path):
    wav = pcm_wav(tmp_path / "out.wav", AGENT, CALLER)

    folder, notes = do_import(wav, into=tmp_path / "calls")

    assert audio_of(folder) == (CALLER, AGENT)
    assert "caller taken from the right channel" in notes[0]
    assert "--caller-channel left if that is wrong" in notes[0]


def test_two_clean_channels_are_taken_as_they_are(tmp_path: Path):
    wav = pcm_wav(tmp_path / "out.wav", AGENT, CLEAN_CALLER)

    folder, notes = do_import(wav, into=tmp_path / "calls")

    assert audio_of(folder) == (AGENT, CLEAN_CALLER)
    assert notes == ()


def test_labels_show_which_channel_is_the_callers(tmp_path: Path):
    wav = pcm_wav(tmp_path / "out.wav", AGENT, CLEAN_CALLER)
    (tmp_path / "track.txt").write_text(TRACK)

    folder, notes = do_import(wav, into=tmp_path / "calls", labels=tmp_path / "track.txt")

    assert audio_of(folder) == (CLEAN_CALLER, AGENT)
    assert "which the labels fit" in notes[0]


def test_other_rates_become_the_phones(tmp_path: Path):
    wav = pcm_wav(tmp_path / "wide.wav", CALLER, AGENT, 16_000)

    folder, _ = do_import(wav, into=tmp_path / "calls")

    caller, agent = (mulaw_to_pcm(x).astype(float) for x in audio_of(folder))
    assert len(caller) == 12 * 8000
    assert np.corrcoef(agent, mulaw_to_pcm(AGENT))[0, 1] > 0.9
    assert np.corrcoef(caller, mulaw_to_pcm(CALLER))[0, 1] > 0.9


def test_two_raw_files_are_caller_and_agent(tmp_path: Path):
    files = tmp_path / "caller.ulaw", tmp_path / "agent.ulaw"
    files[0].write_bytes(CALLER)
    files[1].write_bytes(AGENT[:-4000])

    folder, notes = do_import(*files, into=tmp_path / "calls")

    assert audio_of(folder) == (CALLER, AGENT[:-4000] + b"\xff" * 4000)
    assert notes == (f"{files[1]}: 0.500 s shorter than the other; silence added",)


def test_two_mono_files_of_different_rates(tmp_path: Path):
    caller, agent = tmp_path / "caller.wav", tmp_path / "agent.wav"
    soundfile.write(caller, np.repeat(mulaw_to_pcm(CALLER), 2), 16_000)
    soundfile.write(agent, mulaw_to_pcm(AGENT), 8000)

    folder, notes = do_import(caller, agent, into=tmp_path / "calls")

    assert audio_of(folder)[1] == AGENT
    assert notes == ()


def test_labels_come_with_the_labellers_name(tmp_path: Path):
    wav = write_wav(tmp_path / "talk.wav", CALLER, AGENT)
    (tmp_path / "talk.txt").write_text(TRACK)

    folder, notes = do_import(wav, into=tmp_path / "calls", by="kim")

    [call] = open_corpus(folder)
    assert call.labels == (Label("interruption", 4000, 5200, "kim", "wait"),)
    assert [x.start_ms for x in call.agent] == [1000, 6800]
    assert "talk.txt: lies beside the recording; its labels are taken" in notes[0]


def test_labels_may_be_json(tmp_path: Path):
    wav = write_wav(tmp_path / "talk.wav", CALLER, AGENT)
    write_labels(tmp_path / "x.json", CallLabels((Label("noise", 9000, 9200, "lee"),)))

    folder, _ = do_import(wav, into=tmp_path / "c", labels=tmp_path / "x.json", by="kim")

    assert open_corpus(folder)[0].labels[0].by == "lee"


@pytest.mark.parametrize(
    ("track", "told"),
    [
        ("1\t20\tnoise\n", "lies past the end: the recording ends at 12.000 s"),
        ("1\t20\tagent\n", "the agent speaks until 20.000 s, but the recording ends at 12.000 s"),
        ("1\t2\tnose\n", "line 1: type 'nose' is unknown"),
    ],
)
def test_labels_that_do_not_fit_leave_nothing_behind(tmp_path: Path, track: str, told: str):
    wav = write_wav(tmp_path / "talk.wav", CALLER, AGENT)
    (tmp_path / "talk.txt").write_text(track)

    with pytest.raises(BadInput, match=told):
        do_import(wav, into=tmp_path / "calls")

    assert not list((tmp_path / "calls").glob("*"))
    assert not list((tmp_path / "calls").glob(".*"))


def test_nothing_is_replaced(tmp_path: Path):
    wav = write_wav(tmp_path / "talk.wav", CALLER, AGENT)
    do_import(wav, into=tmp_path / "calls")

    with pytest.raises(Conflict, match="talk: exists already; give another --id"):
        do_import(wav, into=tmp_path / "calls")
    assert audio_of(tmp_path / "calls" / "talk") == (CALLER, AGENT)


def test_a_name_is_no_path(tmp_path: Path):
    wav = write_wav(tmp_path / "talk.wav", CALLER, AGENT)

    for name in ("../up", "..", ".", "x" * 300):
        with pytest.raises(BadInput, match="not the name of a folder"):
            import_call(Source(wav), tmp_path / "calls", name)


def test_names_tell_the_caller_from_the_agent(tmp_path: Path):
    caller, agent = tmp_path / "talk.caller.ulaw", tmp_path / "talk.agent.ulaw"
    caller.write_bytes(CALLER)
    agent.write_bytes(AGENT)

    [source] = sources_of([caller, agent])
    done = import_call(source, tmp_path / "calls")

    assert done.folder == tmp_path / "calls" / "talk"
    with pytest.raises(BadInput, match="give the caller's file first"):
        sources_of([agent, caller])


def test_what_is_no_call_is_refused(tmp_path: Path):
    mono, many = tmp_path / "mono.ulaw", tmp_path / "many.wav"
    mono.write_bytes(CALLER)
    soundfile.write(many, np.zeros((800, 3), np.int16), 8000)
    stereo = write_wav(tmp_path / "talk.wav", CALLER, AGENT)

    with pytest.raises(AudioError, match=r"mono\.ulaw: mono; give two mono files, caller"):
        sources_of([mono])
    with pytest.raises(AudioError, match="mono; give two mono files"):
        sources_of([mono, stereo])
    with pytest.raises(AudioError, match="3 channels; give two"):
        sources_of([many])
    with pytest.raises(BadInput, match="labels of one call, but there are 2 recordings"):
        sources_of([stereo, stereo], tmp_path / "x.txt")
    with pytest.raises(BadInput, match="caller channel 'up': unknown; allowed: auto, left, right"):
        sources_of([stereo], caller="up")


def test_g711_is_the_same_in_both_directions():
    assert pcm_to_mulaw(mulaw_to_pcm(CALLER)) == CALLER  # what the tests above rely on
