"""Whisper on recorded sentences and on sounds without words."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from sdr_lab.audio.codec import pcm_to_mulaw, silence
from sdr_lab.errors import BadInput, ProviderError
from sdr_lab.records import FRAME_BYTES
from sdr_lab.stt.whisper import FULL_WINDOW, Decoding, Whisper, range_db, weights

DATA = Path(__file__).parent / "data"
HEARD = {
    "joe-price": "how much does it cost per month",
    "joe-list": "please take me off your list",
    "joe-team": "how long does it take to set up",
    "joe-yes": "sure that would be great",
    "joe-number": "can i speak to a real person",
    "slt-list": "please take me off your list",
    "slt-yes": "sure that would be great",
    "slt-number": "can i speak to a real person",
}


def words(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c == " ")


def as_handed_over(name: str) -> bytes:
    """With the pre-roll and the pause that the adapter leaves around it."""
    return silence(400) + (DATA / f"{name}.ulaw").read_bytes() + silence(160)


def sound(length_s: float, kind: str) -> bytes:
    t = np.arange(int(8000 * length_s)) / 8000
    hiss = np.random.default_rng(1).normal(0, 1, len(t))
    pcm = {
        "silence": 0 * t,
        "hiss": 600 * hiss,
        "hum": 1500 * np.sin(2 * np.pi * 120 * t),
        "knock": 15 * hiss + 6000 * hiss * np.exp(-60 * np.abs(t - length_s / 2)),
        "breath": 15 * hiss + 1500 * hiss * np.exp(-(((t - length_s / 2) * 6 / length_s) ** 2)),
    }[kind]
    return pcm_to_mulaw(np.clip(pcm, -32000, 32000).astype(np.int16))


@pytest.fixture(scope="module")
def whisper() -> Whisper:
    return Whisper()


@pytest.mark.models
@pytest.mark.parametrize("name", HEARD)
def test_it_understands_two_voices_on_the_phone(whisper: Whisper, name: str):
    recognised = whisper.decode(as_handed_over(name))

    assert words(recognised.text) == HEARD[name]
    assert recognised.confidence > 0.4


@pytest.mark.models
@pytest.mark.parametrize("kind", ["silence", "hiss", "hum", "knock", "breath"])
@pytest.mark.parametrize("length_s", [0.4, 1.5, 6.0])
def test_it_hears_no_words_where_there_are_none(whisper: Whisper, kind: str, length_s: float):
    assert whisper.decode(sound(length_s, kind)).text == ""


@pytest.mark.models
def test_speech_longer_than_the_short_window_is_heard_to_its_end(whisper: Whisper):
    names = ("joe-price", "joe-team", "joe-number", "joe-yes", "joe-list") * 2
    mulaw = b"".join(as_handed_over(name) for name in names)

    text = words(whisper.decode(mulaw).text)

    assert len(mulaw) / 8 > 15_000
    assert text.count("real person") == 2
    assert text.endswith("take me off your list")


@pytest.mark.models
def test_a_vocabulary_helps_with_names(whisper: Whisper):
    mulaw = as_handed_over("joe-company")

    primed = Whisper(vocabulary=["Northwind", "Salesforce"]).decode(mulaw)

    assert words(primed.text) == "does northwind work with salesforce"
    assert words(whisper.decode(mulaw).text) != words(primed.text)


@pytest.mark.models
def test_a_loop_is_noticed_and_decoded_again_with_the_whole_window():
    tight = Whisper(decoding=Decoding(window=1, margin=1))  # here Whisper says everything twice

    found = [words(tight.decode(as_handed_over(name)).text) for name in ("joe-price", "slt-list")]

    assert found == [HEARD["joe-price"], HEARD["slt-list"]]


@pytest.mark.models
def test_fast_long_speech_is_not_cut_off(whisper: Whisper):
    texts = [name for name in HEARD if name.startswith("joe")]
    mulaw = b"".join((DATA / f"{name}.ulaw").read_bytes() for name in texts)

    assert words(whisper.decode(mulaw).text).endswith("real person")


@pytest.mark.models
async def test_calls_at_once_share_one_model_and_get_their_own_words(whisper: Whisper):
    names = ("joe-price", "joe-list", "joe-yes")

    found = await asyncio.gather(*(Whisper().recognise(as_handed_over(n)) for n in names))

    assert [words(recognised.text) for recognised in found] == [HEARD[n] for n in names]


@pytest.mark.models
async def test_the_event_loop_runs_while_it_decodes(whisper: Whisper):
    await whisper.warm_up()
    turns = 0

    async with asyncio.TaskGroup() as group:
        decoding = group.create_task(whisper.recognise(as_handed_over("joe-price")))
        while not decoding.done():
            turns += 1
            await asyncio.sleep(0)

    assert turns > 100


@pytest.mark.models
def test_nothing_in_nothing_out(whisper: Whisper):
    assert whisper.decode(b"").text == ""
    assert whisper.decode(b"\xff" * FRAME_BYTES).text == ""


@pytest.mark.models
async def test_damaged_weights_are_a_provider_error(tmp_path: Path):
    (tmp_path / "model.bin").write_bytes(b"not a model")
    (tmp_path / "tokenizer.json").write_text("{}")

    with pytest.raises(ProviderError, match="whisper: "):
        await Whisper(tmp_path).recognise(b"\xff" * FRAME_BYTES)


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"holds no model\.bin"):
        Whisper(tmp_path)


@pytest.mark.models
def test_the_packaged_weights_are_found_without_an_import():
    assert (weights() / "model.bin").is_file()


@pytest.mark.parametrize(
    ("seconds", "window"), [(0.5, 1200), (6, 1200), (8, 1300), (20, 2500), (28, FULL_WINDOW)]
)
def test_the_window_follows_the_speech(seconds: float, window: int):
    assert Decoding().window_for(int(16_000 * seconds)) == window


def test_the_range_of_noise_is_small_and_that_of_speech_is_large():
    assert range_db(sound(1.0, "hiss")) < 3
    assert range_db(as_handed_over("joe-price")) > 20
