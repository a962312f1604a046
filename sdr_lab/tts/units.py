"""How currencies, scales and units are written, and what they are called."""

from __future__ import annotations

import re

CURRENCIES = {
    "$": ("dollar", "cent"),
    "US$": ("dollar", "cent"),
    "USD": ("dollar", "cent"),
    "€": ("euro", "cent"),
    "EUR": ("euro", "cent"),
    "£": ("pound", "penny"),
    "GBP": ("pound", "penny"),
    "¥": ("yen", ""),
}
CURRENCY = r"US\$|USD|EUR|GBP|[$€£¥]"
SCALES = {
    "k": "thousand",
    "thousand": "thousand",
    "m": "million",
    "mm": "million",
    "mn": "million",
    "mio": "million",
    "million": "million",
    "b": "billion",
    "bn": "billion",
    "billion": "billion",
    "t": "trillion",
    "tn": "trillion",
    "trillion": "trillion",
}
SCALE = r"(?:\s?(?P<scale>thousand|million|billion|trillion|mio|mm|mn|bn|tn|[kmbt])\b)?"

PER = {
    "mo": "month",
    "yr": "year",
    "y": "year",
    "hr": "hour",
    "h": "hour",
    "wk": "week",
    "min": "minute",
    "sec": "second",
    "s": "second",
    "ea": "each",
}
UNITS = {
    "KB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "Kbps": "kilobit per second",
    "Mbps": "megabit per second",
    "Gbps": "gigabit per second",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "kW": "kilowatt",
    "kWh": "kilowatt hour",
    "W": "watt",
    "V": "volt",
    "ms": "millisecond",
    "sec": "second",
    "secs": "second",
    "s": "second",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "yr": "year",
    "yrs": "year",
    "wk": "week",
    "wks": "week",
    "mo": "month",
    "mos": "month",
    "mm": "millimeter",
    "cm": "centimeter",
    "km": "kilometer",
    "in": "inch",
    "ft": "foot",
    "yd": "yard",
    "mi": "mile",
    "mph": "mile per hour",
    "km/h": "kilometer per hour",
    "g": "gram",
    "kg": "kilogram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "ml": "milliliter",
    "l": "liter",
    "L": "liter",
    "sqft": "square foot",
    "sq ft": "square foot",
    "m²": "square meter",
    "x": "time",
}
_CLOSE_ONLY = {"in", "s", "h", "g", "l", "L", "x", "V", "W", "mo", "mi"}
"""Units that are words or names as well: they must stand right behind the number."""

UNIT = "|".join(
    ("" if name in _CLOSE_ONLY else r"\s?") + re.escape(name)
    for name in sorted(UNITS, key=len, reverse=True)
)
_PLURALS = {"foot": "feet", "square foot": "square feet", "inch": "inches", "hertz": "hertz",
            "kilohertz": "kilohertz", "megahertz": "megahertz", "gigahertz": "gigahertz",
            "penny": "pence", "yen": "yen"}  # fmt: skip


def plural(name: str) -> str:
    """The plural of a unit: of its first word in "mile per hour"."""
    if name in _PLURALS:
        return _PLURALS[name]
    first, per, rest = name.partition(" per ")
    return f"{first}s{per}{rest}"
