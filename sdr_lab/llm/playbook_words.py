"""Words, stems and topics: how `playbook` compares a question with a sentence.

General English only; nothing here belongs to one company. What belongs to one is in its
passages and in the playbook's facts.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

_TOPICS = {
    "price": r"pric(?:e|es|ed|ing)|costs?|fees?|charges?|rates?|how much|run me|set me back|"
    r"expensive|per month|a month|monthly|[$€£]\d[\d,.]*|dollars?|quote|damage|cheapest|cheap|"
    r"(?:do|would|will|should) (?:i|we) (?:have to )?pay|(?:be|end up|are we) paying|pay (?:per|a|"
    r"each|every)",
    "trial": r"(?:free )?trials?|free trail|try \w+ free|\d+-day|free for \d+ days|try it(?: out|"
    r" first| before)?|test drive|try before|try you|try "
    r"(?:the |your )?(?:software|system|product|app)|evaluate|test it",
    "card": r"credit cards?|debit cards?|(?:a|my|our|the|any) cards?|card (?:number|details)|"
    r"payment details",
    "team": r"technicians?|techs?|crews?|team|staff|employees?|users?|workers?|plumbers?|"
    r"electricians?|drivers?|people|guys|seats?|field",
    "connect": r"integrat(?:e|es|ed|ing|ions?)|connect(?:s|ed|ing|ions?)?|sync(?:s|ed|ing|"
    r"hroni[sz]es?)?|works? (?:together )?with|talks? to|link(?:s|ed)? (?:up )?(?:with|to)|"
    r"compatible|hook(?:s|ed)? (?:\w+ )?up|plugs? into|play nice|interface|ties? into",
    "set up": r"set ?-?ups?|setting (?:it |this |everything )?up|get(?:ting)? (?:\w+ )?started|"
    r"onboard\w*|install\w*|implement\w*|up and running|go(?:ing)? live|roll ?out|"
    r"get (?:it |this |us |me )?(?:going|running)",
    "support": r"support(?! (?:for|quick|google|sales|(?:smart|i)phones?|android|ios))|"
    r"help ?(?:desk|center|line)?|customer service|assistance|"
    r"something (?:breaks|goes wrong)|(?:have|run into) (?:a |any )?(?:problems?|trouble|issues?)|"
    r"get stuck|reach (?:you|someone|somebody)|tech support|who do (?:i|we) call|hot ?line|"
    r"(?:emergency|help) line",
    "hours": r"hours|open|what times?|(?:\d+|seven) ?[ap]m|around the clock|24/7",
    "weekend": r"weekends?|saturdays?|sundays?",
    "emergency": r"emergenc(?:y|ies)|at night|nights?|after hours|urgent|24/7|around the clock|"
    r"day and night|middle of the night|midnight",
    "offline": r"offline|(?:no|without(?: a| any)?|lose|loses|bad|poor|drops?|spotty|"
    r"lost) (?:cell |phone |"
    r"mobile |internet |the )*(?:signal|internet|connection|service|reception|coverage|wi-?fi|"
    r"network)|dead zones?|(?:signal|internet|connection|service|wi-?fi) (?:drops|goes|is (?:down|"
    r"bad|gone|out))|basements?",
    "mobile": r"mobile|(?:phone |mobile )?apps?|smart ?phones?|cell ?phones?|iphones?|androids?|"
    r"(?:on|from) (?:their|my|our|the|a) phones?",
    "cancel": r"cancel\w*|quit|stop using|leave|contracts?|commit(?:ment|ted)?|locked in|lock-in|"
    r"month to month|obligation|terminate|back out|get out|minimum term|long.term|tied (?:in|down)",
    "import": r"import(?:s|ed|ing)?|migrat\w+|(?:move|bring|transfer|carry|get|switch|load|copy) "
    r"(?:in |over |across )?(?:\w+ ){0,3}(?:over|across|data|customers|list|history|into|in)|"
    r"existing data|old data",
    "spreadsheet": r"spread ?sheets?|excel|csv",
    "data": r"data|information|records|customer lists?",
    "safe": r"safe(?:ty)?|secur(?:e|ed|ity)|encrypt\w*|privacy|protect\w*|hack\w*|breach\w*",
    "place": r"united states|in the us|in the u\.s\.|usa|stored|hosted|kept|located|servers?",
    "discount": r"discounts?|saves?|savings?|deals?|cheaper|percent off|knock off|break on",
    "year": r"annual(?:ly)?|yearly|(?:a|per|by the|whole|for the|full) year|12 months|up ?front",
    "result": r"results?|benefits?|advantages?|missed|no.shows?|fewer|improve\w*|roi|"
    r"why (?:should|would|do)|better|worth|success\w*|experience",
    "free": r"free|no (?:extra )?(?:cost|charge)|complimentary|extra|for nothing|at no",
    "include": r"includ(?:e|es|ed|ing)|comes? with|features?|everything in",
    "about": r"software (?:for|that)|platform (?:for|that)|our customers are|puts your",
    "calendar": r"calendars?",
    "accounting": r"account(?:ing|ant)s?|bills?|book ?keep\w*|invoic\w+",
    "payment": r"payments?|stripe|card payments",
    "train": r"train(?:s|ed|ing)?|teach|learn\w*|tutorials?",
    "customer": r"customers?|clients?|homeowners?",
    "remind": r"remind\w*|notif\w+|text messages?|texts?|sms|on the way|alerts?",
    "human": r"real person|human|live person|someone|somebody",
    "trade": r"plumb\w+|electric\w+|heating|cooling|hvac|field.service|industr\w+|trades?",
    "schedule": r"schedul\w+|dispatch\w*|calendar board|plan(?:s|ned|ning)? (?:jobs|the day)",
    "limit": r"unlimited|up to|limits?|maximum|as many",
    "large": r"biggest|largest|unlimited|large|fleet",
    "demo": r"demos?|demonstration|see it (?:live|in action)|walk ?through",
    "report": r"report(?:s|ing)?|statistics|analytics|dashboards?",
    "route": r"rout(?:e|es|ing)|driving|directions",
    "download": r"download\w*|export\w*|take (?:my|our) data|get (?:my|our) data (?:out|back)",
    "backup": r"back ?-?ups?|backed up|back (?:\w+ )?up",
    "change": r"upgrade|downgrade|change plans?|switch (?:plans?|between)|move (?:up|to a bigger)",
    "web": r"browsers?|websites?|online|computers?|pc|mac|laptops?|desktops?",
    "language": r"languages?|spanish|french|english|german",
    "pictures": r"photos?|pictures?|images?",
    "signature": r"signatures?|sign(?:ing)? off",
}
"""Topics by the wordings that show them. A wording counts as its topic and as its own words."""

_COMPILED = [(topic, re.compile(rf"(?<!\w)(?:{words})(?!\w)")) for topic, words in _TOPICS.items()]

_STOP_TEXT = (
    "a an the this that these those it its is are was were be been being am do does did doing have "
    "has had having will would can could shall should may might must i you he she we they me him "
    "her us them my your his our their mine yours ours and or but if then so because as of at by "
    "for with about to from in on into over under up down out off again once here there when where "
    "why how what which who whom whose all any both each few more most some such no nor not only "
    "own same than too very just now okay ok yes yeah yep hi hello hey joe please thanks thank "
    "sorry "
    "wait um uh well also like know tell really actually exactly let get got go going one two much "
    "many long lot bit kind sort thing things something anything want wants need needs needed use "
    "uses used using work works working make makes offer offers offering "
    "come comes give gives question ask asking wonder wondering explain describe say said see mean "
    "s t re ve ll d m don doesn isn aren won able possible way ever still already guys folks us "
    "say "
    "able take takes took happen happens put sure right good great think guess quickly anyway "
    "existing current present "
    "first later before after during while between through per off else another other others "
    "often usually "
    "necessary required require requires look looks looking does run runs running keep keeps start "
    "starts big small new old much every without within at hold second minute cut curious would "
    "understand hear heard maybe suppose probably care matter available call calls called today "
    "have find show exist exists provide provides both along instead even though currently is "
    "honestly walk sounds sound seems seem that's what's it's you're i'm allow allows allowed let "
    "lets set point end talk speak bring fine back perhaps basically general overall details "
    "detail info real cover covers covered sign up time times everything anybody anyone it'd "
    "handle handles company companies business businesses shop software system product program "
    "tool "
    "service multiple several certain extra part parts option options kinds types type stuff ones "
    "day days reach send"
)
STOP = frozenset(_STOP_TEXT.split())
"""Words that carry no topic of their own."""

_IRREGULAR = {
    "paid": "pay",
    "pays": "pay",
    "kept": "keep",
    "lost": "lose",
    "sent": "send",
    "built": "build",
    "people": "person",
    "companies": "company",
    "taught": "teach",
}

_CONTRACTED = re.compile(r"(?:'(?:s|ve|re|ll|d|m)|n't)$")

ALIKE = 0.8
"""Share of letters in common from which two spellings may be the same name."""

_TOKEN = re.compile(r"[a-z0-9$€£%][\w'$%.,:/-]*[\w%]|[a-z0-9$%]")


@lru_cache(4096)
def stem(word: str) -> str:
    """Return a crude stem: plural, -ing, -ed and final e are dropped."""
    word = word.lower().removesuffix("'s").replace("'", "")
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if any(char.isdigit() for char in word) or len(word) <= 3:
        return word
    for suffix, to in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ing", ""),
        ("ed", ""),
        ("ly", ""),
        ("s", ""),
    ):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3 and not word.endswith("ss"):
            word = word[: -len(suffix)] + to
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def tokens(text: str) -> list[str]:
    """Return the lower-case words and numbers of a text."""
    return _TOKEN.findall(text.lower().replace("’", "'"))


@lru_cache(4096)
def topics_of(text: str) -> frozenset[str]:
    """Return the topics that a text touches."""
    text = " ".join(text.lower().replace("’", "'").replace(",", " ").split())
    return frozenset(topic for topic, pattern in _COMPILED if pattern.search(text))


@lru_cache(4096)
def stems_of(text: str) -> frozenset[str]:
    """Return the stems of all words of a text, stop words too."""
    return frozenset(stem(word) for token in tokens(text) for word in token.split("-") if word)


@lru_cache(1024)
def without_topics(text: str) -> str:
    """Return a text without the wordings that show a topic: what else it asks about."""
    text = " ".join(text.lower().replace("’", "'").replace(",", " ").split())
    for _, pattern in _COMPILED:
        text = pattern.sub(" ", text)
    return text


def plain_words(text: str) -> list[str]:
    """Return the words of a text that are neither stop words nor wordings of a topic."""
    found = [
        word
        for token in tokens(without_topics(text))
        for part in token.split("-")
        if (word := _CONTRACTED.sub("", part)) and word not in STOP
    ]
    return list(dict.fromkeys(word for word in found if len(word) > 1))


def mentions(sentence: str, name: str) -> bool:
    """Tell whether a sentence holds a name, however a transcriber spelled it.

    "quick books", "Quickbook" and "quick bucks" are QuickBooks; "Salesforce" is not "sales".
    """
    wanted = [stem(word) for word in tokens(name)]
    have = [stem(word) for word in tokens(sentence)]
    if not wanted:
        return True
    joined = "".join(wanted)
    pairs = {a + b for a, b in pairwise(have)}
    if joined in pairs or joined in have or all(word in have for word in wanted):
        return True
    # Only names are matched by likeness: "Clover" must not be found in "covers".
    names = {stem(word) for word in re.findall(r"\b[A-Z][\w'-]+", sentence)}
    return len(joined) >= 6 and any(
        other[:1] == joined[:1]
        and abs(len(other) - len(joined)) <= 2
        and SequenceMatcher(None, joined, other).ratio() >= ALIKE
        for other in names
    )
