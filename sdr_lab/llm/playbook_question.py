"""What a question asks for: topics, names that the answer must hold, and the kind of answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from sdr_lab.llm.playbook_words import STOP, plain_words, stem, tokens, topics_of

Kind = Literal["how_much", "how_long", "when", "how_many", "where", "yes_no", "open"]

_LEADS = re.compile(
    r"^(?:(?:sorry|wait|hold on|hang on|hi|hello|hey|okay|ok|yeah|yes|no|and|but|so|well|um|uh|oh|"
    r"great|good|alright|right|thanks|thank you|excuse me|actually|quick question|one more thing|"
    r"one question|just a second|a second|joe|i see|got it|please|also|then|now)\b[\s,.!-]*)+",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"[?!]+\s+|(?<=[a-z])\.\s+|;\s*|,?\s+\b(?:and|plus)\s+(?:also\s+)?(?=(?:what|how|who|where|"
    r"when|which|why|is|are|do|does|can|could|will|if)\b)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:work(?:s|ed|ing)?(?: together| well| nicely)? with|integrat\w+(?: \w+)?? (?:with|into|"
    r"to)|"
    r"integrat(?:e|es|ion for|ions? for)|connect\w*(?: \w+)?? (?:with|to)|"
    r"sync\w*(?: \w+)?? (?:with|"
    r"to)|compatible with|link\w*(?: up)? (?:with|to)|talks? to|hooks? up (?:with|to)|plugs? into|"
    r"play nice with|ties? into|interface with|supports?|import(?:s|ed)? from|export(?:s|ed)? to|"
    r"run on|works? on|available (?:on|for)|what about|how about|have)\s+"
    r"(?P<name>[\w' .&-]+)",
    re.IGNORECASE,
)
_NAME_ENDS = re.compile(
    r"\b(?:for|at|or|and|if|when|while|because|so|that|right|too|as well|already|by|per|now|please|"
    r"available|included|in|on|without|with|also|to|yet|integration|software)\b|[.?!,]",
    re.IGNORECASE,
)
_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
)
_SMALL = {word: n for n, word in enumerate(_NUMBER_WORDS.split())} | {
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "hundred": 100,
    "dozen": 12,
}
_NUMBER = r"(?P<n>\d{1,4}|" + "|".join(sorted(_SMALL, key=len, reverse=True)) + r")"
_UNIT = (
    r"(?:technicians?|techs?|people|guys|employees?|users?|workers?|plumbers?|electricians?|"
    r"drivers?|crew|trucks?|vans?|staff|seats?|persons?|man|men|person|field|of us|in the field|"
    r"folks|installers?)"
)
_IS_UNIT = re.compile(rf"{_UNIT}$")
_SIZES = (
    re.compile(
        rf"\b(?:team|crew|company|shop|staff|group|business|fleet) of (?:about |around |like |"
        rf"roughly |maybe )?(?:a )?{_NUMBER}(?:[ -](?P<more>\w+))?"
    ),
    re.compile(
        rf"\b{_NUMBER}(?:[ -](?P<more>one|two|three|four|five|six|seven|eight|nine))?[ -]"
        rf"(?:\w+ )?{_UNIT}\b"
    ),
    re.compile(
        rf"\b(?:there are|we are|we're|got|have) (?:about |around |like |only |just )?"
        rf"{_NUMBER}(?:[ -](?P<more>one|two|three|four|five|six|seven|eight|"
        rf"nine))? (?:of us|"
        rf"in the field|on the road)\b"
    ),
)
_ABOUT = re.compile(
    r"\bwhat (?:does|do|is|are|can|exactly|kind of) (?:it|this|that|you|your|the|maplewood|exactly|"
    r"software|product|company)\b|\bwho (?:is it|is this|are you|do you)\b|\bhow does (?:it|this|"
    r"that|everything|your)\b.*\bwork|\bwhat (?:is it )?(?:that )?you (?:guys )?(?:actually )?do\b|"
    r"\b(?:tell me|more) about (?:it|you|your|this|the)\b"
)
_MONTHS_TEXT = (
    "january february march april may june july august september october november december monday "
    "tuesday wednesday thursday friday saturday sunday i ok okay us"
)
_MONTHS = frozenset(_MONTHS_TEXT.split())


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the caller, taken apart."""

    text: str
    kind: Kind
    topics: frozenset[str]
    words: tuple[str, ...]
    """Words with a meaning of their own that belong to no topic."""
    names: tuple[str, ...]
    """Products and companies that a sentence must hold to be an answer."""
    size: int | None
    """Number of people that the caller has or asks for."""
    is_broad: bool
    """Wants a description rather than one fact."""
    is_negative: bool
    """Asked with a "not", so that a yes or no would be ambiguous."""

    @property
    def is_empty(self) -> bool:
        return not (self.topics or self.words or self.names or self.size)


def questions_in(text: str, known_names: frozenset[str] = frozenset()) -> list[Question]:
    """Take a turn apart into its questions, in order, at most two.

    Args:
        text: The caller's words.
        known_names: Lower-case names of the agent and its company, which are no topic.
    """
    parts = [_LEADS.sub("", part.strip()) for half in _SPLIT.split(text) for part in _halves(half)]
    read = [_read(part, known_names) for part in parts if part.strip(" .?!,")]
    kept = [question for question in read if not question.is_empty]
    if len(kept) > 2:
        kept = sorted(kept, key=lambda q: not _asks(q.text))[:2]
    asking = [question for question in kept if _asks(question.text)]
    return asking or kept[-1:]


def _halves(text: str) -> list[str]:
    """Split "explain the set-up and the support hours": two topics asked for in one breath."""
    if not re.search(
        r"\b(?:tell|explain|describe|what|how|know|about|hear)\b", text, re.IGNORECASE
    ):
        return [text]
    first, found, second = text.partition(" and ")
    one, two = topics_of(first) - {"price"}, topics_of(second)
    if not found or not one or not two or topics_of(text) & one & two:
        return [text]
    return [first, f"what about {second}"]


def _asks(text: str) -> bool:
    return bool(
        re.search(
            r"^(?:\W*)(?:how|what|which|who|where|when|why|is|are|do|does|did|can|could|will|would|"
            r"should|has|have|may|am|tell|explain|describe|walk|any|if)\b|\b(?:tell me|"
            r"want to know|"
            r"like to know|wondering|curious|explain|do you|does it|can (?:i|we|it)|how much|what "
            r"about|is there|are there|how (?:do|does|long|many)|what (?:is|are|kind|does|do|"
            r"if))\b",
            text,
            re.IGNORECASE,
        )
    )


def size_in(text: str) -> int | None:
    """Return the number of people named in a text: "a team of ten", "25 technicians"."""
    low = text.lower().replace("’", "'")
    for pattern in _SIZES:
        match = pattern.search(low)
        if match is None:
            continue
        number = int(match["n"]) if match["n"].isdigit() else _SMALL[match["n"]]
        more = _SMALL.get(match["more"] or "", 0)
        return number + more if 0 < more < 10 <= number and number % 10 == 0 else number
    return None


def _read(text: str, known_names: frozenset[str]) -> Question:
    low = text.lower().replace("’", "'")
    names = tuple(name for name in _names(text) if name.lower() not in known_names)
    in_names = {stem(word) for name in names for word in tokens(name)}
    size = size_in(text)
    topics = set(topics_of(low))
    words = [
        word
        for word in plain_words(low)
        if stem(word) not in in_names
        and word not in known_names
        and not (size is not None and (word.isdigit() or word in _SMALL or _IS_UNIT.match(word)))
    ]
    kind = _kind(low)
    if _ABOUT.search(low) and not (topics - {"schedule", "team"} or words or names):
        topics, words = {"about"}, []
    if kind == "how_much":
        topics.add("price")
    if size is not None and "price" in topics:
        topics -= {"team", "limit"}
    return Question(
        text=text,
        kind=kind,
        topics=frozenset(topics),
        words=tuple(words),
        names=names,
        size=size,
        is_broad=bool(
            re.search(
                r"\b(?:tell me|explain|describe|walk me|how (?:does|do|is|would|will) (?!(?:much|"
                r"long|"
                r"many))|what (?:kind|sort|do you|does|is|are|about)|talk me|more about|why|"
                r"details?|"
                r"what(?:'s| is) included|how \w+ works?)\b",
                low,
            )
        ),
        is_negative=bool(re.search(r"n't\b|\bnot\b|\bno\b|\bwithout\b|\bnever\b", low)),
    )


def _kind(low: str) -> Kind:
    if (
        re.search(
            r"\bhow (?:much|expensive|costly|pricey)\b|\b(?:price|pricing|cost|costs|fees?|"
            r"monthly damage)\b(?!.*\bhow long\b)",
            low,
        )
        and "how long" not in low
    ):
        return (
            "how_much" if not re.match(r"(?:is|are|do|does) (?:there|you|it)\b", low) else "yes_no"
        )
    if re.search(r"\bhow (?:long|soon|fast|quick(?:ly)?)\b|\bhow many (?:days|weeks|hours)\b", low):
        return "how_long"
    if re.search(r"^when\b|\bwhat (?:time|hours|days)\b|\bwhen (?:can|are|is|do)\b|\bhours\b", low):
        return "when"
    if re.search(r"\bhow many\b", low):
        return "how_many"
    if re.search(r"\bwhere\b", low):
        return "where"
    if re.search(
        r"^(?:is|are|do|does|did|can?|could|will|wo|would|has|have|am|may|should)(?:n't)?\b", low
    ):
        return "yes_no"
    return "open"


def _names(text: str) -> list[str]:
    """Return what must be in the answer word for word: the object of "work with …", and words
    that a transcriber wrote with a capital inside a sentence."""
    found: list[str] = []
    for match in _NAMED.finditer(text):
        part = _NAME_ENDS.split(match["name"].strip(), maxsplit=1)[0]
        kept = [word for word in part.split() if _is_special(word)]
        if kept and len(kept) <= 3:
            found.append(" ".join(kept))
    run: list[str] = []
    words = re.findall(r"[\w'&-]+", text)
    for index, word in enumerate([*words, ""]):
        is_name = index > 0 and word[:1].isupper() and _is_special(word)
        if is_name:
            run.append(word)
        elif run:
            found.append(" ".join(run))
            run = []
    unique = dict.fromkeys(name for name in found)
    return [n for n in unique if not any(n != o and n.lower() in o.lower() for o in unique)]


def _is_special(word: str) -> bool:
    low = word.lower().strip("'.-")
    known = low in STOP or low.rstrip("s") in STOP or low in _MONTHS or low in _SMALL
    return bool(low) and not known and not low.isdigit() and not _is_topic(word)


def _is_topic(word: str) -> bool:
    """A common word of some topic; one written with a capital stays a name (QuickBooks)."""
    proper = word[:1].isupper() and (not word.islower())
    return not proper and bool(topics_of(word.lower()))
