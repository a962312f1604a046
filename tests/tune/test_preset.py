from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sdr_lab.config import Settings
from sdr_lab.errors import BadInput, Conflict, NotFound, SettingError
from sdr_lab.records import InterruptSettings
from sdr_lab.tune.preset import Difference, Preset, Presets, differences, merged, preset_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CALM = InterruptSettings(detector="energy", min_energy=1200, use_vad=True)


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets(tmp_path)


def test_what_is_saved_is_read(presets: Presets):
    preset = preset_of("calm", CALM, NOW)

    presets.save(preset)

    assert presets.get("calm") == preset
    assert presets.names() == ["calm"]
    assert preset.provenance["date"] == "2026-11-24T12:00:00+00:00"
    assert preset.provenance["source"] == "by hand"


def test_a_preset_says_all_that_its_detector_looks_at(presets: Presets):
    energy = preset_of("a", InterruptSettings(detector="energy", hold_score=0.2), NOW).settings
    hybrid = preset_of("b", InterruptSettings(detector="hybrid"), NOW).settings

    assert {"detector", "min_energy", "debounce_ms", "hold_score"} <= set(energy)
    assert "stop_score" not in energy
    assert hybrid["stop_score"] is None
    assert "min_energy" not in hybrid
    assert not {"enabled", "stop_words", "greeting"} & {*energy, *hybrid}


def test_names_are_not_taken_twice(presets: Presets):
    presets.save(preset_of("calm", CALM, NOW))

    with pytest.raises(Conflict, match="--replace"):
        presets.save(preset_of("calm", CALM, NOW))
    with pytest.raises(Conflict):
        presets.check_free("calm")
    presets.save(preset_of("calm", InterruptSettings(detector="energy"), NOW), replace=True)
    assert presets.get("calm").settings["min_energy"] == 800


@pytest.mark.parametrize("name", ["", "../x", "Calm", "a b", "-x", "x" * 65])
def test_names_that_are_no_file_names_are_refused(presets: Presets, name: str):
    with pytest.raises(BadInput, match="a name has"):
        presets.get(name)


def test_an_unknown_name_is_told_with_those_there_are(presets: Presets):
    presets.save(preset_of("calm", CALM, NOW))

    with pytest.raises(NotFound, match=r"there are: calm; did you mean calm\?"):
        presets.get("clam")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"version": 2}', '{"version": 1, "settings": {"min_energy": 1}}',
     '{"version": 1, "settings": {"detector": "energy", "colour": 1}}'],
)  # fmt: skip
def test_damaged_files_are_told_of(presets: Presets, text: str):
    presets.folder.mkdir()
    (presets.folder / "bad.json").write_text(text)

    with pytest.raises(BadInput, match=r"bad\.json"):
        presets.get("bad")


def test_values_are_checked_when_they_are_read(presets: Presets):
    path = presets.save(preset_of("calm", CALM, NOW))
    row = json.loads(path.read_text())
    row["settings"]["min_energy"] = 99_999
    path.write_text(json.dumps(row))

    with pytest.raises(SettingError, match="99999"):
        presets.get("calm")


def test_lines_are_read_by_the_settings(tmp_path: Path):
    hybrid = InterruptSettings(detector="hybrid", stop_score=0.75)
    for one in (CALM, hybrid):
        lines = preset_of("x", one, NOW).env_lines()
        file = tmp_path / "lines.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

        read = Settings.load(file, environ={})

        assert read.interrupt_detector == one.detector
        assert read.interrupt_min_energy == one.min_energy
        assert read.interrupt_use_vad == one.use_vad
        assert read.interrupt_stop_score == one.stop_score
        assert read.interrupt_hold_score is None


def test_an_agents_other_overrides_stay():
    preset = Preset("x", {"detector": "hybrid", "stop_score": 0.7, "hold_score": None})
    mine = {"hold_score": 0.1, "stop_words": ("halt",), "stop_score": 0.2}

    assert merged(mine, preset) == {
        "stop_words": ("halt",), "stop_score": 0.7, "detector": "hybrid",
    }  # fmt: skip


def test_differences_are_in_the_order_of_the_settings():
    old = {"detector": "energy", "debounce_ms": 400, "min_energy": 800}
    new = {"debounce_ms": 400, "min_energy": 900, "detector": "hybrid", "stop_score": 0.5}

    assert differences(old, new) == [
        Difference("detector", "energy", "hybrid"),
        Difference("min_energy", 800, 900),
        Difference("stop_score", None, 0.5),
    ]
