"""Pairs that a user gives change the settings of a recorded call."""

from __future__ import annotations

import pytest

from sdr_lab.errors import BadInput, SettingError
from sdr_lab.records import CallSettings, EndpointSettings
from sdr_lab.replay.changes import PLACES, changed_turns, sorted_pairs

BASE = CallSettings()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("SILENCE_THRESHOLD_SEC", "0.65", CallSettings(endpoint=EndpointSettings(silence_ms=650))),
        ("endpoint_mode", "fixed", CallSettings(endpoint=EndpointSettings(mode="fixed"))),
        ("SILENCE_PROMPT_S", "4", CallSettings(silence_prompt_s=4)),
        ("AUDIO_FILTERS", "highpass_gate", CallSettings(filters=("highpass_gate",))),
    ],
)
def test_a_value_finds_its_place(name: str, text: str, expected: CallSettings):
    assert changed_turns(BASE, {name: text}) == expected


def test_every_place_is_there():
    for place in PLACES.values():
        owner = BASE.endpoint if place.of_endpoint else BASE
        assert hasattr(owner, place.field)


def test_values_are_checked():
    with pytest.raises(SettingError, match="ENDPOINT_MODE"):
        changed_turns(BASE, {"ENDPOINT_MODE": "guess"})


def test_what_changes_no_decision_is_refused():
    with pytest.raises(SettingError, match="did you mean ENDPOINT_MIN_MS"):
        changed_turns(BASE, {"ENDPOINT_MIN": "300"})
    with pytest.raises(SettingError, match="did you mean min_energy"):
        changed_turns(BASE, {"min_enrgy": "300"}, ["min_energy"])


def test_pairs_are_sorted():
    pairs = ["min_energy=300", "INTERRUPT_HOLD_MS=500", "endpoint_mode = fixed", "what=1"]
    assert sorted_pairs(pairs, ["min_energy"]) == (
        ["min_energy=300", "INTERRUPT_HOLD_MS=500"],
        {"endpoint_mode": "fixed", "what": "1"},
    )


@pytest.mark.parametrize("pair", ["min_energy", "=3", ""])
def test_no_pair(pair: str):
    with pytest.raises(BadInput, match="expected KEY=VALUE"):
        sorted_pairs([pair], ["min_energy"])
