"""Filters on the caller's audio, between the line and everything that listens.

The gate, the interrupt detector and the transcriber hear what a filter returns; the recorder
keeps the raw bytes. A filter of your own is a class with a `process` method, named in the
settings as `package.module:Class`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sdr_lab.audio.codec import mulaw_to_pcm, pcm_to_mulaw
from sdr_lab.errors import AudioError, NotFound
from sdr_lab.own_class import OWN_CLASS, load_class

RATE_HZ = 8000


class AudioFilter(Protocol):
    """Changes the caller's audio. One object serves one call and may keep state."""

    def process(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return as many samples as came in: 8 kHz, int16, usually 160 at a time."""
        ...


class HighpassGate:
    """Removes hum and lowers what is heard between words.

    A second-order Butterworth high-pass takes away mains hum and rumble below the phone band.
    Behind it a soft gate turns frames near the background level down by 15 dB. The background
    is the quietest frame of the last five seconds, in which any speaker pauses.
    """

    CUTOFF_HZ = 160
    """Half of 300 Hz, where the phone band begins: 60 Hz hum falls by 17 dB, speech stays."""
    REDUCTION_DB = 15.0
    """A deeper gate would make words pop out of dead silence."""
    OPEN_DB = 9.0
    """This much above the background counts as speech."""
    HOLD_FRAMES = 10
    """200 ms: the quiet end of a word must not be cut."""
    WINDOW_FRAMES = 250
    """5 s. Shorter, and a long "hmmm" would become the background."""
    EXPECTED_DB = 40.0
    """RMS 100, assumed at first, since a caller may speak from the first frame on."""
    QUIETEST_DB = 20.0
    """RMS 10: below it, digital silence would make any click look like speech."""

    def __init__(self) -> None:
        from scipy.signal import butter, sosfilt

        self._sosfilt = sosfilt
        self._sections = butter(2, self.CUTOFF_HZ, "highpass", fs=RATE_HZ, output="sos")
        self._state = np.zeros((1, 2))
        self._levels_db = deque([self.EXPECTED_DB] * self.WINDOW_FRAMES, self.WINDOW_FRAMES)
        self._hold = 0
        self._gain = 1.0

    def process(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Filter the next samples of the call."""
        if not len(pcm):
            return pcm
        clean, self._state = self._sosfilt(self._sections, pcm, zi=self._state)
        target = self._target_gain(clean)
        clean *= self._ramp(target, len(clean))
        self._gain = target
        return np.clip(np.rint(clean), -32768, 32767).astype(np.int16)

    def _target_gain(self, clean: NDArray[np.float64]) -> float:
        level_db = 10 * np.log10(clean.dot(clean) / len(clean) + 1e-9)
        level_db = max(float(level_db), self.QUIETEST_DB)
        self._levels_db.append(level_db)
        if level_db > min(self._levels_db) + self.OPEN_DB:
            self._hold = self.HOLD_FRAMES
        elif self._hold:
            self._hold -= 1
        return 1.0 if self._hold else 10 ** (-self.REDUCTION_DB / 20)

    def _ramp(self, target: float, length: int) -> NDArray[np.float64] | float:
        """Go to the new gain without a click: up within 5 ms, down within the frame."""
        if target == self._gain:
            return target
        steps = min(40, length) if target > self._gain else length
        gains = np.full(length, target)
        gains[:steps] = np.linspace(self._gain, target, steps)
        return gains


FILTERS: dict[str, Callable[[], AudioFilter]] = {"highpass_gate": HighpassGate}
"""The built-in filters by name."""


class FilterChain:
    """The filters of one call, applied in order."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Load the filters.

        Raises:
            NotFound: no such filter, module or class.
            AudioError: the class can't be made, or has no `process`.
        """
        self._filters = [(name, load_filter(name)) for name in names]

    def process(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Filter the next samples, int16, shape (n,).

        Raises:
            AudioError: a filter returned another length or type.
        """
        for name, audio_filter in self._filters:
            out = audio_filter.process(pcm)
            if not isinstance(out, np.ndarray) or out.shape != pcm.shape or out.dtype != np.int16:
                got = f"{getattr(out, 'dtype', type(out).__name__)} {getattr(out, 'shape', '')}"
                raise AudioError(f"filter {name}: returned {got}, expected int16 {pcm.shape}")
            pcm = out
        return pcm

    def process_mulaw(self, mulaw: bytes) -> bytes:
        """Filter the next µ-law bytes; without filters they come back untouched."""
        if not self._filters:
            return mulaw
        return pcm_to_mulaw(self.process(mulaw_to_pcm(mulaw)))


def load_filter(name: str) -> AudioFilter:
    """Make a new filter from a name in `FILTERS` or from `package.module:Class`.

    Raises:
        NotFound: no such filter, module or class.
        BadInput: the module can't be imported.
        AudioError: the class can't be made, or has no `process`.
    """
    make = FILTERS.get(name) or _own(name)
    try:
        audio_filter = make()
    except Exception as error:
        raise AudioError(f"filter {name}: can't be made without arguments: {error}") from error
    if not callable(getattr(audio_filter, "process", None)):
        raise AudioError(f"filter {name}: has no method process(pcm)")
    return audio_filter


def _own(name: str) -> Callable[[], AudioFilter]:
    if not all(name.partition(":")):
        known = ", ".join(FILTERS)
        raise NotFound(f"filter {name!r}: unknown; use one of: {known}; or {OWN_CLASS}")
    return load_class(name, "filter")
