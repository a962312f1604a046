"""What the caller wants, found by rules in microseconds.

A turn is normalised, every rule that matches votes with its weight, negations withdraw votes,
and a question that ends the turn outweighs the attitude before it. What remains without a vote
is judged word by word: a turn made only of yes-words is CONFIRM, and so on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sdr_lab.agents.intent_names import DEFINITIONS, INTENTS
from sdr_lab.agents.intent_plans import PLANS
from sdr_lab.agents.intent_rules import compiled
from sdr_lab.agents.intent_wishes import WISHES
from sdr_lab.agents.intent_attitudes import ATTITUDES, DENIED
from sdr_lab.records import Intent

__all__ = ["DEFINITIONS", "INTENTS", "detect_intent"]

_RULES = tuple(
    (rule.intent, rule.weight, compiled(rule.wordings)) for rule in (*WISHES, *PLANS, *ATTITUDES)
)
_DENIED = {name: re.compile("|".join(wordings)) for name, wordings in DENIED.items()}

QUESTION_LAST = 67
"""A question at the end of a turn: above every attitude, below every wish."""
QUESTION_EARLIER = 60
COURTESY = 25

_CONTRACTIONS = (
    (r"\bwon'?t\b", "will not"),
    (r"\bca(?:n'?t|nnot)\b", "can not"),
    (r"\bain'?t\b", "is not"),
    (r"\b(do|does|did|is|are|was|were|have|has|had|would|could|should|must|need)n'?t\b", r"\1 not"),
    (r"\b(i)'?m\b", r"\1 am"),
    (r"\b(you|we|they)'re\b|\b(you|they)re\b", r"\1\2 are"),
    (r"\b(i|you|we|they)'?ve\b", r"\1 have"),
    (r"\b(i|you|we|they|he|she|it|that|this|there)'ll\b", r"\1 will"),
    (r"\b(i|you|we|they|he|she|it|that)'d\b", r"\1 would"),
    (r"\blet'?s\b", "let us"),
    (r"\b(that|what|it|he|she|who|where|there|how|here|when|name|everything)'s\b", r"\1 is"),
    (r"\b(thats|whats|hows|wheres|theres|whos)\b", lambda m: f"{m[1][:-1]} is"),
    (r"\b(\w+)'s (?=(?:not|out|gone|here|in|too|good|fine|on|a|the|away|left|no)\b)", r"\1 is "),
    (r"\b(?:wanna)\b", "want to"),
    (r"\b(?:gonna)\b", "going to"),
    (r"\bgotta\b", "got to"),
    (r"\bgimme\b", "give me"),
    (r"\blemme\b", "let me"),
    (r"\bya\b", "you"),
    (r"\b([ap])\.?\s?m\b\.?", r"\1m"),
    (r"\bo'? ?clock\b", "oclock"),
    (r"\b(?:anymore)\b", "any more"),
    (r"\bcall-?backs?\b", "callback"),
)
_CONTRACTED = tuple((re.compile(pattern), to) for pattern, to in _CONTRACTIONS)
_FILLERS = re.compile(
    r"\b(?:um+|uh+(?!,? huh)|er+m?|ah+|you know|i mean|honestly|frankly|basically|actually|like(?=,)|"
    r"to be honest|tbh|look(?=,)|listen(?=,)|well(?=,)|so(?=,)|please(?=,))\b,?"
)
_SOUNDS = ((r"\bm+[- ]?h+m+\b|\bmhm+\b", "mhm"), (r"\bu[hn]+[- ]huh\b", "uhuh"))

_OPENERS = (
    r"^(?:(?:and|but|so|or|yes|yeah|yep|no|ok|okay|sure|right|well|hi|hello|hey|sorry|excuse me|"
    r"wait|hold on|hang on|oh|alright|all right|then|also|good|great|cool|thanks|thank you|please|"
    r"joe|now|just|um|uh|quick|one|another|a|hm+|mhm|i see|got it|because|before that|first|"
    r"second|minute|stop|no wait|actually|hmm|perfect|fine|morning|afternoon|there|still) )*"
)
_ASKS = re.compile(
    _OPENERS + r"(?:how|what(?! (?:a|an|if we|i (?:need|want|mean))\b)|which|who(?! knows)|whose|"
    r"where|when(?! (?:i|we|you|he|she|they|it|my|our|the) )|why(?! not$)|"
    r"(?:do|does|did|is|are|was|were|can|could|will|would|should|has|have|may|am) (?:you|it|i|we|"
    r"they|this|that|there|the|your|my|our|he|she|anyone|somebody|someone|joe|maplewood|not (?:you|i|we|they|it|there|that|this)|data|"
    r"customers?|technicians?|each|any|all|these|those|every|support|everything|people|setup|"
    r"\w+ (?:work|included|free|available|cost|come|need|support|require|integrate)\w*)\b|"
    r"is \w+ (?:\w+ )?(?:a|an|the|included|free|extra|possible|available|safe|secure|expensive|hard|"
    r"required|needed|in)\b|(?:any|got any) (?:\w+ )*(?:discounts?|fees?|contracts?|way|"
    r"chance|limits?|deals?)\b|what if|(?:does|did|is|are|was|were|can|could|will|would|should|has) "
    r"(?!do\b|not\b|be\b|work\b|fine\b|good\b|right\b)\w+ \w+)"
)
_REQUESTS = re.compile(
    r"\b(?:(?:tell|show|teach|remind) (?:me|us)(?: (?:a (?:bit|little)|more|something|again))* "
    r"(?:about|how|what|why|if|whether|when|where|which|who|the)|(?:give|send) (?:me|us) (?:a |an |the "
    r"|some |more )*(?:price|prices|quote|pricing|details|idea|info\w*|rundown|overview|example|"
    r"sense|breakdown|run ?down|summary|cost|numbers)|(?:want|like|love|need|curious|trying|dying) to "
    r"(?:know|find out|understand|ask)(?! more$)|wonder(?:ing)?|i was curious|curious (?:about|how|"
    r"what|if|whether)|(?:a|one|another|quick|have|got|few|some|couple of) (?:\w+ )?questions?\b|"
    r"explain|describe|walk (?:me|us) through|talk (?:me|us) through|can you (?:tell|explain|"
    r"clarify|elaborate|describe)|(?:do not|not) (?:know|sure|understand|get) (?:how|what|why|"
    r"which) (?:it|this|that|you|your|the)|how much (?:is|does|would|do|are|for|will)|how many|how "
    r"long|how do(?:es)? |what about|how about (?:the |your )?(?:price|pricing|cost|support|data|"
    r"security)|what is the|what are (?:the|your)|do you (?:have|guys|offer|integrate|work|support|"
    r"do|charge|sell|ever)|does (?:it|this|that) |is (?:it|there) (?:a|an|any)\b(?=.*\?)|"
    r"^(?:the )?(?:price|prices|pricing|cost|costs)(?: please)?$)"
)
_RHETORICAL = re.compile(
    r"\b(?:why (?:should|would) (?:i|we)|why (?:is it|are you|so) so|who (?:cares|has)|what is "
    r"(?:the point|in it)|how do i know (?:this|you|it))\b"
)

_WORDS: dict[str, frozenset[str]] = {
    "CONFIRM": frozenset(
        "yes yeah yep yup yea sure absolutely definitely certainly correct exactly please course "
        "affirmative indeed totally perfect positively bet".split()
    ),
    "DENY": frozenset("no nope nah negative wrong incorrect never not neither nothing".split()),
    "THANKS": frozenset("thanks thank appreciate appreciated thankful grateful".split()),
    "ACKNOWLEDGE": frozenset(
        "ok okay mhm uhuh right see alright gotcha cool great nice oh ah hm hmm hmmm understood "
        "wow noted aha interesting good fine k neat really awesome huh wonderful excellent".split()
    ),
    "HELLO": frozenset("hi hello hey hiya howdy morning yo greetings".split()),
}
_NEUTRAL = frozenset(
    "i it is that the a you so very much for your to do of and we me my this really just all "
    "then now well am are be sir madam man joe there go ahead will would not think guess suppose "
    "lot time help be with again ma am too by means let us got get yes".split()
)
"""Words that decide nothing between the courtesies."""

_PHRASES: tuple[tuple[str, int, re.Pattern[str]], ...] = tuple(
    (name, weight, re.compile(pattern))
    for name, weight, pattern in (
        (
            "DENY",
            40,
            r"^(?:(?:no|nope|nah|sorry|um|oh|well) )*(?:no|nope|nah|not (?:really|exactly|quite|yet|at "
            r"all|necessarily|that i know(?: of)?|particularly|as such|true|correct|right)|i (?:do|did|am|would|"
            r"could|have) not(?: think so| believe so| know)?|we (?:do|are|have|did) not|it is not|"
            r"that is (?:not (?:right|correct|true|it|what i (?:said|meant))|wrong|incorrect|a no)|"
            r"(?:i am )?afraid not|no (?:thanks?|thank you|sir|way|need to)|absolutely not|of course "
            r"not|certainly not|definitely not|please do not|never ?mind|i do not think so|wrong|"
            r"negative|i said no|none|neither|i meant \w+|cancel that|rather not|i would rather not|"
            r"not that one)(?: (?:no|thanks?|thank you|sorry|please|joe|sir|really|though|right now|"
            r"actually|we do not|i do not|it is not|i am not|not really|at all|i am afraid))*$",
        ),
        (
            "CONFIRM",
            40,
            r"^(?:(?:yes|yeah|yep|ok|okay|sure|oh|well|hm|mhm|uhuh|right|um|great|perfect|no) )*"
            r"(?:yes|yeah|yep|yup|sure(?: thing)?|of course|absolutely|definitely|certainly|correct|"
            r"exactly|precisely|that is (?:right|correct|true|fine|me|us|okay|ok|it exactly|good with me|"
            r"a yes)|(?:please )?(?:do|go ahead|do it|do that|do so)|go (?:for it|on and|right ahead)|"
            r"please(?: do)?|(?:that |it |this )?(?:works?|would work|will work|will do|is fine)(?: "
            r"(?:for|with|by) (?:me|us))?|(?:fine|good|okay|ok|alright) (?:by|with|for) (?:me|us)|i (?:do|"
            r"am|would|have|guess(?: so)?|think so|suppose(?: so)?|believe so|agree|sure do|did|can)|we "
            r"(?:do|are|would|have|can|sure do)|you (?:bet|got it|are right)|indeed|affirmative|by all "
            r"means|why not|sounds (?:right|about right|correct)|that would be (?:fine|great|good|"
            r"nice)|(?:yes )?i would (?:like|love) that|sure why not|you can|let us do (?:it|that)|"
            r"book it|confirmed?|i confirm|makes sense yes|true|speaking|yes speaking|this is (?:he|she)|"
            r"perfect|of course you can|for sure|without a doubt|that is the one|i will take (?:it|"
            r"that)|deal)(?: (?:yes|yeah|please|thanks?|thank you|sure|joe|sir|that is (?:right|correct|"
            r"fine|good)|go ahead|absolutely|do it|of course|it is|we do|i do|i would|i am|exactly|then|"
            r"great|perfect|so|for me|for us|ok|okay|good|do that|it does|correct|definitely|right|we "
            r"are|you can|that works|works for me|we have|i have|sounds good|very much))*$",
        ),
        (
            "ACKNOWLEDGE",
            38,
            r"^(?:(?:oh|ok|okay|ah|um|yes|yeah|right|alright|well|hm|mhm|and|i see|so) )*(?:i see|got "
            r"it|got you|i (?:understand|hear you|get it|got it|got you|know|follow)|(?:that )?makes "
            r"sense|fair enough|good to know|all ?right|right|ok|okay|no (?:problem|worries)|i (?:am "
            r"with you|see what you mean)|that is (?:fair|good to know|understood|interesting|"
            r"alright|all right|cool|nice|a good point)|is that so|sounds fair|good point|understood|"
            r"you do not say|gotcha|noted|very well|carry on|very good|if you say so|of course|"
            r"it is (?:okay|ok|fine|alright)|really|interesting)(?: (?:then|so|okay|ok|right|yes|yeah|joe|"
            r"i see|got it|now|that|thanks?|good|makes sense|alright|interesting|cool|great))*$",
        ),
    )
)
_STARTS = (
    ("CONFIRM", 15, re.compile(r"^(?:oh |well )?(?:yes|yeah|yep|yup|sure|absolutely|correct)\b")),
    ("DENY", 15, re.compile(r"^(?:oh |well )?(?:no|nope|nah)\b")),
)
"""A yes or no before a statement that no rule knows."""

_AS_YES = frozenset("ok okay mhm uhuh alright right cool great fine good k awesome".split())
"""Acknowledgements that answer a question with yes."""


def detect_intent(text: str, asked: bool = False) -> Intent:
    """Return what the caller wants.

    Args:
        text: One turn of the caller, as a transcriber writes it; case and marks may be missing.
        asked: The agent's last sentence was a question; then "okay" and "sounds good" are a yes.

    Returns:
        One of `INTENTS`, with the confidence 0..1 that the rule deserves; `OTHER` when no rule
        applies, with 0 for an empty text.

    >>> detect_intent("yeah but how much is it").name
    'QUESTION'
    """
    clauses = normalise(text)
    if not clauses:
        return Intent("OTHER", 0.0)
    whole = " ".join(clauses)
    votes = dict(_wishes(whole))
    if (weight := _question_weight(text, clauses)) > 0:
        votes["QUESTION"] = weight
    for name, weight in _courtesies(clauses, whole):
        votes[name] = max(weight, votes.get(name, 0))
    if not votes:
        return Intent("OTHER", 0.3)
    best = max(votes, key=lambda name: votes[name])
    if asked:
        best = _as_answer(best, whole)
    return Intent(best, min(0.99, 0.5 + max(votes.values()) / 200))


def normalise(text: str) -> list[str]:
    """Return the clauses of a turn: lower case, contractions written out, fillers dropped."""
    text = text.lower().replace("’", "'").strip()
    for pattern, word in _SOUNDS:
        text = re.sub(pattern, word, text)
    text = _FILLERS.sub(" ", text)
    for pattern, to in _CONTRACTED:
        text = pattern.sub(to, text)
    text = re.sub(r"(?<=\w)-(?=\w)", " ", text)
    clauses = re.split(r"[.!?;]+(?=\s|$)|,\s|\s-\s|\bbut\b|:\s|—|…", text)
    cleaned = (re.sub(r"[^\w\s:@$%]", " ", clause) for clause in clauses)
    return [" ".join(words) for clause in cleaned if (words := clause.split())]


def _wishes(whole: str) -> Iterable[tuple[str, float]]:
    found: dict[str, float] = {}
    for name, weight, pattern in _RULES:
        if weight > found.get(name, 0) and pattern.search(whole):
            found[name] = weight
    for name in list(found):
        denied = _DENIED.get(name)
        if denied is not None and denied.search(whole):
            del found[name]
    if "uninterested" not in whole and "NOT_INTERESTED" not in found:
        if re.search(r"\bnot (?:saying|said|that|say)\b.*\b(?:no|not interested)\b", whole):
            found["INTERESTED"] = QUESTION_EARLIER
    return found.items()


def _question_weight(text: str, clauses: list[str]) -> float:
    """Return how much the turn is a question: by form, by wording, by its mark."""
    asking = [
        index
        for index, clause in enumerate(clauses)
        if _ASKS.search(clause) or _REQUESTS.search(clause)
    ]
    if not asking:
        ends = text.rstrip().endswith("?") and len(clauses[-1].split()) > 1
        return QUESTION_EARLIER - 6 if ends else 0
    if _RHETORICAL.search(clauses[asking[-1]]):
        return QUESTION_EARLIER
    return QUESTION_LAST if asking[-1] >= len(clauses) - 2 else QUESTION_EARLIER


def _courtesies(clauses: list[str], whole: str) -> Iterable[tuple[str, float]]:
    for name, weight, pattern in _PHRASES:
        if pattern.search(whole):
            yield name, weight
    words = whole.split()
    for name, vocabulary in _WORDS.items():
        hits = sum(word in vocabulary for word in words)
        others = sum(word not in vocabulary and word not in _NEUTRAL for word in words)
        courteous = sum(any(word in v for v in _WORDS.values()) for word in words)
        if hits and others <= courteous - hits:
            yield name, COURTESY + {"THANKS": 4, "DENY": 3, "CONFIRM": 2}.get(name, 0)
    for name, weight, pattern in _STARTS:
        if pattern.search(clauses[0]):
            yield name, weight
    if re.search(r"\b(?:thanks|thank you|appreciate)\b", whole):
        yield "THANKS", 12


def _as_answer(best: str, whole: str) -> str:
    words = set(whole.split())
    if best == "ACKNOWLEDGE" and words & _AS_YES:
        return "CONFIRM"
    if best == "INTERESTED" and re.search(r"\b(?:sounds|works|that would be|let us do)\b", whole):
        return "CONFIRM"
    return best
