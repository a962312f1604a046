"""The response cache answers only what depends on nothing but the question and the facts."""

from contextlib import aclosing
from dataclasses import replace

import pytest

from sdr_lab.errors import ProviderError
from sdr_lab.llm.cache import CachedModel, question_key
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import Intent, Passage, Prompt, Slots, ToolCall, ToolResult

PROMPT = Prompt(
    system="You are Ava.",
    words="How much does Pro cost?",
    passages=(Passage("p1", "Pro costs 49 dollars.", "pricing.md", 1.0),),
    intent=Intent("QUESTION", 0.9),
)


def cached(replies: object = None, max_entries: int = 256) -> tuple[CachedModel, ScriptedModel]:
    model = ScriptedModel(replies or (lambda prompt: f"Answer to {prompt.words}"))  # type: ignore[arg-type]
    return CachedModel(model, question_key("sales@1"), max_entries), model


async def said(model: CachedModel, prompt: Prompt) -> list[str | ToolCall]:
    return [piece async for piece in model.reply(prompt)]


async def test_the_second_time_the_model_is_not_asked():
    model, source = cached()
    assert not model.hit(PROMPT)
    first = await said(model, PROMPT)
    again = replace(PROMPT, words="how much does pro cost")
    assert model.hit(again)
    assert await said(model, again) == first
    assert len(source.prompts) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"words": "How much does Starter cost?"},
        {"system": "You are Ava. Today is Wednesday."},
        {"variables": {"company": "Acme"}},
        {"passages": (Passage("p1", "Pro costs 59 dollars.", "pricing.md", 1.0),)},
        {"passages": (Passage("p2", "Pro costs 49 dollars.", "pricing.md", 1.0),)},
    ],
)
async def test_whatever_the_answer_depends_on_is_in_the_key(change: dict):
    model, _ = cached()
    await said(model, PROMPT)
    assert not model.hit(replace(PROMPT, **change))


async def test_another_version_of_the_agent_has_other_answers():
    assert question_key("sales@1")(PROMPT) != question_key("sales@2")(PROMPT)


@pytest.mark.parametrize(
    "change",
    [
        {"words": "How much is that one?"},
        {"words": "Is it secure enough?"},
        {"words": "What did you just say?"},
        {"words": "How much?"},
        {"words": ""},
        {"intent": Intent("INTERESTED", 0.9)},
        {"passages": ()},
        {"results": (ToolResult("search", True, "x"),)},
        {"pending": ToolCall("book")},
        {"slots": Slots(day="2026-12-01")},
    ],
)
async def test_prompts_that_lean_on_more_are_never_cached(change: dict):
    model, source = cached()
    prompt = replace(PROMPT, **change)
    await said(model, prompt)
    await said(model, prompt)
    assert not model.hit(prompt)
    assert len(source.prompts) == 2
    assert len(model) == 0


async def test_replies_with_tools_are_not_kept():
    model, _ = cached([["Let me look.", ToolCall("search")]])
    await said(model, PROMPT)
    assert not model.hit(PROMPT)


async def test_replies_closed_early_are_not_kept_and_stop_the_model():
    model, source = cached()
    async with aclosing(model.reply(PROMPT)) as reply:
        await anext(reply)
    assert not model.hit(PROMPT)
    assert source.stopped == 1


async def test_failed_replies_are_not_kept():
    source = ScriptedModel(["Pro costs"], fail_at=1)
    model = CachedModel(source, question_key("sales@1"))
    with pytest.raises(ProviderError):
        await said(model, PROMPT)
    assert not model.hit(PROMPT)


async def test_the_answer_used_least_recently_is_forgotten():
    model, _ = cached(max_entries=2)
    one, two, three = (replace(PROMPT, words=f"How much is plan {n}?") for n in "abc")
    await said(model, one)
    await said(model, two)
    await said(model, one)
    await said(model, three)
    assert [model.hit(prompt) for prompt in (one, two, three)] == [True, False, True]
    assert len(model) == 2


def test_numbers_keep_their_points_in_the_key():
    key = question_key("a")
    asked = [replace(PROMPT, words=f"what is {n} percent") for n in ("1.5", "15", "1,5")]
    assert len({key(prompt) for prompt in asked}) == 3
