from __future__ import annotations

from dataclasses import replace

import pytest

from sdr_lab.agents.variables import fill, fill_playbook, missing_in, names_in, values_for
from sdr_lab.errors import BadInput
from sdr_lab.records import Agent, Playbook

AGENT = Agent(
    id="a",
    name="Joe",
    version=1,
    system_prompt="You are {{agent_name}} of {{company}}.",
    first_message="Hi {{lead_name|there}}, it is {{agent_name}}.",
    variables={"company": "Maplewood"},
)


@pytest.mark.parametrize(
    ("text", "filled", "missing"),
    [
        ("Hi {{name}}!", "Hi Sam!", ()),
        ("Hi {{ name }}!", "Hi Sam!", ()),
        ("Hi {{name|there}}!", "Hi Sam!", ()),
        ("Hi {{other|there}}!", "Hi there!", ()),
        ("Hi{{other|}}!", "Hi!", ()),
        ("{{b}} {{a}} {{b}}", "  ", ("b", "a")),
        ("no variables {here}", "no variables {here}", ()),
        ("{{trick}}", "{{name}}", ()),
    ],
)
def test_fill(text: str, filled: str, missing: tuple[str, ...]):
    assert fill(text, {"name": "Sam", "trick": "{{name}}"}) == (filled, missing)


def test_strict_names_place_and_variable():
    with pytest.raises(BadInput, match=r"first_message: no value for lead; given: name"):
        fill("Hi {{lead}}", {"name": "Sam"}, strict=True, where="first_message")


def test_names_in_order_and_once():
    assert names_in("{{b}} {{a|x}} {{b}}") == ("b", "a")


def test_values_of_the_call_win_over_defaults_and_built_in_ones():
    assert values_for(AGENT, {"company": "Elm"}) == {"agent_name": "Joe", "company": "Elm"}


def test_missing_in_names_the_place():
    broken = replace(AGENT, goodbye="Bye {{x}}", playbook=Playbook(lines={"HELLO": ("{{y}}",)}))

    assert missing_in(AGENT) == {}
    assert missing_in(broken) == {"goodbye": ("x",), "playbook.lines.HELLO": ("y",)}


def test_a_playbook_line_with_a_hole_is_dropped():
    playbook = Playbook(
        lines={"HELLO": ("Hi {{who}}", "Hi from {{company}}"), "who": ("I'm {{who}}",)},
        facts={"a": "We are {{company}}.", "b": "{{who}}"},
    )

    filled = fill_playbook(playbook, {"company": "Elm"})

    assert filled.lines == {"HELLO": ("Hi from Elm",)}
    assert filled.facts == {"a": "We are Elm."}
