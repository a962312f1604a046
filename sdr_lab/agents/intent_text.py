"""The caller's words in the form in which the wordings of intents are written."""

from __future__ import annotations

import re

_SOUNDS = (
    (r"\bm+[- ]?h+m+\b|\bmhm+\b|\bm{2,}\b|\bmm?(?=,? ok)", "mhm"),
    (r"\bu[hn]+[- ]huh\b", "uhuh"),
)

_FILLERS = re.compile(
    r"\b(?:um+|uh+(?!,? huh)|er+m?|ah+|you know what(?=,)|you know(?! what)|i mean|honestly|"
    r"frankly|basically|actually|"
    r"like(?=,)|to be honest|tbh|look(?=,)|listen(?=,)|well(?=,)|so(?=,)|please(?=,))\b,?"
)

_CONTRACTIONS = (
    (r"\bwon'?t\b", "will not"),
    (r"\bca(?:n'?t|nnot)\b", "can not"),
    (r"\bain'?t\b", "is not"),
    (
        r"\b(do|does|did|is|are|was|were|have|has|had|would|could|should|must|need)n'?t\b",
        r"\1 not",
    ),
    (r"\b(i)'?m\b", r"\1 am"),
    (r"\b(you|we|they)'re\b|\b(you|they)re\b", r"\1\2 are"),
    (r"\b(i|you|we|they)'?ve\b", r"\1 have"),
    (r"\b(i|you|we|they|he|she|it|that|this|there)'ll\b", r"\1 will"),
    (r"\b(i|you|we|they|he|she|it|that)'d\b", r"\1 would"),
    (r"\blet'?s\b", "let us"),
    (
        r"\b(that|what|it|he|she|who|where|there|how|here|when|name|everything|everyone|"
        r"somebody|someone|nobody|anybody)'s\b",
        r"\1 is",
    ),
    (r"\b(that|what|how|where|there|who)s\b", r"\1 is"),
    (r"\b(\w+)'s (?=(?:not|out|gone|here|in|too|good|fine|on|a|the|away|left|no)\b)", r"\1 is "),
    (r"\bwanna\b", "want to"),
    (r"\bgonna\b", "going to"),
    (r"\b(?:have )?gotta\b", "have got to"),
    (r"\bgimme\b", "give me"),
    (r"\blemme\b", "let me"),
    (r"\bdunno\b", "do not know"),
    (r"\by'?all\b", "you"),
    (r"\bya\b", "you"),
    (r"\b([ap])\.?\s?m\b\.?", r"\1m"),
    (r"\bo'? ?clock\b", "oclock"),
    (r"\banymore\b", "any more"),
    (r"\bcall-?backs?\b", "callback"),
    (r"\bset-?up\b", "set up"),
)
_CONTRACTED = tuple((re.compile(pattern), to) for pattern, to in _CONTRACTIONS)


def normalise(text: str) -> list[str]:
    """Return the clauses of a turn: lower case, contractions written out, fillers dropped.

    A turn is split at sentence marks, at commas and before "but", which stays with what follows.
    """
    text = text.lower().replace("’", "'").strip()
    for pattern, word in _SOUNDS:
        text = re.sub(pattern, word, text)
    text = _FILLERS.sub(" ", text)
    for pattern, to in _CONTRACTED:
        text = pattern.sub(to, text)
    text = re.sub(r"(?<=\w)-(?=\w)", " ", text)
    clauses = re.split(r"[.!?;]+(?=\s|$)|,\s|\s-\s|\b(?=but\b)|:\s|—|…", text)
    cleaned = (re.sub(r"[^\w\s:@$%]", " ", clause) for clause in clauses)
    return [" ".join(words) for clause in cleaned if (words := clause.split())]
