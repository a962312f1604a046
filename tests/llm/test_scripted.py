"""The scripted model does what its script says, no matter how often it is asked."""

import asyncio
from contextlib import aclosing

import pytest

from sdr_lab.errors import ProviderError
from sdr_lab.llm.scripted import ScriptedModel, word_pieces
from sdr_lab.records import Message, Prompt, ToolCall

FIRST = Prompt(system="", words="hello")
SECOND = Prompt(system="", words="bye", history=(Message("caller", "hello"),))


async def said(model: ScriptedModel, prompt: Prompt) -> list[str | ToolCall]:
    return [piece async for piece in model.reply(prompt)]


async def test_replies_come_in_order_cut_into_words():
    model = ScriptedModel(["It costs $49.", ["exactly ", "so"]])
    assert await said(model, FIRST) == ["It", " costs", " $49."]
    assert await said(model, SECOND) == ["exactly ", "so"]
    assert model.prompts == [FIRST, SECOND]


async def test_a_prompt_asked_again_gets_the_same_reply():
    model = ScriptedModel(["One.", "Two."])
    assert await said(model, FIRST) == await said(model, FIRST) == ["One."]
    assert await said(model, SECOND) == ["Two."]


async def test_a_script_that_is_too_short_says_so():
    model = ScriptedModel(["One."])
    await said(model, FIRST)
    with pytest.raises(ProviderError, match="asked for reply 2, the script has 1"):
        await said(model, SECOND)


async def test_a_function_of_the_prompt():
    model = ScriptedModel(lambda prompt: f"You said {prompt.words}.")
    assert "".join(map(str, await said(model, FIRST))) == "You said hello."


async def test_tools_as_calls_and_as_text():
    call = ToolCall("end_call", {"reason": "done"})
    model = ScriptedModel([["Bye.", call], "Bye. [TOOL:end_call:reason=done]"])
    assert await said(model, FIRST) == ["Bye.", call]
    assert (await said(model, SECOND))[-1] == call


@pytest.mark.parametrize(("fail_at", "pieces"), [(0, 0), (1, 1), (2, 2)])
async def test_failure_after_so_many_pieces(fail_at: int, pieces: int):
    model = ScriptedModel(["Two words"], fail_at=fail_at, failure="gone")
    reply = model.reply(FIRST)
    for _ in range(pieces):
        await anext(reply)
    with pytest.raises(ProviderError, match="scripted: gone"):
        await anext(reply)


async def test_delays_on_the_loops_clock():
    model = ScriptedModel(["a b c"], first_delay_ms=20, piece_delay_ms=10)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await said(model, FIRST)
    assert loop.time() - begun >= 0.039


async def test_closing_early_is_counted():
    model = ScriptedModel(["a b c"])
    async with aclosing(model.reply(FIRST)) as reply:
        await anext(reply)
    assert model.stopped == 1
    assert len(model.prompts) == 1


def test_word_pieces_lose_nothing():
    text = "  One two\nthree  "
    assert "".join(word_pieces(text)) == text
    assert word_pieces("") == []
