"""Telephone numbers as the network wants them."""

from __future__ import annotations

from sdr_lab.errors import BadInput

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
    if not phonenumbers.is_possible_number(parsed):
        raise BadInput(f"{field} {number!r} has too few or too many digits; {EXAMPLE}", field)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
