"""The names of what a caller can want, apart from the rules that find them.

A turn has exactly one intent: that of the clause which the agent has to answer. Where two
clauses compete, the later request wins over an earlier courtesy: "yeah, but how much is it"
is a QUESTION, "okay, thanks, bye" is GOODBYE. A wish never to be called again wins over all.
"""

from __future__ import annotations

DEFINITIONS: dict[str, str] = {
    "HELLO": (
        "Only a greeting, or asks whether anyone is there; nothing else is wanted yet. "
        'Examples: "hi there, this is Sam", "hello, can you hear me".'
    ),
    "GOODBYE": (
        "Ends the call: takes leave, or says that nothing else is needed. "
        'Examples: "okay, bye now", "no, that\'s all, thank you".'
    ),
    "CONFIRM": (
        "Says yes: agrees to or affirms what the agent has just asked or offered. A bare yes, "
        "with or without politeness. "
        'Examples: "yes please", "that\'s right, go ahead".'
    ),
    "DENY": (
        "Says no to what the agent has just asked or offered, or corrects it, without ending "
        "the call or refusing the whole offer. "
        'Examples: "no, not really", "nope, that\'s wrong".'
    ),
    "QUESTION": (
        "Wants information: about price, features, set-up, the company, the agent itself or why "
        "the call is made. Also requests such as 'tell me about…'. "
        'Examples: "how much does it cost for ten people", "tell me how the set-up works".'
    ),
    "OBJECTION": (
        "Gives a reason against: price, an existing solution, no time to change, no trust, no "
        "authority. A doubt that can be answered, not yet a refusal. "
        'Examples: "that sounds expensive", "we already use spreadsheets".'
    ),
    "INTERESTED": (
        "Shows interest in the offer or wants to go on, without asking for a meeting. "
        'Examples: "that sounds good", "I\'d like to give it a try".'
    ),
    "NOT_INTERESTED": (
        "Refuses the offer as a whole, without asking never to be called again. "
        'Examples: "I\'m not interested", "thanks, but we\'ll pass".'
    ),
    "DO_NOT_CALL": (
        "Wants never to be called again, or to be taken off the list. "
        'Examples: "take me off your list", "stop calling me".'
    ),
    "CALL_BACK_LATER": (
        "This is a bad moment; wants to talk, or to be called, another time. No meeting is "
        "asked for. "
        'Examples: "I\'m driving, call me back later", "can you try again next week".'
    ),
    "WRONG_PERSON": (
        "Someone else was reached: wrong number, or not the one who decides or is asked for. "
        'Examples: "you have the wrong number", "there is no Mike here".'
    ),
    "VOICEMAIL": (
        "A machine speaks: a mailbox greeting or an automatic announcement. "
        'Examples: "please leave a message after the tone", '
        '"you have reached the voicemail of Sam Lee".'
    ),
    "TRANSFER": (
        "Wants to speak to a person, to someone else, or to a department. "
        'Examples: "let me talk to a human", "put me through to billing".'
    ),
    "REPEAT": (
        "Did not hear or understand the agent's last words, and wants them again. "
        'Examples: "sorry, what was that", "could you say that again please".'
    ),
    "BOOK": (
        "Wants to make, move or cancel a meeting or demo, or names a day or time for one. "
        'Examples: "can you book me a demo for Tuesday at ten", "let\'s set something up".'
    ),
    "HOLD": (
        "Wants the agent to wait or to stop talking for a moment, with nothing else said. "
        'Examples: "hold on a second", "wait, stop".'
    ),
    "THANKS": (
        "Only thanks; neither leaves nor wants anything. "
        'Examples: "thank you so much", "I appreciate that".'
    ),
    "ACKNOWLEDGE": (
        "Shows that he listens; neither a yes nor a wish. When the agent has just asked a "
        "question, such a word counts as CONFIRM. "
        'Examples: "mm-hmm", "okay, I see".'
    ),
    "OTHER": (
        "None of these: a statement, an answer to a question of the agent such as a number or "
        "a name, an insult, or something not understood. "
        'Examples: "we have about twelve technicians", "the weather is nice here".'
    ),
}
"""Every intent with a definition of one or two lines and two examples."""

INTENTS: tuple[str, ...] = tuple(DEFINITIONS)
