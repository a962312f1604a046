"""Every detector by the name that INTERRUPT_DETECTOR takes."""

from __future__ import annotations

from collections.abc import Callable

from sdr_lab.errors import BadInput, NotFound, SdrLabError
from sdr_lab.own_class import OWN_CLASS, is_own_class, load_class
from sdr_lab.records import InterruptSettings
from sdr_lab.turns.detectors.base import InterruptDetector
from sdr_lab.turns.detectors.guarded import GuardedDetector


def _energy(settings: InterruptSettings) -> InterruptDetector:
    from sdr_lab.turns.detectors.energy import EnergyDetector

    return EnergyDetector(settings)


def _webrtc(settings: InterruptSettings) -> InterruptDetector:
    from sdr_lab.turns.detectors.vad import VadDetector
    from sdr_lab.turns.detectors.vad_webrtc import SCORES, WebrtcVad

    return VadDetector(WebrtcVad(), SCORES, settings)


def _silero(settings: InterruptSettings) -> InterruptDetector:
    from sdr_lab.turns.detectors.vad import VadDetector
    from sdr_lab.turns.detectors.vad_silero import SCORES, SileroVad

    return VadDetector(SileroVad(), SCORES, settings)


def _pysilero(settings: InterruptSettings) -> InterruptDetector:
    from sdr_lab.turns.detectors.vad import VadDetector
    from sdr_lab.turns.detectors.vad_silero import SCORES, PysileroVad

    return VadDetector(PysileroVad(), SCORES, settings)


def _ten(settings: InterruptSettings) -> InterruptDetector:
    from sdr_lab.turns.detectors.vad import VadDetector
    from sdr_lab.turns.detectors.vad_ten import SCORES, TenVad

    return VadDetector(TenVad(), SCORES, settings)


def _echo_gate(settings: InterruptSettings) -> InterruptDetector:
    from sdr_lab.turns.detectors.echo_gate import EchoGateDetector

    return EchoGateDetector(settings)


def _hybrid(settings: InterruptSettings) -> InterruptDetector:
    from sdr_lab.turns.detectors.hybrid import HybridDetector

    return HybridDetector(settings)


DETECTORS: dict[str, Callable[[InterruptSettings], InterruptDetector]] = {
    "energy": _energy,
    "echo_gate": _echo_gate,
    "hybrid": _hybrid,
    "webrtc": _webrtc,
    "silero": _silero,
    "pysilero": _pysilero,
    "ten": _ten,
}
"""The built-in ones. What a detector needs is imported when it is made."""


METHODS = ("arm", "disarm", "hear", "read", "reading")
PARTS = ("threshold", *METHODS)
"""What a class of the user's own must have."""


def make_detector(settings: InterruptSettings) -> InterruptDetector:
    """Make the detector that the settings name.

    Raises:
        NotFound: there is none of that name.
        BadInput: a class of the user's own that is no detector.
    """
    name = settings.detector
    if is_own_class(name):
        return _own(name, settings)
    if name not in DETECTORS:
        raise NotFound(f"detector {name!r}: unknown; allowed: {', '.join(DETECTORS)}, {OWN_CLASS}")
    return DETECTORS[name](settings)


def _own(name: str, settings: InterruptSettings) -> InterruptDetector:
    made_of = load_class(name, "detector")
    try:
        made = made_of(settings)
    except SdrLabError:
        raise
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"detector {name!r}: can't be made of the settings: {told}") from error
    lacking = [part for part in PARTS if not hasattr(made, part)]
    lacking += [part for part in METHODS if not callable(getattr(made, part, print))]
    if lacking:
        raise BadInput(
            f"detector {name!r}: is no detector, it lacks {', '.join(lacking)}; "
            "see sdr_lab/turns/detectors/base.py"
        )
    return GuardedDetector(made, name)
