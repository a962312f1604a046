"""llama.cpp in this process: what is checked before loading, and the real thing."""

from contextlib import aclosing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from sdr_lab.errors import BadInput, NotFound, ProviderError
from sdr_lab.llm.llama_cpp import LlamaCpp, LlamaCppSettings
from sdr_lab.records import Intent, Message, Passage, Prompt

SMALL = LlamaCppSettings(n_ctx=1024, n_parallel=1, max_tokens=12, temperature=0)
PROMPT = Prompt(
    system="You are Ava, a friendly agent. Answer in one short sentence.",
    words="How much is the Pro plan?",
    history=(Message("agent", "Hi, this is Ava."), Message("caller", "Hi.")),
    passages=(Passage("1", "The Pro plan costs 49 dollars a seat.", "pricing.md", 1.0),),
    intent=Intent("QUESTION", 0.9),
)
STRICT = (  # as the templates of Mistral and Gemma do
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}"
    "{{ raise_exception('Only the first message may be a system message') }}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


async def said(model: LlamaCpp, prompt: Prompt = PROMPT) -> str:
    return "".join([str(piece) async for piece in model.reply(prompt)])


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(NotFound, match=r"no model file at .*x\.gguf - give the path of a \.gguf"):
        LlamaCpp(tmp_path / "x.gguf")


def test_a_file_that_is_no_model(tmp_path: Path):
    path = tmp_path / "x.gguf"
    path.write_bytes(b"RIFF....")
    with pytest.raises(BadInput, match="is no GGUF file \\(it begins with b'RIFF'"):
        LlamaCpp(path)


async def test_a_truncated_model_is_one_line(tmp_path: Path):
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ProviderError) as caught:
        await said(LlamaCpp(path))
    assert f"can't load {path} - is it a complete GGUF model" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.models
class TestWithWeights:
    async def test_it_streams_and_stops_at_the_limit(self):
        model = LlamaCpp(settings=SMALL)
        assert await said(model)
        assert 1 <= model.timings["predicted_n"] <= 12

    async def test_the_prefix_is_read_once(self):
        model = LlamaCpp(settings=SMALL)
        await said(model)
        await said(model)
        assert model.timings["prompt_n"] <= 8

    async def test_models_of_one_shape_share_a_server(self):
        one, two = LlamaCpp(settings=SMALL), LlamaCpp(settings=SMALL)
        assert await one.listening_address() == await two.listening_address()

    @pytest.mark.parametrize("path", ["/v1/models", "/slots", "/props", "/metrics"])
    async def test_the_http_listener_is_locked(self, path: str):
        url = await LlamaCpp(settings=SMALL).listening_address()
        assert url.startswith("http://127.0.0.1:")
        with pytest.raises(HTTPError) as caught:
            urlopen(url + path)  # noqa: ASYNC210
        assert caught.value.code == 401

    async def test_a_history_in_another_script_is_cut_until_it_fits(self):
        """Where four characters are no token at all, the estimate is far too low."""
        history = tuple(
            Message("caller" if i % 2 else "agent", "日本語のテキスト" * 8) for i in range(20)
        )
        model = LlamaCpp(settings=SMALL)
        prompt = Prompt(system="You are Ava.", words="Hello?", history=history)
        assert await said(model, prompt)
        assert model.timings["prompt_n"] + model.timings["cache_n"] <= 1024 - 12

    async def test_a_system_prompt_that_never_fits_is_one_line(self):
        prompt = Prompt(system="1 2 3 4 5 " * 400, words="Hello?")
        with pytest.raises(ProviderError, match="exceeds the available context size") as caught:
            await said(LlamaCpp(settings=SMALL), prompt)
        assert "\n" not in str(caught.value)

    async def test_templates_that_take_one_system_message_only(self):
        settings = LlamaCppSettings(n_ctx=512, n_parallel=1, max_tokens=4, chat_template=STRICT)
        assert await said(LlamaCpp(settings=settings))

    async def test_a_closed_reply_frees_its_place(self):
        """There is one place, so a reply that went on would keep the next one waiting."""
        model = LlamaCpp(settings=LlamaCppSettings(n_ctx=1024, n_parallel=1, max_tokens=700))
        async with aclosing(model.reply(PROMPT)) as reply:
            await anext(reply)
        await model.warm_up(PROMPT)
        assert model.timings["predicted_n"] <= 1
