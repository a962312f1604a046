"""One sentence on its way to the caller: its sound, and which frames are played when."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from sdr_lab.call.heard import weight_of, words_heard
from sdr_lab.call.rejoin import is_silent, rejoin_frame
from sdr_lab.records import FRAME_BYTES, FRAME_MS

SILENCE = b"\xff" * FRAME_BYTES


@dataclass(slots=True)
class SentenceSound:
    """A sentence of a reply. Frames are counted from 0 within it."""

    turn: int
    index: int
    text: str
    """As written; shortened to what there is when the voice broke off."""
    whole_text: str = ""
    """What the voice was given."""
    mulaw: bytearray = field(default_factory=bytearray)
    slots: list[int] = field(default_factory=list)
    """The slots in which its frames are played, rising; after a hold the later ones of those
    that were played twice."""
    is_made: bool = False
    """All its audio has been added."""
    is_sent: bool = False
    """All its audio and its mark have been handed to the line."""
    is_heard: bool = False
    """Its mark came back."""
    has_begun: bool = False
    to_come_ms: float = 0.0
    """Estimated length of the sound that has not been made yet."""
    _heard: int = 0
    """Frames that had been heard at the last hold."""

    @property
    def name(self) -> str:
        """Of its mark."""
        return f"{self.turn}:{self.index}"

    @property
    def length_ms(self) -> float:
        return len(self.mulaw) / FRAME_BYTES * FRAME_MS

    @property
    def frames(self) -> int:
        """Frames that can be played now; the last one of a whole sentence is padded."""
        whole, rest = divmod(len(self.mulaw), FRAME_BYTES)
        return whole + bool(rest and self.is_made)

    @property
    def pending(self) -> int:
        """Frames that wait to be handed to the line."""
        return 0 if self.is_sent else self.frames - len(self.slots)

    def next_frame(self, slot: int) -> bytes:
        """Return the next frame, which will be played in this slot."""
        at = len(self.slots) * FRAME_BYTES
        self.slots.append(slot)
        return bytes(self.mulaw[at : at + FRAME_BYTES]).ljust(FRAME_BYTES, b"\xff")

    def heard_frames(self, until_slot: float) -> int:
        """Return how many frames have been heard when that slot is reached."""
        return self.frames if self.is_heard else max(self._heard, self.sent_frames(until_slot))

    def sent_frames(self, until_slot: float) -> int:
        """Return how many frames of the last time it was sent lie before a slot."""
        return bisect_left(self.slots, until_slot)

    def words_heard(self, until_slot: float) -> str:
        """Return the words that have been heard when that slot is reached."""
        if self.is_heard:
            return self.text
        heard_ms = self.heard_frames(until_slot) * FRAME_MS
        return words_heard(self.text, bytes(self.mulaw), heard_ms, self.to_come_ms)

    def is_said(self, until_slot: float) -> bool:
        """Nothing of it that can be heard is left."""
        if self.is_heard:
            return True
        heard = self.heard_frames(until_slot)
        return self.is_made and (heard >= self.frames or is_silent(bytes(self.mulaw), heard))

    def rejoin(self, heard_until: float, sent_until: float) -> int:
        """Note what has been heard; return the frame at which to go on."""
        self._heard = self.heard_frames(heard_until)
        sent = self.sent_frames(sent_until)
        return rejoin_frame(self.text, bytes(self.mulaw), self._heard, sent, self.to_come_ms)

    def take_back(self, frame: int) -> None:
        """Send it once more, from this frame on."""
        del self.slots[frame:]
        self.is_sent = False

    def estimate(self, ms_per_weight: float) -> None:
        """Guess what is still to come from a voice of this pace."""
        whole_ms = weight_of(self.text) * ms_per_weight
        self.to_come_ms = 0.0 if self.is_made else max(0.0, whole_ms - self.length_ms)
