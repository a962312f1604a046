"""The sentences that answer a question, out of passages and facts; or the news that none does.

Nothing is rephrased: an answer consists of sentences of the passages and the playbook (or of
whole clauses of them). A sentence is taken only if it holds the names asked about, most of the
topics, and the kind of value asked for (money, a duration, hours).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from sdr_lab.llm.playbook_question import Question, size_in
from sdr_lab.llm.playbook_words import mentions, plain_words, stem, stems_of, tokens, topics_of
from sdr_lab.records import Passage

ENOUGH = 0.65
"""Share of a question that a sentence must cover to answer it."""
RELATED = 0.34
"""Share from which a sentence is worth telling beside "I don't know exactly"."""
LONGEST_WORDS = 45

_MONEY = re.compile(
    r"[$€£]\s?\d|\b\d[\d,.]* (?:dollars|euros|percent)\b|\bpercent\b", re.IGNORECASE
)
_FREE = re.compile(
    r"\b(?:free|no (?:extra )?(?:cost|charge|fees?)|no set-?up fees?|included)\b", re.I
)
_DURATION = re.compile(
    r"\b(?:\d+|an?|one|two|three|four|five|six|seven|half|few)[ -]*(?:\d+[ -])?(?:second|minute|"
    r"hour|"
    r"day|week|month|year)s?\b|\bmonth to month\b|\bright away\b|\b(?:each|every|once a) (?:hour|"
    r"day|week|month|year)\b|\bwithin\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"\b\d{1,2}(?::\d\d)? ?[ap]\.?m|\bday and night\b|\bweekdays?\b|\bany time\b", re.I
)
_NUMBER = re.compile(r"\d|\bunlimited\b|\bone\b|\btwo\b|\bthree\b|\bseveral\b", re.IGNORECASE)
_UP_TO = re.compile(r"\b(?:up to|maximum of|at most|to) (\d{1,5})\b", re.IGNORECASE)
_UNLIMITED = re.compile(r"\bunlimited\b|\bas many\b.{0,30}\bas you", re.IGNORECASE)
_ABBREVIATION = re.compile(
    r"\b(?:a\.m|p\.m|e\.g|i\.e|u\.s|mr|mrs|ms|dr|st|inc|no|approx|vs)\.$", re.I
)
_PRONOUN = re.compile(
    r"^(?:it|they|this|that|these|those|he|she|both|there|so|also)\b", re.IGNORECASE
)
_NEGATION = re.compile(
    r"\b(?:no|not|never|without|none|nothing|neither|nor|only)\b|n't\b", re.IGNORECASE
)
_COMPARED = re.compile(
    r"\b(?:more|less|fewer|than|only|always|all|every|everything|ever|without|cheaper|better|worse|"
    r"instead|other|else|or|same|still|really|how|what|which|why|guarantee\w*|promise)\b",
    re.IGNORECASE,
)
_CAPABLE = re.compile(r"(?:do|does|can|could|is|are|will|would|has|have)\b", re.IGNORECASE)
_NEEDS = re.compile(r"\b(?:need|require|have|charge|there|has)\w*\b", re.IGNORECASE)
_LISTS_PLANS = 3
_PRICE = re.compile(r"[$€£]\s?\d[\d,.]*")
_PRICE_ONLY = frozenset({"price", "team", "limit", "large", "schedule"})
_LITTLE_TEXT = "a an the do does is are it we i you to for of on in and or with our my your"
_LITTLE = frozenset(_LITTLE_TEXT.split())


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence with what stands around it."""

    text: str
    around: str
    """Heading above it, the question that it answers, and the topic words of a fact."""
    rank: int
    """Position of its passage, 0 best; facts come after the passages."""
    place: int
    """Position within the passage."""
    is_fact: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known about a question."""

    level: Literal["known", "related", "unknown"]
    sentences: tuple[str, ...] = ()
    verdict: Literal["yes", "no", ""] = ""
    """Of a yes-or-no question, when the sentence decides it beyond doubt."""


def units_of(passages: Sequence[Passage], facts: Mapping[str, str]) -> list[Unit]:
    """Split passages and facts into sentences, each once."""
    found: list[Unit] = []
    for rank, passage in enumerate(passages):
        found += _units_of_passage(passage, rank)
    for place, (topic, sentence) in enumerate(facts.items()):
        found.append(Unit(_closed(sentence), topic, len(passages), place, is_fact=True))
    seen: set[str] = set()
    return [u for u in found if not (u.text.lower() in seen or seen.add(u.text.lower()))]


def answer(question: Question, units: Sequence[Unit], said: str = "") -> Answer:
    """Answer one question from the sentences at hand.

    Args:
        question: What is asked.
        units: Sentences that may be told.
        said: What the agent has said before; among equals the unsaid sentence is preferred.
    """
    question = _with_names_joined(question, units)
    if priced := _by_size(question, units):
        return Answer("known", priced)
    fits = [fit for unit in units if (fit := _fit(question, unit, said)) is not None]
    if not fits:
        return Answer("unknown")
    fits.sort(key=lambda fit: (-fit.score, fit.unit.rank, fit.unit.place))
    best = fits[0].unit
    if fits[0].share < RELATED:
        return Answer("unknown")
    if fits[0].share < ENOUGH:
        about = (question.topics - _LIGHT) & topics_of(f"{best.text} {best.around}")
        return Answer("related", (best.text,)) if about else Answer("unknown")
    more = _more(question, best, fits[1:])
    return Answer("known", (best.text, *more), _verdict(question, best))


def _with_names_joined(question: Question, units: Sequence[Unit]) -> Question:
    """Take "quick books" for the name that a sentence spells "QuickBooks"."""
    names = {name.lower() for unit in units for name in re.findall(r"\b[A-Z][a-z]\w+", unit.text)}
    spoken = tokens(question.text)
    found = [(a, b) for a, b in pairwise(spoken) if a + b in names]
    if not found or any(f"{a} {b}" in name.lower() for a, b in found for name in question.names):
        return question
    parts = {word for pair in found for word in pair}
    return replace(
        question,
        words=tuple(word for word in question.words if word not in parts),
        names=(*question.names, *(f"{a} {b}" for a, b in found)),
    )


def sentences_in(text: str) -> list[str]:
    """Split text at sentence ends; abbreviations such as "7 a.m." end none inside a sentence."""
    found: list[str] = []
    for piece in re.split(r"(?<=[.!?])[\"')\]]*\s+", text.strip()):
        if found and _ABBREVIATION.search(found[-1]) and not re.match(r"[A-Z][a-z]+ ", piece):
            found[-1] = f"{found[-1]} {piece}"
        elif piece.strip():
            found.append(piece.strip())
    return found


def _units_of_passage(passage: Passage, rank: int) -> list[Unit]:
    found: list[Unit] = []
    heading = passage.title
    question = ""
    for line in _lines(passage.text):
        if line.startswith("#"):
            heading, question = line.strip("# "), ""
            continue
        for sentence in sentences_in(line):
            if sentence.endswith("?"):
                question = sentence
                continue
            short = len(sentence.split()) <= 2
            if found and (_PRONOUN.match(sentence) and not question) and len(found[-1].text) < 160:
                context = f"{found[-1].around} {found[-1].text}"
            else:
                context = f"{heading} {question}"
            if len(sentence.split()) <= LONGEST_WORDS and not short and sentence[0].isalnum():
                text = _closed(sentence)
                found.append(Unit(text, context.strip(), rank, len(found)))
    return found


def _lines(text: str) -> Iterable[str]:
    """Return paragraphs: headings with their #, list items and table rows as sentences."""
    # Chunks may have lost their line breaks: a heading in running text is told by its marks.
    text = re.sub(r"(?<=[.!?]) (#{1,6} )", r"\n\1", text)
    buffer = ""
    for raw in text.splitlines():
        line = raw.strip()
        item = re.match(r"(?:[-*•]|\d+[.)])\s+(.*)", line)
        if item or not line or line.startswith(("#", "|")):
            if buffer:
                yield buffer
            buffer = ""
        if line.startswith("#"):
            yield line
        elif item:
            yield _plain(item[1])
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|") if cell.strip(" -:")]
            if len(cells) > 1 and any(char.isdigit() for char in line):
                yield _plain(", ".join(cells))
        elif line:
            buffer = f"{buffer} {_plain(line)}".strip()
    if buffer:
        yield buffer


def _plain(text: str) -> str:
    text = re.sub(r"^(?:question|answer|q|a)\s*:\s*", "", text, flags=re.IGNORECASE)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[*_`]{1,3}", "", text).strip()


def _closed(text: str) -> str:
    text = " ".join(text.split())
    text = re.sub(r"^(?:yes|no),\s+(\w)", lambda m: m[1].upper(), text, flags=re.IGNORECASE)
    return text if text.endswith((".", "!")) else f"{text.rstrip(',;: ')}."


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a sentence answers a question."""

    unit: Unit
    share: float
    """Part of the question that it covers, 0..1: decides whether it may be told."""
    score: float
    """The share and what speaks for this sentence among others that cover as much."""


def _fit(question: Question, unit: Unit, said: str) -> _Fit | None:
    """Compare a sentence with a question; None when it can't be an answer."""
    whole = f"{unit.text} {unit.around}"
    if not all(mentions(whole, name) for name in question.names):
        return None
    topics, around = topics_of(unit.text), topics_of(unit.around)
    stems, near = stems_of(unit.text), stems_of(unit.around)
    covered, total, direct = 0.0, 0.0, 0.0
    for topic in question.topics:
        weight = 0.4 if topic in _LIGHT else 1.0
        total += weight
        is_here = topic in topics or (topic == "price" and _tells_price(question, unit))
        covered += weight * (1.0 if is_here else 0.8 if topic in around else 0.0)
        direct += is_here
    for word in question.words:
        weight = 0.4 if word in _LIGHT_WORDS else 1.0
        total += weight
        hit = stem(word) in stems or (len(word) >= 5 and mentions(unit.text, word))
        covered += weight * (1.0 if hit else 0.8 if stem(word) in near else 0.0)
        direct += hit
    for _ in question.names:
        total += 2.0
        covered += 2.0
        direct += 1
    if total == 0 or covered == 0 or (direct == 0 and not unit.is_fact and not unit.around):
        return None
    share = covered / total * (1.0 if _has_kind(question, unit) else 0.6)
    precise = direct / (3 + len(plain_words(unit.text)) + len(topics))
    shared = len(stems_of(question.text) & stems - _LITTLE)
    score = share + 0.1 * precise + 0.012 * shared - 0.004 * unit.rank - 0.008 * min(unit.place, 6)
    if question.topics & around or any(stem(word) in near for word in question.words):
        score += 0.05
    if unit.text.lower() in said.lower():
        score -= 0.03
    return _Fit(unit, share, score)


def _tells_price(question: Question, unit: Unit) -> bool:
    """ "Importing is free" tells the price of the import."""
    return question.kind == "how_much" and _has_kind(question, unit)


_LIGHT_WORDS = frozenset({"plan", "plans", "phone"})
_LIGHT = frozenset(
    {"team", "customer", "schedule", "data", "web", "free", "trade", "limit", "hours"}
)
"""Topics that nearly every sentence of such a company touches."""


def _has_kind(question: Question, unit: Unit) -> bool:
    if question.kind == "how_much":
        return bool(_MONEY.search(unit.text) or _FREE.search(unit.text))
    if question.kind == "how_long":
        return bool(_DURATION.search(unit.text))
    if question.kind == "when":
        return bool(_CLOCK.search(unit.text) or _DURATION.search(unit.text))
    return question.kind != "how_many" or bool(_NUMBER.search(unit.text))


def _by_size(question: Question, units: Sequence[Unit]) -> tuple[str, ...]:
    """Answer a price question: the offer for a number of people, or the offers in general.

    Only when nothing but the price is asked ("how much is the import" is another matter).
    """
    asks_price = question.kind == "how_much" or question.size is not None
    if not asks_price or question.names or question.words or question.topics - _PRICE_ONLY:
        return ()
    offers = [
        (limit, clause)
        for unit in units
        for clause in _clauses(unit.text)
        if _MONEY.search(clause) and (limit := _capacity(clause)) is not None
    ]
    if question.size is not None:
        fitting = sorted((o for o in offers if o[0] >= question.size), key=lambda o: o[0])
        return (fitting[0][1],) if fitting else ()
    by_price = {tuple(_PRICE.findall(clause)): clause for _, clause in reversed(offers)}
    cheapest_first = [clause for _, clause in sorted(offers) if clause in by_price.values()]
    return tuple(cheapest_first[:_LISTS_PLANS]) if len(by_price) > 1 else ()


def _clauses(sentence: str) -> list[str]:
    """Split a sentence that names several prices, so that each clause holds one."""
    if len(re.findall(r"[$€£]\s?\d", sentence)) <= 1:
        return [sentence]
    pieces = re.split(r"(?:[,;]\s+(?:and\s+)?|\s+and\s+)(?=[^,;]*?[$€£]\s?\d)", sentence)
    return [_closed(piece[:1].upper() + piece[1:]) for piece in pieces if piece.strip()]


def _capacity(clause: str) -> float | None:
    if _UNLIMITED.search(clause):
        return float("inf")
    match = _UP_TO.search(clause)
    return float(match[1]) if match else None


def _more(question: Question, best: Unit, others: Sequence[_Fit]) -> tuple[str, ...]:
    """Return a second sentence for a broad question, one that adds something."""
    if not question.is_broad or question.kind in ("how_long", "how_much", "when", "how_many"):
        return ()
    topics = question.topics - _LIGHT or question.topics
    # The sentence that follows the best one in its passage carries on where it ends.
    following = (best.rank, best.place + 1)
    for fit in sorted(others, key=lambda fit: (fit.unit.rank, fit.unit.place) != following):
        unit = fit.unit
        both = topics_of(f"{unit.text} {unit.around}")
        fits = fit.share >= RELATED and (topics & both or not topics)
        if fits and not alike(unit.text, best.text) and not _PRONOUN.match(unit.text):
            return (unit.text,)
    return ()


def alike(one: str, other: str) -> bool:
    """Tell whether two sentences say the same: most words of the shorter are in the longer."""
    first, second = stems_of(one) - _LITTLE, stems_of(other) - _LITTLE
    return len(first & second) >= 0.7 * max(1, min(len(first), len(second)))


def _verdict(question: Question, unit: Unit) -> Literal["yes", "no", ""]:
    """Say yes or no only where the sentence leaves no other reading.

    Yes: everything asked about stands before any negation. No: the thing asked for stands
    right behind a negation, and all else is there too.
    """
    if question.kind != "yes_no" or question.is_negative or _COMPARED.search(question.text):
        return ""
    numbers = set(re.findall(r"\d+", question.text)) - set(re.findall(r"\d+", unit.text))
    if not _CAPABLE.match(question.text) or numbers or size_in(question.text) is not None:
        return ""
    denied = _NEGATION.search(unit.text)
    if _holds(question, unit.text[: denied.start()] if denied else unit.text):
        return "yes"
    if denied is None or not _holds(question, f"{unit.text} {unit.around}"):
        return ""
    near = " ".join(unit.text[denied.end() :].lower().split()[:5])
    things = [w for w in question.words if stem(w) in stems_of(near)]
    things += [t for t in question.topics - _LIGHT if t in topics_of(near)]
    if things and denied[0].lower() != "only" and _NEEDS.search(question.text):
        return "no"
    return ""


def _holds(question: Question, text: str) -> bool:
    topics, stems = topics_of(text), stems_of(text)
    return (
        all(topic in topics for topic in question.topics - _LIGHT)
        and all(stem(word) in stems for word in question.words)
        and all(mentions(text, name) for name in question.names)
        and bool(text.strip())
    )
