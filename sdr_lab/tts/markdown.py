"""Taking out of a model's text what is meant for the eye: markdown, emoji, stage directions."""

from __future__ import annotations

import re
import unicodedata

ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>()\[\]\"*`|]+"
    r"|[A-Za-z0-9][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
)
"""E-mail and web addresses. Their underscores and signs are no markdown."""

MARKUP = "*_`#~|<>[]{}\\^"
"""Characters that mean nothing when spoken; none of them is left in speakable text."""

_ACTIONS = (
    "smil laugh chuckl giggl grin sigh paus nod cough whisper wav(?:e|es|ing) wink shrug breath "
    "inhal exhal gasp think(?:s|ing) typ(?:es|ing) clear(?:s|ing) hum(?:s|ming) beat silence "
    "music applause hold listen lean hesitat dialing ringing disconnect hang(?:s|ing) inaudible "
    "crosstalk noise"
)
_MANNERS = (
    "warm soft gentl cheer excite enthus friendl quiet calm confident sarcas thoughtful upbeat "
    "playful empath sincer curious sympath reassur amused"
)
_ACTION = rf"(?:(?:{_ACTIONS.replace(' ', '|')})[a-z]*)"
_DIRECTION = rf"(?:(?:{f'{_ACTIONS} {_MANNERS}'.replace(' ', '|')})[a-z]*)"
_LEAD = r"(?:(?:a|the|in|with|long|short|brief|small|slight|big|deep|background|\w+ly)\s+)"
_TRAIL = (
    r"(?:\s+(?:\w+ly|and|a|an|the|at|to|for|in|with|on|up|out|his|her|my|hands?|head|throat|tone|voice|"
    rf"breath|moment|seconds?|deep|deeply|away|down|bit|little|sound|keyboard|{_DIRECTION}))"
)
_STAGE = re.compile(
    r"\*{1,2}(?P<star>[A-Za-z][^*\n]{0,60})\*{1,2}"
    r"|(?<!\w)_(?P<line>[A-Za-z][^_\n]{0,60})_(?!\w)"
    r"|\((?P<round>[A-Za-z][^()\n]{0,60})\)"
    r"|\[(?P<square>[A-Za-z][^\[\]\n]{0,60})\](?!\()"
)
_IS_ACTION = re.compile(rf"{_LEAD}{{0,3}}{_ACTION}{_TRAIL}*[.!,]?", re.IGNORECASE)
_IS_DIRECTION = re.compile(rf"{_LEAD}{{0,3}}{_DIRECTION}{_TRAIL}*[.!,]?", re.IGNORECASE)

_ENDLESS = re.compile(r"(\S{200})(?=\S)")
"""What is longer is no word; patterns below would take quadratic time on it."""

_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_IMAGE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
_LINK = re.compile(r"\[([^\]\n]+)\]\([^)\n]*\)|\[([^\]\n]+)\]\[[^\]\n]*\]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^\s<>]+[.@][^\s<>]+)>")
_FOOTNOTE = re.compile(r"\[\^?\d{1,3}\]")
_RULE_LINE = re.compile(
    r"^(?:[-*_=] ?){3,}$|^\|?(?: ?:?-+:? ?\|)+ ?(?::?-+:?)?$",
    re.MULTILINE,
)
_ITEM = re.compile(r"^\s*(?:#{1,6}\s+|>\s*|[-*+•◦▪‣·–—]\s+|\d{1,2}[.)]\s+)+(?=\S)")
_CHECKBOX = re.compile(r"^\[[ xX]\]\s*")
_SPAN = re.compile(
    r"(\*{1,3}|~~|`{1,2})(?=\S)([^\n]+?)(?<=\S)\1|(?<!\w)(_{1,3})(?=\S)([^\n]+?)(?<=\S)\3(?!\w)"
)
_EMOTICON = re.compile(
    r"(?<!\S)(?:[:;=8]['’]?-?[)(DPpOo3/|\\\]]|<3|\^_+\^|[xX]D|:'\()(?=[\s.,!?]|$)"
)
_SHORTCODE = re.compile(r"(?<!\w):[a-z][a-z0-9_+]{1,30}:(?!\w)")
_SWEEP = re.compile(f"{ADDRESS.pattern}|[{re.escape(MARKUP)}]")
_SIGNS = (
    (re.compile(r"\b([CF])#(?!\w)"), r"\1 sharp"),
    (re.compile(r"#\s?(?=\d)"), "number "),
    (re.compile(r"~\s?(?=[$€£]?\d)"), "about "),
    (re.compile(r"<=\s?(?=[$€£]?\d)"), "at most "),
    (re.compile(r">=\s?(?=[$€£]?\d)"), "at least "),
    (re.compile(r"<\s?(?=[$€£]?\d)"), "less than "),
    (re.compile(r">\s?(?=[$€£]?\d)"), "more than "),
    (re.compile(r"(?<=\d)\s?\*\s?(?=\d)"), " times "),
)
"""Signs that are markup elsewhere, but mean something before a number."""

_KEPT_SYMBOLS = "°§"
_GLUE = "\u200b\u200c\u200d\ufe0e\ufe0f\u20e3\ufeff\u00ad"
_PLAIN_SIGNS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "…": "..."})


def clean_markdown_for_tts(text: str) -> str:
    """Take markdown, code, emoji and stage directions out of a text; the words stay.

    Links leave their text, list items and headings become sentences, tables are read row by
    row. Numbers and signs are left as they are: see `speakable`. Never raises; the result may
    be empty.
    """
    text = text.translate(_PLAIN_SIGNS)
    text = "\n".join(" ".join(line.split()) for line in text.splitlines())
    text = _ENDLESS.sub(r"\1 ", text)
    for pattern in (_FENCE, _COMMENT, _IMAGE, _FOOTNOTE):
        text = pattern.sub(" ", text)
    text = _LINK.sub(lambda match: match[1] or match[2], text)
    text = _AUTOLINK.sub(lambda match: match[1].removeprefix("mailto:"), text)
    text = _TAG.sub(" ", text)
    text = _RULE_LINE.sub("", text)
    text = _STAGE.sub(_drop_stage_direction, text)
    text = " ".join(filter(None, (_clean_line(line) for line in text.split("\n"))))
    text = _SHORTCODE.sub(" ", _EMOTICON.sub(" ", text))
    text = _drop_pictures(text)
    for pattern, words in _SIGNS:
        text = pattern.sub(words, text)
    return tidy(_SWEEP.sub(_sweep, text))


def tidy(text: str) -> str:
    """Close the gaps that dropped pieces leave: one space between words, none before a comma."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([,.;:!?])(?=\s|$|[,.;:!?])", r"\1", text)
    text = re.sub(r"(?:,\s*)+([,.;:!?])", r"\1", text)
    return re.sub(r"^[,;:.!?\s]+(?=\w)", "", text)


def _drop_stage_direction(match: re.Match[str]) -> str:
    words = (match["star"] or match["line"] or match["round"] or match["square"]).strip()
    before = match.string[: match.start()].rstrip()
    # "I'm so *excited*" stresses a word, "*excited* Hello!" does not
    is_stress = match[0][0] in "*_" and before and before[-1] not in ".!?:"
    pattern = _IS_ACTION if is_stress else _IS_DIRECTION
    return " " if pattern.fullmatch(words) else match[0]


def _clean_line(line: str) -> str:
    line = line.strip()
    if line.startswith("|") or line.count("|") >= 2:
        cells = (cell.strip() for cell in line.strip("|").split("|"))
        line, is_item = ", ".join(filter(None, cells)), True
    else:
        without_mark = _ITEM.sub("", line)
        is_item = without_mark != line and not line.startswith(">")
        if line.startswith("#"):
            without_mark = without_mark.rstrip("# ")
        line = _CHECKBOX.sub("", without_mark) if is_item else line
    for _ in range(3):  # spans in spans
        line = _SPAN.sub(lambda match: match[2] or match[4], line)
    line = line.rstrip()
    return f"{line}." if is_item and re.search(r"\w$|[)%*_`]$", line) else line


def _drop_pictures(text: str) -> str:
    """Emoji, dingbats, arrows, flags and what glues them; letters of all languages stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_without_picture, text))


def _without_picture(char: str) -> str:
    if char in _GLUE or "🏻" <= char <= "🏿":
        return ""
    is_picture = unicodedata.category(char) in ("So", "Cs", "Co", "Cn", "Cc", "Cf")
    return " " if is_picture and char not in _KEPT_SYMBOLS else char


def _sweep(match: re.Match[str]) -> str:
    return match[0] if len(match[0]) > 1 else " "
