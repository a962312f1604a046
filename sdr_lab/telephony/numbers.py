"""Telephone numbers as the network wants them."""

from __future__ import annotations

import re

from sdr_lab.errors import BadInput

SERVICE = re.compile(r"\+1[2-9]11")
"""North American service codes, which are no area codes: a telephone dials 911 when it sees one."""
PREMIUM = re.compile(r"\+1\d{3}976")
"""North American exchange of premium services, in any area."""

EXAMPLE = "give E.164 such as +15551234567"


def e164(number: str, region: str = "US", field: str = "to_number") -> str:
    """Return a number in E.164: `+`, country code, subscriber number.

    Args:
        number: As people write it: spaces, brackets, dots and `tel:` are understood.
        region: Country (ISO 3166) of numbers that are written without `+` and country code.
        field: What the number is called in the error message.

    Raises:
        BadInput: no phone number, or one of impossible length. Whether anybody has the number
            is for the network to say.

    >>> e164("(555) 123-4567")
    '+15551234567'
    """
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region.upper())
    except phonenumbers.NumberParseException:
        raise BadInput(f"{field} {number!r} is no phone number; {EXAMPLE}", field) from None
    if parsed.extension:
        told = f"{field} {number!r} has an extension, which can't be dialled; {EXAMPLE}"
        raise BadInput(told, field)
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:  # such as one without its area code
        raise BadInput(f"{field} {number!r} has too few or too many digits; {EXAMPLE}", field)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def dialable(number: str, region: str = "US", field: str = "to_number") -> str:
    """Return a number in E.164 that a machine may call.

    Raises:
        BadInput: like `e164`; or it is of an emergency or other short service, or costs extra.

    >>> dialable("+1 415 555 2671")
    '+14155552671'
    """
    written = e164(number, region, field)
    refuse_service(written, field)
    return written


def refuse_service(number: str, field: str) -> None:
    """Raise BadInput for an E.164 number of an emergency, short or premium service. Numbers that
    nobody has are left to the network."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return
    is_short = phonenumbers.is_valid_short_number(parsed)
    is_premium = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.PREMIUM_RATE
    if SERVICE.match(number):
        why = "begins with a service code, as 911 is one"
    elif is_short and not phonenumbers.is_valid_number(parsed):
        why = "is the short number of a service"
    elif is_premium or PREMIUM.match(number):
        why = "has a premium rate"
    else:
        return
    raise BadInput(f"{field} {number!r} {why}: this server does not call such numbers", field)
