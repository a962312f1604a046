from __future__ import annotations

import pytest

from sdr_lab.errors import BadInput, NotFound, SettingError
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.detect import settings_of


def test_names_are_fields_or_settings():
    made = settings_of(["min_speech_ms=200", "INTERRUPT_MIN_ENERGY=900", "Use_VAD=true"], "energy")

    assert (made.detector, made.min_speech_ms, made.min_energy) == ("energy", 200, 900)
    assert made.use_vad is True


def test_what_is_not_named_stays():
    base = InterruptSettings(detector="energy", debounce_ms=700, greeting={"enabled": False})

    made = settings_of(["baseline_factor=3.5"], base=base)

    assert (made.detector, made.debounce_ms, made.baseline_factor) == ("energy", 700, 3.5)
    assert made.greeting == {"enabled": False}


def test_none_gives_a_score_back_to_the_detector():
    base = InterruptSettings(stop_score=0.5)

    assert settings_of(["stop_score=0.75"], base=base).stop_score == 0.75
    assert settings_of(["stop_score=none"], base=base).stop_score is None


@pytest.mark.parametrize(
    ("pair", "error", "told"),
    [
        ("min_enrgy=3", SettingError, "did you mean min_energy?"),
        ("chunk_size=3", SettingError, "setting chunk_size: got '3', allowed: one of enabled"),
        ("greeting={}", SettingError, "allowed: one of"),
        ("min_energy", BadInput, "expected KEY=VALUE"),
        ("=3", BadInput, "expected KEY=VALUE"),
        ("min_energy=", SettingError, "INTERRUPT_MIN_ENERGY: got '', allowed: a whole number"),
        ("min_energy=loud", SettingError, "allowed: a whole number from 0 to 32124"),
        ("min_energy=-1", SettingError, "INTERRUPT_MIN_ENERGY: got '-1'"),
        ("stop_score=1.5", SettingError, "INTERRUPT_STOP_SCORE: got '1.5'"),
        ("detector=enrgy", NotFound, "did you mean energy?"),
    ],
)
def test_what_is_not_allowed_is_told(pair: str, error: type[Exception], told: str):
    with pytest.raises(error) as raised:
        settings_of([pair])

    assert told in str(raised.value)
