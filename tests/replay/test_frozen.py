"""Settings are read back from call.json as they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdr_lab.errors import BadInput, NotFound
from sdr_lab.records import CallSettings, EndpointSettings, InterruptSettings
from sdr_lab.replay.frozen import frozen_settings
from tests.replay.recorded import recorded

SETTINGS = CallSettings(
    endpoint=EndpointSettings(mode="fixed", silence_ms=700),
    interrupt=InterruptSettings(
        min_energy=900, stop_words=("halt",), greeting={"enabled": False}, stop_score=0.4
    ),
    silence_prompt_s=7.5,
    filters=("highpass_gate",),
)


def test_a_call_gives_its_settings_back(tmp_path: Path):
    done = recorded(tmp_path, SETTINGS)
    assert frozen_settings(done.folder) == SETTINGS


def write(folder: Path, call: object) -> Path:
    (folder / "call.json").write_text(json.dumps(call), encoding="utf-8")
    return folder


def test_other_versions_of_the_lab_are_understood(tmp_path: Path):
    settings = {
        "endpoint": {"silence_ms": 650, "of_the_future": 1},
        "interrupt": {"min_energy": 500},
        "max_call_s": 60,
        "of_the_future": [],
    }
    read = frozen_settings(write(tmp_path, {"settings": settings}))

    assert read.endpoint == EndpointSettings(silence_ms=650)
    assert read.max_call_s == 60
    assert read.interrupt.min_energy == 500
    assert not read.interrupt.hold  # a version that did not know holds made none


def test_no_call(tmp_path: Path):
    with pytest.raises(NotFound, match=r"holds no call\.json"):
        frozen_settings(tmp_path)
    with pytest.raises(NotFound, match=r"holds no call\.json"):
        frozen_settings(write(tmp_path, {}) / "call.json")


@pytest.mark.parametrize("call", [{}, [], {"settings": 3}, {"settings": {"endpoint": 1}}])
def test_damage_is_told(tmp_path: Path, call: object):
    with pytest.raises(BadInput, match="holds no settings of a call"):
        frozen_settings(write(tmp_path, call))


def test_what_is_no_json_is_told(tmp_path: Path):
    (tmp_path / "call.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match="holds no settings of a call"):
        frozen_settings(tmp_path)
