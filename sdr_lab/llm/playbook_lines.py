"""What `playbook` says when the agent's own playbook has no line for a moment.

None of these lines names a company, a product or a fact. Keys in capitals are intents, the
others are moments of a call. An agent overrides any of them under `playbook.lines`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sdr_lab.records import Message

DEFAULT_LINES: dict[str, tuple[str, ...]] = {
    # ---- by intent
    "HELLO": ("Hi, how can I help you today?", "Yes, I'm here. What can I do for you?"),
    "GOODBYE": ("Thanks for your time. Goodbye!", "Thanks for talking with me. Goodbye!"),
    "CONFIRM": ("Great. What would you like to know?", "Good. What can I tell you?"),
    "DENY": ("No problem. Is there anything else I can help you with?",),
    "OBJECTION": (
        "I understand. What would it have to do for you to be worth a look?",
        "That's a fair point. What matters most to you?",
    ),
    "INTERESTED": ("Great to hear. The next step is a short demo.", "Glad you like it."),
    "NOT_INTERESTED": ("I understand. Thanks for your time. Goodbye.",),
    "DO_NOT_CALL": ("You won't hear from us again. Goodbye.",),
    "CALL_BACK_LATER": ("Of course. When would be a better time?",),
    "WRONG_PERSON": ("Sorry about that. Who would be the right person to talk to?",),
    "VOICEMAIL": ("Hello, sorry I missed you. I'll try again another time. Goodbye.",),
    "TRANSFER": ("I can't connect you from here, but a colleague can get back to you.",),
    "HOLD": ("Sure, take your time.", "Of course. I'm here."),
    "THANKS": (
        "You're welcome. Is there anything else I can help you with?",
        "My pleasure. What else can I do for you?",
    ),
    "ACKNOWLEDGE": ("Is there anything you'd like to know?", "What else can I tell you?"),
    "OTHER": (
        "Sorry, I'm not sure I understood. Could you put it another way?",
        "I didn't quite get that. What would you like to know?",
    ),
    # ---- questions about the agent itself
    "robot": ("I'm an automated assistant, not a person. How can I help you?",),
    "who": ("I'm the automated assistant on this line. How can I help?",),
    "why": ("I'm calling to see whether we can help you. Is this a good moment?",),
    "source": ("I don't know that, but I can take your number off our list. Shall I?",),
    "how_are_you": ("I'm doing well, thanks. How can I help you?",),
    # ---- answering
    "opener": ("Sure.", "Good question.", "Of course."),
    "again": ("As I said, ", "Like I mentioned, "),
    "unknown": (
        "I don't know that one, and I don't want to guess. Shall I have a colleague follow up "
        "with you?",
        "That's not something I know, sorry. Would you like a colleague to get back to you on it?",
    ),
    "unknown_noted": (
        "I don't know that either. I'll add it to the note for my colleague.",
        "I'm sorry, that's not in my notes either. My colleague can answer that too.",
    ),
    "related": ("I'm not sure about that exactly. What I can tell you is this.",),
    "related_offer": ("Shall I have a colleague follow up on the rest?",),
    "forbidden": (
        "I'm not able to talk about that, sorry. What else can I help you with?",
        "That's something I can't discuss. Is there anything else you'd like to know?",
    ),
    # ---- follow-up by a colleague
    "ask_email": ("Great. What's the best email address for that?",),
    "declined": ("No problem. Is there anything else I can help you with?",),
    "email_again": ("Sorry, could you spell out the email address once more?",),
    "follow_up_noted": ("Is there anything else I can help you with?",),
    # ---- the meeting
    "offer_demo": (
        "Would you like to see it in a short demo?",
        "Shall we set up a quick demo?",
    ),
    "ask_day": ("Sure. Which day and time would suit you?", "What day and time works best?"),
    "ask_time": ("Which of these suits you best?", "Which one works for you?"),
    "other_time": ("What other day would work for you?",),
    "booked": ("Is there anything else I can help you with?",),
    "not_booked": ("No problem, I won't book it. Which day and time would suit you better?",),
    "goodbye_booked": ("Thanks, we'll talk then. Goodbye!",),
    # ---- the rest
    "anything_else": ("What else can I help you with?", "Is there anything else?"),
    "silence": ("Are you still there?", "I can't hear you. Are you there?"),
    "hostile": ("I'm sorry to have upset you. Would you like me to let you go?",),
    "wrong_number": ("Sorry for the trouble. Goodbye.",),
    "callback_noted": ("Thanks, and have a good day. Goodbye.",),
    "thanks_number": ("Thanks, that helps.",),
    "failed": ("I'm sorry, that didn't work just now.",),
}

ASKS: dict[str, tuple[tuple[str, ...], str]] = {
    "follow_up": (("unknown", "related_offer"), r"\bcolleague\b|\bfollow up\b|\bget back to you\b"),
    "meeting": (
        ("offer_demo", "ask_day", "ask_time", "other_time", "not_booked"),
        r"\b(?:demo|meeting|appointment|(?:which|what) (?:other )?day|day and time|time works|"
        r"which of "
        r"these|which one|suits? you|could do)\b",
    ),
    "which_time": (("ask_time", "ask_day"), r"\b(?:which|suits)\b"),
    "else": (
        ("anything_else", "booked", "follow_up_noted", "THANKS", "DENY", "declined"),
        r"\b(?:anything else|what else|anything you'd like)\b",
    ),
    "email": (("ask_email", "email_again"), r"\bemail\b"),
    "call_back": (
        ("CALL_BACK_LATER",),
        r"\bbetter time\b|\bwhen (?:should|shall|may|can) (?:i|we) call\b",
    ),
    "discovery": (("discovery", "OBJECTION", "WRONG_PERSON"), r"(?!)"),
    "list": (("source",), r"\boff (?:our|the) list\b"),
    "let_go": (("hostile",), r"\blet you go\b"),
}
"""Questions of the agent that the caller may answer with a yes, a no or a value: the moments
whose lines ask them, and the words by which others are known."""

OBJECTIONS: dict[str, str] = {
    "objection_price": r"expensive|pric|cost|afford|budget|money|cheap|steep|too much|pay\b|dollar|"
    r"\$|rip ?off",
    "objection_existing": r"already|spreadsheet|excel|paper|whiteboard|happy with|current|"
    r"our system|"
    r"works? (?:just )?fine|by hand|jobber|servicetitan|another|competitor|google calendar|"
    r"notebook|switch",
    "objection_time": r"\btime\b|busy|hassle|complicated|difficult|hard\b|headache|learn|train|"
    r"bandwidth",
    "objection_trust": r"trust|scam|believe|too good|never heard|burned|skeptical|worried|security|"
    r"safe|catch|sure|convinced|doubt|cloud",
    "objection_authority": r"boss|partner|wife|husband|manager|owner|ask|talk to|run it by|think "
    r"(?:about|it)|decision|team\b|sleep on",
    "objection_size": r"small|only (?:a few|two|three|one|have)|just me|few (?:people|guys)",
    "objection_people": r"my guys|my (?:crew|techs|technicians|people)|never use|old school|hate",
}
"""Kinds of objections by the words that show them; each key may have lines of its own."""


def choose(choices: Sequence[str], history: Sequence[Message]) -> str:
    """Return the line that was heard least often so far, the earliest among equals."""
    said = " ".join(message.text for message in history if message.role == "agent").lower()
    return min(choices, key=lambda line: (said.count(line.lower().strip()), choices.index(line)))


def lines_for(key: str, own: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the agent's lines for a moment, or the default ones, or none."""
    return tuple(own.get(key) or DEFAULT_LINES.get(key, ()))
