"""Any labels of a call of two minutes."""

from __future__ import annotations

from hypothesis import strategies as st

from sdr_lab.tune.labels import KINDS, Label


@st.composite
def labels(draw) -> tuple[Label, ...]:
    """In order of onset, none overlapping another of its kind."""
    found = []
    for kind in KINDS:
        edges = draw(st.lists(st.integers(0, 120_000), max_size=6, unique=True))
        pairs = zip(*[iter(sorted(edges))] * 2, strict=False)
        note = draw(st.text(st.characters(categories=["L", "N"]), max_size=8))
        found += [Label(kind, a, b, "kim", note) for a, b in pairs]
    return tuple(sorted(found, key=lambda x: (x.onset_ms, x.offset_ms)))
