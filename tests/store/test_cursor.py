from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.errors import BadInput
from sdr_lab.store.cursor import read_cursor, write_cursor


@given(
    at=st.datetimes(timezones=st.just(UTC)),
    name=st.text(st.characters(codec="utf-8"), min_size=1),
)
def test_cursors_come_back(at: datetime, name: str):
    assert read_cursor(write_cursor(at, name)) == (at, name)


@pytest.mark.parametrize("text", ["zzz", "é", "=", "MjAyNg", " ", "Zm9vIGJhcg"])
def test_anything_else_is_refused(text: str):
    with pytest.raises(BadInput, match="is not one that a list gave"):
        read_cursor(text)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(BadInput, match="is not one that a list gave"):
        read_cursor("MjAyNi0wMS0wMVQwMDowMDowMCBh")
