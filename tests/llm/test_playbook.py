"""Turns and whole calls with `playbook`, over passages given by hand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from sdr_lab.agents.intent_names import INTENTS
from sdr_lab.llm.playbook import PlaybookModel
from sdr_lab.llm.playbook_lines import ASKS, DEFAULT_LINES, OBJECTIONS
from sdr_lab.records import Intent, Message, Passage, Playbook, Prompt, ToolCall, ToolResult
from tests.llm.playbook_talk import KNOWLEDGE, MAPLEWOOD, NOW, REMINDER, HandSearch, Talk

UNKNOWN = r"don't know|not something I know|not in my notes"


async def reply_to(prompt: Prompt) -> list[str | ToolCall]:
    """The text as one item, and the tool calls."""
    parts: list[str | ToolCall] = []
    async for part in PlaybookModel().reply(prompt):
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)
    return parts


# ---- one question each

ANSWERS: list[tuple[str, str]] = [
    # price
    ("Hi Joe. How much does it cost for a team of ten technicians?", r"Growth plan .*\$129"),
    ("what would we pay for twelve guys", r"Growth plan .*\$129"),
    ("we've got about ten techs, what would we be paying", r"Growth plan .*\$129"),
    ("How much for two technicians?", r"Starter plan .*\$49"),
    ("price for a crew of forty", r"Fleet plan .*\$299"),
    ("What's the price?", r"\$49 .*\$129 .*\$299"),
    ("How much is the Growth plan?", r"\$129"),
    ("what does fleet cost a month", r"\$299"),
    ("Is there a discount if we pay for the year?", r"Annual billing saves 15 percent"),
    # integrations
    ("Does it work with QuickBooks?", r"^Yes\. .*QuickBooks Online"),
    ("does it work with quick books", r"QuickBooks Online"),
    ("Can you hook it up to our Quickbooks?", r"QuickBooks Online"),
    ("Do you sync with Google Calendar?", r"^Yes\. .*Google Calendar"),
    ("Is there a Zapier integration?", r"Zapier"),
    ("Does it work with QuickBooks Desktop?", r"not for the QuickBooks Desktop"),
    # trial
    ("Sorry, wait, do we need a credit card for the trial?", r"^No\. .*not need a credit card"),
    ("is a card required to try it", r"not need a credit card"),
    ("Do you have a free trial?", r"^Yes\. .*14-day free trial"),
    ("how long is the trial", r"14-day"),
    # set-up, support, data
    ("How long does it take to get up and running?", r"about 2 days"),
    ("How long is the onboarding?", r"about 2 days"),
    ("Can you import our spreadsheets?", r"Importing your data from spreadsheets is free"),
    ("how much is it to bring my data over from excel", r"spreadsheets is free|Excel or CSV"),
    ("What are your support hours?", r"7 am to 7 pm Central"),
    ("When can I reach support?", r"7 am to 7 pm Central"),
    ("Who do I call if something breaks in the middle of the night?", r"emergency line"),
    ("Do you have support on weekends?", r"^No\. .*no support at night or on weekends"),
    ("Does it work offline?", r"^Yes\. .*works offline"),
    ("What if we lose internet in a basement?", r"works offline"),
    ("Does it run on iPhones?", r"^Yes\. .*iPhone"),
    ("Can I cancel any time?", r"cancel at any time"),
    ("Am I locked into a contract?", r"cancel at any time|cancel any time"),
    ("Is my data encrypted?", r"^Yes\. .*encrypted"),
    ("Where do you keep my data?", r"United States"),
    ("How many missed appointments would it save us?", r"25 percent"),
    # the company and the agent
    ("What does your software do?", r"scheduling and dispatch software"),
    ("Who am I talking to?", r"Joe, the automated assistant"),
    ("Are you a real person?", r"automated assistant"),
    ("Why are you calling me?", r"Maplewood Dispatch"),
    ("How did you get my number?", r"I don't know that"),
    # two at once
    ("Tell me how the set up works and what support we get", r"2 days.*7 am to 7 pm"),
    ("explain the onboarding to me and the support hours", r"2 days.*7 am to 7 pm"),
]


@pytest.mark.parametrize(("words", "expected"), ANSWERS)
async def test_answers(words: str, expected: str):
    reply = await Talk().say(words)

    assert re.search(expected, reply), reply
    assert "colleague" not in reply
    assert len(re.findall(r"[.?!](?: |$)", reply)) <= 5


TRAPS: list[str] = [
    "And do you integrate with Salesforce?",
    "do you integrate with sales force",
    "Does it work with Salesforce?",
    "What about Salesforce, do you hook up to that?",
    "Do you connect to HubSpot?",
    "Do you work with Xero?",
    "does it sync with outlook",
    "Does it talk to Clover?",
    "Does it run on iPads?",
    "Do you have an API?",
    "Can I get a refund?",
    "Do you do payroll?",
    "Do you sell trucks?",
    "Who is your CEO?",
    "Do you have an office in Berlin?",
    "How many customers do you have in Norway?",
]


@pytest.mark.parametrize("words", TRAPS)
async def test_what_is_not_known_is_not_answered(words: str):
    reply = await Talk().say(words)

    assert re.search(UNKNOWN, reply), reply
    assert "colleague" in reply
    assert not re.search(r"\byes\b|\bwe do\b|QuickBooks|\d", reply, re.IGNORECASE)


@pytest.mark.parametrize("words", TRAPS)
async def test_nor_when_every_passage_is_at_hand(words: str):
    reply = await Talk(passages=KNOWLEDGE).say(words)

    assert re.search(UNKNOWN, reply), reply


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Do you offer a nonprofit discount?", "Annual billing saves 15 percent"),
        ("Do you guarantee results?", "25 percent fewer missed appointments"),
    ],
)
async def test_what_is_half_known_is_said_to_be_so(words: str, told: str):
    reply = await Talk().say(words)

    assert reply.startswith("I'm not sure about that exactly.")
    assert told in reply
    assert "colleague" in reply
    assert "Yes" not in reply


@pytest.mark.parametrize(
    "words",
    ["Is it more than a hundred dollars?", "Is it always free?", "Don't you have a trial?"],
)
async def test_no_yes_or_no_where_it_is_not_certain(words: str):
    reply = await Talk(passages=KNOWLEDGE).say(words)

    assert not re.match(r"(Yes|No|Sure|Of course)\b", reply), reply


async def test_without_passages_only_the_facts_are_known():
    talk = Talk(passages=(), agent=replace(MAPLEWOOD, tools=()))

    assert "14-day" not in await talk.say("Does it work with QuickBooks?")
    assert "QuickBooks" not in await talk.say("Which integrations do you have?")


async def test_facts_of_another_agent_need_no_passages():
    talk = Talk(agent=REMINDER, passages=())

    assert "park for free behind the building" in await talk.say("where can I park?")
    assert "insurance card" in await talk.say("what should I bring?")


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        (
            "| Plan | Price |\n|---|---|\n| Small | $5 per month, up to 2 people |\n"
            "| Large | $9 per month, up to 20 people |",
            "how much for ten people",
            r"Large, \$9",
        ),
        (
            "The Small plan is $5 a month for up to 2 people, the Large plan is $9 a month for "
            "up to "
            "20 people, and the Huge plan is $30 a month for unlimited people.",
            "how much for ten people",
            r"^(Sure\. )?The Large plan is \$9 a month for up to 20 people",
        ),
        ("- **Warranty**: two years on every pump.", "do you give a warranty", r"Warranty: two"),
        (
            "Q: Do you repair boilers?\nA: Yes, we repair boilers of all makes.",
            "do you repair boilers",
            r"We repair boilers of all makes",
        ),
        (
            "## Opening hours\nWe are open from 8 a.m. to 5 p.m. on weekdays.",
            "when are you open",
            r"8 a\.m\. to 5 p\.m\. on weekdays",
        ),
    ],
)
async def test_passages_in_other_shapes(text: str, words: str, expected: str):
    passages = (Passage("x", text, "x.md", 1.0),)
    reply = await Talk(passages=passages, agent=replace(REMINDER, tools=())).say(words)

    assert re.search(expected, reply), reply
    assert "|" not in reply
    assert "*" not in reply


# ---- whole calls


async def test_the_call_of_the_demo():
    talk = Talk()

    assert "$129" in await talk.say("Hi Joe. How much does it cost for a team of ten technicians?")
    assert "QuickBooks Online" in await talk.say("Does it work with QuickBooks?")
    assert "I don't know" in await talk.say("And do you integrate with Salesforce?")
    objection = await talk.say("Honestly that sounds expensive. We already use spreadsheets.")
    assert "25 percent" in objection
    assert "spreadsheets is free" in objection
    await talk.say("Tell me how the set up works and what support we get", cut_after=6)
    assert "not need a credit card" in await talk.say(
        "Sorry, wait, do we need a credit card for the trial?"
    )
    booked = await talk.say("Okay, can you book me a demo for Tuesday at ten in the morning?")
    assert booked.startswith("You're booked for Tuesday, December first at 10 AM.")
    goodbye = await talk.say("No that's all, thank you. Bye.")

    assert talk.ended
    assert goodbye.endswith("Goodbye!")
    assert [call.name for call in talk.calls if call.name != "search_knowledge_base"] == [
        "book_appointment",
        "end_call",
    ]


async def test_the_same_call_in_other_words():
    talk = Talk()

    assert "$129" in await talk.say("hey what would it run us we've got about ten techs")
    assert "QuickBooks Online" in await talk.say("is there a quick books connection")
    assert re.search(UNKNOWN, await talk.say("how about sales force do you hook up to that"))
    assert "25 percent" in await talk.say("hm that's a lot of money and our excel sheets work fine")
    await talk.say("explain the onboarding to me and the support hours", cut_after=5)
    assert "not need a credit card" in await talk.say("hang on is a credit card needed to try it")
    assert "which day" in (await talk.say("alright let's do a demo")).lower()
    assert "10 AM" in await talk.say("Tuesday morning")
    assert "You're booked for Tuesday, December first at 10 AM" in await talk.say("ten works")
    await talk.say("nope that's everything bye")

    assert talk.ended


async def test_follow_up_by_email():
    talk = Talk()

    await talk.say("Do you integrate with Salesforce?")
    assert "email" in await talk.say("Yes please.")
    noted = await talk.say("it's sam dot lee at example dot com")

    assert noted.startswith("I've noted that for a colleague.")
    assert talk.results[-1].data["about"] == "Do you integrate with Salesforce?"
    assert talk.results[-1].data["email"] == "sam.lee@example.com"
    assert "colleague" in await talk.say("And do you work with Xero?")


async def test_follow_up_by_phone_and_declined():
    by_phone, declined = Talk(), Talk()
    for talk in (by_phone, declined):
        await talk.say("Do you integrate with Salesforce?")

    await by_phone.say("Yes.")
    assert "noted" in await by_phone.say("just call me on this number")
    assert by_phone.results[-1].data["phone"] == "+13125550123"
    assert (await declined.say("No, it's fine.")).startswith("No problem.")
    assert all(call.name == "search_knowledge_base" for call in declined.calls)


async def test_a_taken_time_is_answered_with_others():
    talk = Talk()
    start = datetime(2026, 12, 1, 10, tzinfo=NOW.tzinfo)
    await talk.calendar.book("maplewood", "other", start, 30, "", "", "", "k")

    taken = await talk.say("Book me a demo for Tuesday at ten.")
    booked = await talk.say("Ten thirty then.")

    assert "is not free" in taken
    assert "10:30 AM" in taken
    assert booked.startswith("You're booked for Tuesday, December first at 10:30 AM.")


async def test_times_are_offered_and_chosen():
    talk = Talk()

    offered = await talk.say("Do you have anything free tomorrow morning for a demo?")
    assert offered.startswith("I have Wednesday, November twenty-fifth at 9 AM, 10 AM, and 11:30")
    refused = await talk.say("No, that doesn't work.")
    assert refused.endswith("?")
    assert "Thursday, November twenty-sixth" in await talk.say("What about Thursday?")
    assert "booked for Thursday, November twenty-sixth at 1 PM" in await talk.say("the second one")


async def test_interest_leads_to_a_meeting():
    talk = Talk()

    offer = await talk.say("That sounds interesting.")
    assert "demo" in offer
    assert "Which day" in await talk.say("Yes, sure.")


async def test_an_agent_that_confirms_first():
    confirming = Talk()
    specs = confirming.toolbox.specs(MAPLEWOOD)
    prompt = Prompt(
        system="",
        words="yes",
        intent=Intent("CONFIRM"),
        pending=ToolCall("book_appointment", {"start": "2026-12-01T10:00:00"}, confirm=True),
        tools=specs,
        playbook=MAPLEWOOD.playbook,
    )

    yes = await reply_to(prompt)
    no = await reply_to(replace(prompt, words="no", intent=Intent("DENY")))

    assert yes == [ToolCall("book_appointment", {"start": "2026-12-01T10:00:00"})]
    assert isinstance(no[0], str)
    assert "won't book it" in no[0]


async def test_moving_an_appointment_books_the_new_time_and_leaves_a_note():
    talk = Talk()
    await talk.say("Book me a demo for Tuesday at ten.")

    moved = await talk.say("Actually, can we move it to Wednesday at two?")

    assert "booked for Wednesday, November twenty-fifth at 2 PM" in moved
    assert "noted that for a colleague" in moved
    assert talk.results[-1].data["about"].startswith("cancel the earlier appointment")


@pytest.mark.parametrize(
    ("words", "reply", "ends"),
    [
        ("I'm not interested.", r"Goodbye", True),
        ("Take me off your list.", r"do-not-call list now\. .*Goodbye", True),
        ("stop calling me you idiot", r"do-not-call list now", True),
        ("You have the wrong number.", r"Sorry .*Goodbye", True),
        ("I'm not the one who decides that.", r"Who looks after scheduling", False),
        ("You've reached the voicemail of Sam Lee, leave a message.", r"Sorry I missed you", True),
        ("I'm driving, call me back later.", r"better time\?", False),
        ("Call me back tomorrow at three.", r"noted that for Wednesday.* at 3 PM", True),
        ("Hold on a second.", r"take your time|I'm here", False),
        ("You are an idiot.", r"sorry to have upset you", False),
        ("Thank you.", r"welcome", False),
        ("Hello?", r"What would you like to know", False),
        ("How are you?", r"doing well", False),
        ("What do you think about politics?", r"not able to talk about that", False),
        ("Can you give me legal advice?", r"not able to talk about that", False),
        ("Goodbye.", r"Goodbye!", True),
        ("The dog is barking.", r"not sure I understood|another way", False),
        ("mm-hmm", r"\?$", False),
    ],
)
async def test_other_turns(words: str, reply: str, ends: bool):
    talk = Talk()

    said = await talk.say(words)

    assert re.search(reply, said), said
    assert talk.ended is ends


async def test_transfer_to_the_department_named():
    talk = Talk()

    assert await talk.say("Put me through to billing.") == "I'm connecting you to billing now."
    assert talk.transferred_to == "+13125550142"


async def test_transfer_without_anyone_to_connect_to():
    talk = Talk(agent=replace(MAPLEWOOD, tools=("note_follow_up", "end_call")))

    assert "colleague" in await talk.say("Let me talk to a human.")
    assert talk.transferred_to is None


async def test_do_not_call_reaches_the_table_and_a_hidden_number_is_asked_for():
    talk, hidden = Talk(), Talk(caller_number="")

    await talk.say("Don't ever call me again.")
    asked = await hidden.say("Take me off your list.")
    await hidden.say("Take off three one two five five five oh one nine nine, stop calling me.")

    assert await talk.do_not_call.contains("+13125550123")
    assert "Which number" in asked
    assert await hidden.do_not_call.contains("+13125550199")


async def test_no_after_anything_else_ends_the_call():
    talk = Talk()

    await talk.say("Book me a demo for Tuesday at ten.")
    await talk.say("No.")

    assert talk.ended


async def test_repeat_says_the_last_sentences_again():
    talk = Talk()
    first = await talk.say("How long is the trial?")

    assert await talk.say("Sorry, what was that?") == first


async def test_an_interrupted_answer_is_given_in_full_when_asked_again():
    talk = Talk()
    full = await talk.say("How long does the set-up take?", cut_after=3)

    again = await talk.say("How long does the set-up take?")

    assert "about 2 days from the first call" in full
    assert "about 2 days from the first call" in again


async def test_a_question_asked_twice_is_answered_twice_but_not_in_the_same_words():
    talk = Talk()
    first = await talk.say("How long is the trial?")
    second = await talk.say("How long is the trial?")

    assert "14-day" in second
    assert second != first
    assert second.startswith(("As I said, every plan", "Like I mentioned, every plan"))


async def test_lines_alternate():
    talk = Talk()

    replies = [await talk.say(words) for words in ("Do you sell trucks?", "Do you sell vans?")]

    assert replies[0] != replies[1]


async def test_a_discovery_question_is_asked_once_and_not_when_answered():
    talk = Talk()
    asked = [await talk.say(words) for words in ("What's the price?", "Is there a trial?")]
    counted = Talk()
    await counted.say("How much is it for ten technicians?")
    later = [await counted.say(words) for words in ("Is there a trial?", "okay", "okay")]

    assert asked[0].endswith("How many technicians do you have?")
    assert "How many technicians" not in asked[1]
    assert not any("How many technicians" in reply for reply in later)


async def test_the_size_of_the_team_is_used():
    talk = Talk()
    await talk.say("What's the price?")

    reply = await talk.say("About twelve.")

    assert reply.startswith("Thanks, that helps.")


# ---- promises about every reply

ALL_TURNS: Sequence[str] = (
    [words for words, _ in ANSWERS]
    + TRAPS
    + [
        "Honestly that sounds expensive. We already use spreadsheets.",
        "I don't trust the cloud with my data.",
        "my guys will never use an app",
        "I need to ask my wife",
        "we're only three people",
        "we don't have time for this",
        "Can you book me a demo for Tuesday at ten?",
        "Do you have anything on Thursday?",
        "Saturday at ten please",
        "That sounds interesting.",
        "tell me more",
        "Let me talk to sales.",
        "I'm busy, call me on Friday at two.",
        "Wrong number.",
        "take me off your list",
        "What about politics?",
        "We have about twelve technicians.",
    ]
)

ALLOWED_NAMES = {"I", "AM", "PM"}


def names_and_numbers(text: str) -> set[str]:
    """Numbers, and words with a capital that do not begin a sentence."""
    names: set[str] = set()
    for sentence in re.split(r"(?<=[.?!])\s+", text):
        words = re.findall(r"[\w$'-]+", sentence)
        names.update(word for word in words[1:] if word[:1].isupper())
        names.update(word for word in words if any(char.isdigit() for char in word))
    return {name.split("'")[0] for name in names} - ALLOWED_NAMES


@pytest.mark.parametrize("words", ALL_TURNS)
async def test_every_name_and_number_of_a_reply_comes_from_somewhere(words: str):
    talk = Talk()

    reply = await talk.say(words)

    prompt = talk.prompts[-1]
    sources = [p.text for p in (*prompt.passages, *await HandSearch().search(words, 8))]
    sources += [line for lines in prompt.playbook.lines.values() for line in lines]
    sources += [*prompt.playbook.facts.values(), *prompt.variables.values()]
    sources += [result.content for result in talk.results]
    sources += [line for lines in DEFAULT_LINES.values() for line in lines]
    known = set(re.findall(r"[\w$'-]+", " ".join(sources)))
    assert names_and_numbers(reply) <= known | {name.split("'")[0] for name in known}, reply


@pytest.mark.parametrize("words", ALL_TURNS)
async def test_every_reply_is_speakable_begins_short_and_is_the_same_again(words: str):
    first, second = Talk(), Talk()

    reply = await first.say(words)

    assert reply == await second.say(words)
    assert reply
    assert not re.search(r"[*_#|\[\]{}<>]", reply)
    assert len(re.split(r"[,.?!]\s", reply)[0].split()) <= 16
    assert reply.count("?") <= 1


async def test_replies_come_in_pieces_and_stop_when_closed():
    prompt = Prompt(system="", words="hello", intent=Intent("HELLO"))
    pieces = [piece async for piece in PlaybookModel().reply(prompt)]
    stream = PlaybookModel().reply(prompt)
    assert isinstance(stream, AsyncGenerator)

    first = await anext(stream)
    await stream.aclose()

    assert len(pieces) > 1
    assert first == pieces[0]
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_cancelled_reply_stops_between_two_pieces():
    prompt = Prompt(system="", words="hello", intent=Intent("HELLO"))
    heard: list[str | ToolCall] = []

    async def listen() -> None:
        async for piece in PlaybookModel().reply(prompt):
            heard.append(piece)

    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(heard) == 1


async def test_a_bare_prompt_gets_a_reply_for_every_intent():
    for name in INTENTS:
        parts = await reply_to(Prompt(system="", words="hm", intent=Intent(name)))
        assert parts, name
        assert isinstance(parts[0], ToolCall) or parts[0].strip(), name


async def test_results_nobody_knows_are_told_as_they_are():
    prompt = Prompt(
        system="",
        words="check my order",
        results=(ToolResult("check_order", True, "your order is on its way."),),
    )

    (text,) = await reply_to(prompt)

    assert isinstance(text, str)
    assert text.startswith("Your order is on its way.")


async def test_unprompted_the_agent_greets_or_asks_whether_one_is_there():
    greeting = await reply_to(Prompt(system="", words=""))
    silence = await reply_to(Prompt(system="", words="", history=(Message("agent", "Hi."),)))

    assert greeting == ["Hi, how can I help you today? "]
    assert silence == ["Are you still there? "]


async def test_warm_up_is_a_reply_nobody_hears():
    model, prompt = PlaybookModel(), Prompt(system="", words="how much is it")
    first = [piece async for piece in model.reply(prompt)]
    await model.warm_up(prompt)

    assert [piece async for piece in model.reply(prompt)] == first


def test_the_tables_of_lines_belong_together():
    keys = {key for moments, _ in ASKS.values() for key in moments}

    assert keys - {"discovery"} <= set(DEFAULT_LINES)
    assert all(
        line.strip() == line or key == "again"
        for key, lines in DEFAULT_LINES.items()
        for line in lines
    )
    assert set(OBJECTIONS) <= set(MAPLEWOOD.playbook.lines)
    assert Playbook() == Prompt(system="", words="").playbook
