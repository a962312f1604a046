from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.events import DigitPressed
from sdr_lab.trace.clock import CallClock


def seen(at_ms: int, clock_ms: float) -> DigitPressed:
    return DigitPressed(at_ms=at_ms, clock_ms=clock_ms, digit="1")


def test_the_smallest_difference_nearby_is_the_delay():
    clock = CallClock([seen(1000, 1040), seen(1500, 1555), seen(2000, 2040)])
    assert clock.clock_ms(1400) == 1440


def test_a_stall_is_no_delay():
    stalled = [seen(1000, 1040), seen(2000, 2040), seen(2000, 9000), seen(2020, 9060)]
    assert CallClock(stalled).clock_ms(1980) == 2020


def test_a_delay_that_changed_for_good_is_followed():
    clock = CallClock([seen(1000, 1040), seen(20000, 20500), seen(21000, 21500)])
    assert clock.clock_ms(500) == 540
    assert clock.clock_ms(20500) == 21000


def test_far_from_every_event_the_smallest_difference_of_all_counts():
    assert CallClock([seen(1000, 1040)]).clock_ms(60_000) == 60_040
    assert CallClock([]).clock_ms(100) == 100


@given(
    events=st.lists(st.tuples(st.integers(0, 60_000), st.floats(0, 5000)), min_size=1),
    at_ms=st.integers(0, 60_000),
)
def test_audio_is_never_placed_before_it_was_spoken(events, at_ms):
    clock = CallClock([seen(at, at + late) for at, late in events])
    delay_ms = clock.clock_ms(at_ms) - at_ms
    lates = [late for _, late in events]
    assert min(lates) - 0.01 <= delay_ms <= max(lates) + 0.01
