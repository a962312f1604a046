"""Numbers as people write them become numbers as the network wants them, or are refused."""

from __future__ import annotations

import pytest

from sdr_lab.errors import BadInput
from sdr_lab.telephony.numbers import dialable, e164


@pytest.mark.parametrize(
    ("written", "region", "expected"),
    [
        ("+15551234567", "US", "+15551234567"),
        ("(555) 123-4567", "US", "+15551234567"),
        ("tel:+1-415-555-2671", "US", "+14155552671"),
        ("020 7946 0958", "gb", "+442079460958"),
        ("+49 30 123456", "US", "+4930123456"),
    ],
)
def test_it_is_written_in_e164(written: str, region: str, expected: str):
    assert e164(written, region) == expected


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "is no phone number"),
        ("call me", "is no phone number"),
        ("+999123456789", "is no phone number"),
        ("123", "too few or too many digits"),
        ("911", "too few or too many digits"),
        ("555-1234", "too few or too many digits"),
        ("+49112", "too few or too many digits"),
        ("+1415555267100000", "too few or too many digits"),
        ("+1 415 555 2671 ext. 5", "extension"),
    ],
)
def test_what_is_none_is_refused_with_an_example(written: str, reason: str):
    with pytest.raises(BadInput, match=reason) as refused:
        e164(written)

    assert repr(written) in str(refused.value)
    assert "+15551234567" in str(refused.value)


def test_the_message_names_the_field():
    with pytest.raises(BadInput, match="from_number 'x'"):
        e164("x", field="from_number")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("911", "too few"),
        ("112", "too few"),
        ("+1911", "too few"),
        ("9115551234", "service code"),
        ("+1 911 555 1234", "service code"),
        ("+14115551234", "service code"),
        ("+4911833", "short number"),
        ("+1 (900) 555-1234", "premium rate"),
        ("+12129765555", "premium rate"),
        ("+449098790000", "premium rate"),
        ("+979123456789", "premium rate"),
    ],
)
def test_no_machine_calls_emergency_short_or_premium_numbers(number: str, reason: str):
    with pytest.raises(BadInput, match=reason):
        dialable(number)


@pytest.mark.parametrize(
    "number",
    ["+15551234567", "+14155552671", "+18005551212", "+4930110", "+5491123456789", "+33140200000"],
)
def test_ordinary_numbers_may_be_called(number: str):
    assert dialable(number) == number
