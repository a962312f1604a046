from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest
import yaml

from sdr_lab.agents.agent import (
    GreetingFile,
    InterruptFile,
    ThinkingFile,
    agent_from,
    agent_schema,
    agent_to_dict,
    dump_agent,
    load_agent,
    parse_agent,
)
from sdr_lab.agents.variables import missing_in
from sdr_lab.errors import BadInput, NotFound
from sdr_lab.phase_overrides import ALLOWED
from sdr_lab.records import Agent, InterruptSettings

SHIPPED = sorted((Path(__file__).parents[2] / "datasets" / "agents").glob("*.yaml"))

SMALL = """\
name: Joe
system_prompt: You are Joe.
first_message: Hi.
"""


def test_two_different_agents_are_shipped():
    agents = [load_agent(path) for path in SHIPPED]

    assert len({agent.name for agent in agents}) >= 2
    assert len({agent.time_zone for agent in agents}) >= 2


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_agents_come_back_from_yaml_unchanged(path: Path):
    agent = load_agent(path)

    assert parse_agent(dump_agent(agent)) == agent
    assert agent_from(agent_to_dict(agent)) == agent


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_agents_lack_no_variable(path: Path):
    assert missing_in(load_agent(path)) == {}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_agents_fit_the_schema(path: Path):
    jsonschema.validate(yaml.safe_load(path.read_text()), agent_schema())


def test_the_file_name_is_the_id_when_there_is_none(tmp_path: Path):
    path = tmp_path / "front-desk.yaml"
    path.write_text(SMALL)

    assert load_agent(path).id == "front-desk"
    assert parse_agent(SMALL).id == "joe"


def test_a_single_line_may_stand_without_a_list():
    agent = parse_agent(SMALL + "playbook: {lines: {HELLO: Hi}, facts: {a: A fact.}}\n")

    assert agent.playbook.lines == {"HELLO": ("Hi",)}


def test_numbers_are_welcome_as_values_of_variables():
    assert parse_agent(SMALL + "variables: {age: 7}\n").variables == {"age": "7"}


def test_interrupt_overrides_of_the_greeting_and_of_thought_are_those_of_the_settings():
    assert set(GreetingFile.model_fields) == set(ALLOWED["greeting"])
    assert set(ThinkingFile.model_fields) == set(ALLOWED["thinking"])
    text = SMALL + "interrupt: {stop_words: [hold on], greeting: {hold: false}}\n"
    own = {"stop_words": ["hold on"], "greeting": {"hold": False}}
    assert parse_agent(text).interrupt == own
    assert parse_agent(dump_agent(parse_agent(text))).interrupt == own
    with pytest.raises(BadInput, match=r"greeting\.hald: unknown key, allowed: enabled, min_en"):
        parse_agent(SMALL + "interrupt: {greeting: {hald: false}}\n")


def test_interrupt_overrides_are_those_of_the_settings():
    assert set(InterruptFile.model_fields) == {field.name for field in fields(InterruptSettings)}
    assert parse_agent(SMALL + "interrupt: {min_energy: 900}\n").interrupt == {"min_energy": 900}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("temprature: 1\n", "a.yaml, line 4: temprature: unknown key, allowed: id, name, version"),
        (
            "temperature: 3\n",
            "a.yaml, line 4: temperature: got 3, allowed: less than or equal to 2",
        ),
        ("version: 0\n", "a.yaml, line 4: version: got 0, allowed: greater than or equal to 1"),
        ("version: one\n", "a.yaml, line 4: version: got 'one', allowed: integer"),
        (
            "interrupt:\n  enabled: true\n  min_energie: 1\n",
            "a.yaml, line 6: interrupt.min_energie: unknown key, allowed: enabled, min_energy",
        ),
        ("interrupt: {enabled: maybe}\n", "interrupt.enabled: got 'maybe', allowed: boolean"),
        ("tools:\n  - end_call\n  - fly\n", "a.yaml, line 6: tools.1: got 'fly', allowed: 'search"),
        ("time_zone: Mars/Base\n", "time_zone: got 'Mars/Base', allowed: a time zone such as"),
        ("departments: {sales: 555}\n", "departments.sales: got 555, allowed: string"),
        ("departments: {sales: '555'}\n", "departments.sales: got '555', allowed: match pattern"),
        ("playbook: {lines: {HELLO: []}}\n", "playbook.lines.HELLO: got [], allowed: "),
        ("playbook: {line: {}}\n", "playbook.line: unknown key, allowed: lines, facts, forbidden"),
        ("silence_threshold_s: 0\n", "silence_threshold_s: got 0, allowed: greater than or equal"),
    ],
)
def test_wrong_keys_and_values_are_refused(more: str, message: str):
    with pytest.raises(BadInput) as error:
        parse_agent(SMALL + more, "a.yaml")

    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: Joe\n", "system_prompt is missing (and 1 more)"),
        ("- a\n", "got list, allowed: a mapping"),
        ("", "got NoneType, allowed: a mapping"),
        ("a: [1\n", "not YAML"),
    ],
)
def test_files_that_are_no_agent(text: str, message: str):
    with pytest.raises(BadInput) as error:
        parse_agent(text, "a.yaml")

    assert message in str(error.value)
    assert str(error.value).startswith("a.yaml")


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path):
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")

    with pytest.raises(NotFound, match=r"none\.yaml: there is no such agent file"):
        load_agent(tmp_path / "none.yaml")
    with pytest.raises(BadInput, match="can't be read as text"):
        load_agent(binary)


def test_what_live_calls_need_goes_out_and_comes_back():
    agent = Agent(
        id="joe",
        name="Joe",
        version=1,
        system_prompt="You sell.",
        first_message="Hello.",
        on_voicemail="leave_message",
        voicemail_message="Please call back.",
        keys={"9": "mark_do_not_call", "*": "transfer_call:sales"},
        departments={"sales": "+13125550100"},
        max_call_s=600.0,
        evaluation={"booked": "A meeting was booked."},
        data_collection={"size": {"type": "integer"}},
        tags=("trial",),
        extra={"asr": {"quality": "high"}},
        interrupt={"by_signal": True},
    )
    assert agent_from(agent_to_dict(agent)) == agent
    assert parse_agent(dump_agent(agent)) == agent


@pytest.mark.parametrize(
    "keys",
    [
        {"10": "end_call"},
        {"a": "end_call"},
        {"1": "book_appointment"},
        {"1": "transfer_call"},
        {"1": "transfer_call:sales"},
    ],
)
def test_a_key_must_be_one_and_do_something_known(keys: dict[str, str]):
    with pytest.raises(BadInput, match="keys"):
        agent_from({"name": "Joe", "system_prompt": "Sell.", "first_message": "Hi.", "keys": keys})
