"""The words of a turn as Deepgram puts them together: finished pieces and a tail that changes."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word and its time in the stream."""

    text: str
    start_ms: int
    end_ms: int

    @property
    def middle_ms(self) -> float:
        return (self.start_ms + self.end_ms) / 2


@dataclass(frozen=True, slots=True)
class Piece:
    """What one result holds. Its text is that of its words, perhaps formatted in another way."""

    text: str
    words: tuple[Spoken, ...]
    confidence: float

    def between(self, from_ms: float, until_ms: float) -> Piece:
        """Return the part whose words have their middle in this time."""
        kept = tuple(word for word in self.words if from_ms <= word.middle_ms < until_ms)
        if len(kept) == len(self.words):
            return self
        return replace(self, text=" ".join(word.text for word in kept), words=kept)


FOREVER = float("inf")
NOTHING = Piece("", (), 1.0)


class Draft:
    """The words since the last final result of ours."""

    def __init__(self) -> None:
        self._finals: list[Piece] = []
        self._tail = NOTHING
        self._cut_ms = 0

    @property
    def has_tail(self) -> bool:
        """Some words may still change."""
        return bool(self._tail.words)

    @property
    def end_ms(self) -> int:
        """The end of the last word; 0 without words."""
        return max((word.end_ms for piece in self._pieces() for word in piece.words), default=0)

    def add(self, piece: Piece, is_final: bool) -> None:
        """Take a result: a final one stays, an interim one is replaced by the next."""
        piece = piece.between(self._cut_ms, FOREVER)
        self._tail = NOTHING if is_final else piece
        if is_final and piece.words:
            self._finals.append(piece)

    def drop_tail(self) -> None:
        """Forget what may change: it will come again."""
        self._tail = NOTHING

    def cut(self, at_ms: int) -> None:
        """Forget the words before a time, also those that come late."""
        self._cut_ms = max(self._cut_ms, at_ms)
        self._finals = [piece.between(self._cut_ms, FOREVER) for piece in self._finals]
        self._tail = self._tail.between(self._cut_ms, FOREVER)

    def until(self, until_ms: float = FOREVER) -> Piece:
        """Return all words before a time as one piece."""
        pieces = [piece.between(0, until_ms) for piece in self._pieces()]
        pieces = [piece for piece in pieces if piece.text]
        return Piece(
            " ".join(piece.text for piece in pieces),
            tuple(word for piece in pieces for word in piece.words),
            min((piece.confidence for piece in pieces), default=1.0),
        )

    def _pieces(self) -> list[Piece]:
        return [*self._finals, self._tail]
