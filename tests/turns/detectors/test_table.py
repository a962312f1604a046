"""Detectors by name, and classes of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdr_lab.errors import BadInput, NotFound
from sdr_lab.records import InterruptSettings
from sdr_lab.turns.detectors.table import make_detector
from tests.importable import importable

OWN = """
from sdr_lab.turns.detectors.energy import EnergyDetector

class Mine(EnergyDetector):
    name = "mine"

class Half:
    threshold = 0.0
    def __init__(self, settings):
        self.settings = settings
    def hear(self, frame):
        return None

class Broken:
    def __init__(self, settings):
        raise KeyError("weights")
"""


def test_a_class_of_the_users_own_is_a_detector(tmp_path: Path):
    with importable(tmp_path, "own_ears", OWN):
        made = make_detector(InterruptSettings(detector="own_ears:Mine"))

    assert made.name == "mine"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("own_ears:Half", "is no detector, it lacks arm, disarm, read, reading; see "),
        ("own_ears:Broken", "can't be made of the settings: KeyError: 'weights'"),
    ],
)
def test_what_is_no_detector_is_told(tmp_path: Path, name: str, told: str):
    with (
        importable(tmp_path, "own_ears", OWN),
        pytest.raises(BadInput, match=rf"detector '{name}': {told}"),
    ):
        make_detector(InterruptSettings(detector=name))


def test_an_unknown_name_is_told():
    with pytest.raises(NotFound, match="detector 'ear': unknown; allowed: energy, echo_gate, "):
        make_detector(InterruptSettings(detector="ear"))
