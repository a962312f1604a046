"""Negations and other contexts in which a wording does not mean what it says."""

from __future__ import annotations

DENIED: dict[str, tuple[str, ...]] = {
    "DO_NOT_CALL": (
        r"\b(?:do not|not|never|no need to|did not|without) (?:\w+ ){0,5}?(?:take|remove|get|"
        r"delete|drop) (?:me|us|my|our)\b",
        r"\bnot (?:asking|telling|saying|want)(?: \w+){0,4} (?:stop|quit|not to|take|remove)",
        r"do not stop calling",
        r"\bwhy (?:did|do) (?:you|nobody|no one) (?:not|never)? ?(?:call|stop)",
        r"\bhow (?:do|can|would) (?:i|we|you) (?:take|remove|delete|get|drop)",
        r"\b(?:can|does|will|would) it (?:\w+ )?(?:take|remove|call|text|contact)",
        r"\bcalls? (?:out|customers)",
    ),
    "NOT_INTERESTED": (
        r"\bnot (?:saying|that|say)(?: that)?(?: i am| we are| i was)? not interested",
        r"\bnot uninterested",
        r"\bdid not say(?: \w+)* not interested",
        r"\bdo not (?:want|need) (?:to wait|a contract|to be locked)",
    ),
    "OBJECTION": (
        r"\bnot (?:so |too |that |very |really |at all |bad |as )*(?:expensive|pricey|steep|"
        r"complicated|hard|worried|too much|too bad)",
        r"\b(?:less|not as) expensive",
        r"\bno (?:concerns?|doubt|worries)",
        r"\bwithout (?:any )?hassle",
    ),
    "GOODBYE": (
        r"\b(?:do not|please do not|not) (?:hang up|go|end)",
        r"\bis that (?:all|it|everything)\b",
        r"\bcan (?:we|i|they|it) hang up",
        r"\bnot (?:done|finished)",
        r"\bthat is not (?:all|it)",
        r"\bnot more than",
        r"\b(?:have|need) to go (?:to|up|there|online)",
    ),
    "CALL_BACK_LATER": (
        r"\bnot (?:too |that |so |really |very )*busy",
        r"\bnever call(?:ed)? (?:me |us )?back",
        r"\b(?:did not|do not|never|nobody|no one|stop) (?:\w+ )?(?:call|calling|"
        r"called) (?:me |us )?(?:back|again)",
        r"\b(?:busy|driving) (?:season|directions|summer|period|time)",
    ),
    "TRANSFER": (
        r"\b(?:will|do|would|can) i (?:ever |always )?get (?:a |to )",
        r"\b(?:are you|is this|am i (?:talking|speaking) (?:to|with)|is it|you are) (?:even |"
        r"really |talking |actually )*(?:a |an |to a )?(?:real |live |actual |"
        r"human )*(?:person|human|robot|machine|bot|ai|computer|agent)",
        r"\bdo not (?:transfer|connect|put|need to (?:speak|talk))",
        r"\bnot (?:asking|want|wanting) to (?:speak|talk) (?:to|with) (?!an? (?:machine|robot|bot|"
        r"computer|"
        r"recording|ai)\b)",
    ),
    "BOOK": (
        r"\b(?:does|will|can|could|would) (?:it|the (?:app|system|software)|my (?:customers|"
        r"clients|technicians|guys)|our (?:customers|clients|technicians)|customers|clients|"
        r"technicians|homeowners|they) (?:\w+ )?(?:book|schedule|move|make|set|get|see|take|"
        r"pick|change|cancel|reschedule)",
        r"\bhow (?:long|much|many|does|do (?:the|your|my)) ",
        r"\bwhat (?:is|happens|do you show|does)\b",
        r"\bmissed appointments?",
        r"\b(?:do not|not) (?:want|need) (?:a|the|any|another) (?:demo|meeting)",
        r"\bappointment reminders?",
        r"\bno (?:demo|meeting)s?\b",
        r"\bopen on\b",
    ),
    "WRONG_PERSON": (
        r"\bis this the wrong",
        r"\bmy technicians? (?:is|are)",
        r"\bwhat if .{0,30} (?:is not|does not)",
        r"\bdo not do (?:that|this|it) (?:right )?now",
    ),
    "HOLD": (
        r"\bstop (?:by\b|(?!talking|speaking)\w+ing\b)",
        r"\b(?:no|not|do not|can not|can hardly) (?:\w+ )?(?:wait|stop)\b",
        r"\b(?:am|be|is|are|me|us|left|leave|kept) (?:\w+ )?on hold\b",
        r"\bnon ?stop",
        r"\bwait (?:time|list)",
    ),
    "VOICEMAIL": (
        r"\b(?:can|should|could|may|shall) (?:i|we|customers?|they) (?:\w+ )?leave",
        r"\bdid you (?:\w+ )?leave",
        r"\bdoes it",
        r"\bi (?:will|can) leave",
    ),
    "INTERESTED": (
        r"\b(?:not|no longer|never|less) (?:\w+ )?(?:interested|looking|great|helpful|useful|"
        r"interesting|want)",
        r"\bdo not (?:like|love)",
        r"\bnot (?:like|love)\b",
    ),
}
"""Where one of these is found, the intent is not meant: negations, and things asked about."""
