"""What one call changes of its agent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sdr_lab.agents.overrides import Overrides, with_overrides
from sdr_lab.errors import BadInput
from sdr_lab.records import Agent

AGENT = Agent(
    id="joe",
    name="Joe",
    version=3,
    system_prompt="You sell.",
    first_message="Hello {{lead}}.",
    variables={"lead": "there", "company": "Elm"},
)


def test_no_overrides_change_nothing():
    assert with_overrides(AGENT, None) is AGENT
    assert with_overrides(AGENT, Overrides()) == AGENT


def test_what_is_given_is_changed_and_nothing_else():
    overrides = Overrides(
        prompt="You listen.",
        first_message="Hi {{lead}}!",
        voice="aura-2-thalia-en",
        model="llama3",
        llm_provider="ollama",
        tts_provider="deepgram",
        language="en",
        variables={"lead": "Ann"},
    )
    agent = with_overrides(AGENT, overrides)
    assert agent == replace(
        AGENT,
        system_prompt="You listen.",
        first_message="Hi {{lead}}!",
        voice="aura-2-thalia-en",
        model="llama3",
        llm_provider="ollama",
        tts_provider="deepgram",
        variables={"lead": "Ann", "company": "Elm"},
    )
    assert with_overrides(agent, overrides) == agent


def test_an_empty_first_message_lets_the_caller_begin():
    assert with_overrides(AGENT, Overrides(first_message="")).first_message == ""


def test_they_go_into_the_store_and_back():
    overrides = Overrides(prompt="You listen.", first_message="", variables={"lead": "Ann"})
    kept = overrides.to_dict()
    assert kept == {"prompt": "You listen.", "first_message": "", "variables": {"lead": "Ann"}}
    assert Overrides.of(kept) == overrides
    assert Overrides().to_dict() == {}
    assert Overrides.of({"voice": None}) == Overrides()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"voise": "x"}, r"override 'voise' is unknown, allowed: prompt, .*variables"),
        ({"voice": 3}, "override voice: got 3, allowed: text"),
        ({"prompt": " "}, "override prompt: is empty"),
        ({"prompt": "x" * 20_001}, "got 20001 characters, allowed: 20000"),
        ({"first_message": "x" * 1_001}, "allowed: 1000"),
        ({"language": "de"}, "override language: got 'de', allowed: en"),
        ({"variables": ["a"]}, "override variables"),
    ],
)
def test_what_is_not_allowed_is_told(values: dict[str, Any], told: str):
    with pytest.raises(BadInput, match=told):
        Overrides.of(values)


def test_a_bad_value_is_noticed_however_it_was_made():
    with pytest.raises(BadInput, match="language"):
        with_overrides(AGENT, Overrides(language="de"))
