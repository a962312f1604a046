"""Words in capitals: which are spelled, which are read, which only shout."""

from __future__ import annotations

import re

_SAID_AS = {
    "SaaS": "sass",
    "PaaS": "pass",
    "IaaS": "eye ass",
    "SOC": "sock",
    "SQL": "sequel",
    "MySQL": "my sequel",
    "NoSQL": "no sequel",
    "PostgreSQL": "postgres Q L",
    "JPEG": "jay peg",
    "MPEG": "em peg",
    "OAuth": "oh auth",
    "iOS": "I O S",
    "macOS": "mac O S",
    "LLaMA": "llama",
    "B2B": "B to B",
    "B2C": "B to C",
    "D2C": "D to C",
    "P2P": "P to P",
    "OK": "okay",
    "Ok": "okay",
    "O.K.": "okay",
    "WiFi": "Wi-Fi",
    "GmbH": "G M B H",
    "IoT": "I O T",
    "VoIP": "voip",
    "VOIP": "voip",
    "PhD": "P H D",
    "TTYL": "talk to you later",
    "ASAP": "A S A P",
}
"""What spelling or reading would get wrong."""

# Acronyms said as a word
_READ_WORDS = """
PIN SIM RAM ROM ZIP GIF RAG VAT LAN WAN DOS NASA NATO JSON YAML HIPAA COVID SWAT OPEC FIFA
OSHA NAFTA UNICEF ACME CRUD SOAP CAPTCHA MIDI NAS GUI DAST SAST SPIN BANT CHAMP MEDDIC GAAP
NASDAQ
"""

# Long acronyms with vowels that are spelled all the same
_SPELLED_WORDS = """
IEEE YMCA USDA OIDC AARP ACLU NAACP AAPL ADHD ISBN UCLA
"""

# Short words that capitals only stress
_SHOUTED_WORDS = """
I AN ARE AS AT BE BUT BY CAN DO FOR GET GO HAS HE HER HIM HIS HOW IF IN IS ITS LET ME MY NEW
NO NOT NOW OF OFF ON ONE OR OUR OUT SAY SEE SHE SO THE TO TOO TWO TRY UP WAS WAY WE WHO WHY
YES YET YOU ALL ANY BIG BUY DAY END FEW FUN HOT JOB KEY LOT LOW MAY MAN OLD OWN PAY PUT RUN
SET SIX TEN TOP USE WIN WON WOW HEY BYE HI OH AND ADD ASK BAD BOX CAR CUT FAR FIT HAD HIT LAW
LAY MET MIX NET NOR ODD PER RED SAD SIT SON SUM TAX TIE VIA WAR WEB
"""

_READ = frozenset(_READ_WORDS.split())
_SPELLED = frozenset(_SPELLED_WORDS.split())
_SHOUTED = frozenset(_SHOUTED_WORDS.split())

_TOKEN = re.compile(r"(?<![A-Za-z])(?:[A-Za-z]\.){2,}|[A-Za-z][A-Za-z0-9]*(?:'?s\b)?")
_ACRONYM = re.compile(r"([A-Z]{2,}|[A-Z]+(?=[0-9])|(?<=[0-9])[A-Z]+)('?s)?")
_UNSAYABLE = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]{3}|^[^AEIOUY]*$")
_LONGEST_SPELLED = 5


def spell_acronyms(text: str) -> str:
    """Put spaces between the letters of acronyms ("CRM" → "C R M") and calm what is shouted."""
    return _TOKEN.sub(lambda match: _say(match[0]), _calm(text))


def _calm(text: str) -> str:
    """A sentence all in capitals is shouted, not spelled: write it as other sentences."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    shouted = [word for word in words if word.isupper()]
    if len(words) < 3 or len(shouted) < len(words) or not any(w in _SHOUTED for w in words):
        return text
    return text[:1] + text[1:].lower()


def _say(token: str) -> str:
    if token in _SAID_AS:
        return _SAID_AS[token]
    if token.count(".") > 1:  # U.S.
        return " ".join(token.replace(".", "").upper())
    return _ACRONYM.sub(_spell, token) if any(char.isupper() for char in token[1:]) else token


def _spell(match: re.Match[str]) -> str:
    letters, ending = match[1], match[2] or ""
    if letters in _SHOUTED and len(letters) > 1:
        return letters.lower() + ending
    if not is_spelled(letters):
        return letters + ending
    at_start = match.start() == 0
    at_end = match.end() == len(match.string)
    said = " ".join(letters) + (f"'{ending[-1]}" if ending else "")
    return f"{'' if at_start else ' '}{said}{'' if at_end else ' '}"


def is_spelled(letters: str) -> bool:
    """True if a run of capitals is said letter by letter."""
    if letters in _SAID_AS or letters in _READ or letters in _SHOUTED:
        return False
    if letters in _SPELLED or len(letters) <= 3:
        return True
    return len(letters) <= _LONGEST_SPELLED and bool(_UNSAYABLE.search(letters))
