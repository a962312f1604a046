from __future__ import annotations

from datetime import date, datetime

import pytest

from sdr_lab.agents.spoken import (
    ORDINALS,
    spoken_day,
    spoken_list,
    spoken_moment,
    spoken_moments,
    spoken_time,
)


def test_there_is_an_ordinal_for_each_day():
    assert len(ORDINALS) == len(set(ORDINALS)) == 31


def test_day():
    assert spoken_day(date(2026, 12, 1)) == "Tuesday, December first"
    assert spoken_day(date(2026, 1, 31)) == "Saturday, January thirty-first"


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [(10, 0, "10 AM"), (14, 30, "2:30 PM"), (12, 0, "noon"), (12, 5, "12:05 PM"), (0, 0, "12 AM")],
)
def test_time(hour: int, minute: int, said: str):
    assert spoken_time(datetime(2026, 12, 1, hour, minute)) == said


def test_moment():
    assert spoken_moment(datetime(2026, 12, 1, 10)) == "Tuesday, December first at 10 AM"


def test_moments_name_each_day_once():
    times = [datetime(2026, 12, 1, 9), datetime(2026, 12, 1, 12), datetime(2026, 12, 2, 14)]

    assert spoken_moments(times[:2]) == "Tuesday, December first at 9 AM and noon"
    assert spoken_moments(times, "or") == (
        "Tuesday, December first at 9 AM or noon, or Wednesday, December second at 2 PM"
    )
    assert spoken_moments([]) == ""


def test_list():
    assert [spoken_list(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b, and c",
    ]
