from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdr_lab.agents.agent import agent_to_dict, load_agent
from sdr_lab.agents.tool_specs import BUILT_IN
from sdr_lab.api.agent_mapping import applied, flat_of, nested_of, read_change
from sdr_lab.api.agent_places import PLACES, merged, put, take
from sdr_lab.api.errors import FieldError
from sdr_lab.config import Settings
from sdr_lab.records import Agent, Playbook

SETTINGS = Settings.load(None, {"STT_PROVIDER": "whisper"}, environ={})

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
lines = words.map(lambda text: f"a{text.strip()}")
names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
phones = st.from_regex(r"\+4930[1-9][0-9]{5,7}", fullmatch=True)
plain = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)

agents = st.builds(
    Agent,
    id=st.just("agent_1"),
    name=lines,
    version=st.just(3),
    system_prompt=lines,
    first_message=st.just("") | lines,
    voice=words.map(str.strip),
    model=words.map(str.strip),
    tts_provider=st.sampled_from(["auto", "piper", "tone"]),
    llm_provider=st.sampled_from(["auto", "ollama", "playbook"]),
    time_zone=st.sampled_from(["America/Chicago", "Europe/Berlin"]),
    silence_threshold_s=st.none() | st.sampled_from([0.3, 0.8, 2.0]),
    interrupt=st.fixed_dictionaries(
        {}, optional={"enabled": st.booleans(), "min_energy": st.integers(0, 3000)}
    ),
    variables=st.dictionaries(names, words.map(str.strip), max_size=3),
    tools=st.lists(st.sampled_from(BUILT_IN), unique=True).map(tuple),
    playbook=st.builds(Playbook, facts=st.dictionaries(names, lines, max_size=2)),
    vocabulary=st.lists(lines, max_size=3).map(tuple),
    departments=st.dictionaries(names, phones, max_size=3),
    temperature=st.sampled_from([0.0, 0.2, 1.5]),
    on_voicemail=st.sampled_from(["hang_up", "leave_message", "ignore"]),
    voicemail_message=words.map(str.strip),
    max_call_s=st.none() | st.sampled_from([60.0, 90.5]),
    evaluation=st.dictionaries(names, lines, max_size=3),
    data_collection=st.dictionaries(
        names, st.fixed_dictionaries({"type": st.just("string"), "description": words}), max_size=3
    ),
    tags=st.lists(lines, max_size=3).map(tuple),
)


def shown(agent: Agent) -> dict[str, Any]:
    """What a client gets and may send back: through JSON, as on the wire."""
    return json.loads(json.dumps({**flat_of(agent, SETTINGS), **nested_of(agent)}))


def record(agent: Agent) -> dict[str, Any]:
    return json.loads(json.dumps(agent_to_dict(agent)))


@settings(max_examples=40, deadline=None)
@given(agents)
def test_what_is_shown_and_sent_back_changes_nothing(agent: Agent):
    again = applied(read_change(shown(agent)), agent, SETTINGS)

    assert record(again) == record(agent)


@settings(max_examples=40, deadline=None)
@given(agents)
def test_the_flat_form_alone_makes_the_same_agent(agent: Agent):
    made = applied(read_change(flat_of(agent)), None, SETTINGS)

    assert record(dataclasses.replace(made, id=agent.id, version=agent.version)) == record(agent)


@settings(max_examples=40, deadline=None)
@given(agents)
def test_what_both_forms_hold_can_be_taken_from_the_nested_one(agent: Agent):
    made = applied(read_change(nested_of(agent)), None, SETTINGS)

    for place in PLACES:
        if place.nested:
            assert getattr(made, place.field) == getattr(agent, place.field), place.field
    assert made.evaluation == agent.evaluation
    assert ("end_call" in made.tools) == ("end_call" in agent.tools) or "end_call" in made.tools


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(words, plain, max_size=3), st.dictionaries(words, plain, max_size=3))
def test_what_this_server_does_not_use_is_kept_as_it_was_sent(
    section: dict[str, Any], widget: dict[str, Any]
):
    unknown = {"turn": {"x": section}, "agent": {"prompt": {"prompt": "p", "y": section}}}
    body = {"conversation_config": unknown, "platform_settings": {"widget": widget}}

    agent = applied(read_change(body), None, SETTINGS)
    tree = json.loads(json.dumps(nested_of(agent)))

    assert tree["conversation_config"]["turn"]["x"] == section
    assert tree["conversation_config"]["agent"]["prompt"]["y"] == section
    assert tree["platform_settings"]["widget"] == widget


def test_a_shipped_agent_survives_both_ways():
    agent = load_agent("datasets/agents/maplewood.yaml")
    again = applied(read_change(shown(agent)), agent, SETTINGS)

    assert record(again) == record(agent)


def test_a_name_and_a_prompt_are_enough():
    agent = applied(read_change({"name": "Bot", "system_prompt": "Sell."}), None, SETTINGS)

    assert agent.first_message
    assert {"search_knowledge_base", "book_appointment", "end_call"} <= set(agent.tools)
    assert (agent.llm_provider, agent.voice, agent.silence_threshold_s) == ("auto", "", None)


def test_the_seeds_fields():
    body = {
        "name": "Sales Bot",
        "system_prompt": "Sell.",
        "first_message": "Hello!",
        "voice_provider": "tone",
        "voice_id": "aura-2-thalia-en",
        "model_provider": "ollama",
        "model_name": "llama3:8b-instruct-q4_K_S",
        "interrupt_enabled": False,
        "silence_threshold_sec": 0.3,
    }

    agent = applied(read_change(body), None, SETTINGS)

    assert (agent.tts_provider, agent.voice) == ("tone", "aura-2-thalia-en")
    assert (agent.llm_provider, agent.model) == ("ollama", "llama3:8b-instruct-q4_K_S")
    assert (agent.interrupt, agent.silence_threshold_s) == ({"enabled": False}, 0.3)
    assert {name: flat_of(agent, SETTINGS)[name] for name in body} == body


@pytest.mark.parametrize(
    ("body", "both"),
    [
        (
            {
                "system_prompt": "a",
                "conversation_config": {"agent": {"prompt": {"prompt": "b"}}},
            },
            ("system_prompt", "conversation_config.agent.prompt.prompt"),
        ),
        (
            {"voice_id": "a", "conversation_config": {"tts": {"voice_id": "b"}}},
            ("voice_id", "conversation_config.tts.voice_id"),
        ),
        (
            {
                "max_call_s": 60,
                "conversation_config": {"conversation": {"max_duration_seconds": 61}},
            },
            ("max_call_s", "conversation_config.conversation.max_duration_seconds"),
        ),
        (
            {"interrupt": {"enabled": True}, "interrupt_enabled": False},
            ("interrupt.enabled", "interrupt_enabled"),
        ),
        (
            {"is_active": True, "platform_settings": {"archived": True}},
            ("is_active", "platform_settings.archived"),
        ),
        (
            {
                "tools": ["end_call"],
                "conversation_config": {
                    "agent": {"prompt": {"built_in_tools": {"end_call": None}}}
                },
            },
            ("tools", "conversation_config.agent.prompt.built_in_tools"),
        ),
        (
            {
                "evaluation": {"booked": "a"},
                "platform_settings": {
                    "evaluation": {"criteria": [{"id": "booked", "conversation_goal_prompt": "b"}]}
                },
            },
            ("evaluation", "platform_settings.evaluation.criteria"),
        ),
    ],
)
def test_two_places_that_differ_are_both_named(body: dict[str, Any], both: tuple[str, str]):
    with pytest.raises(FieldError) as caught:
        applied(read_change(body), None, SETTINGS)

    for name in both:
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("sytem_prompt", "system_prompt"),
        ("first_mesage", "first_message"),
        ("voice", "voice_id"),
        ("silence_threshold", "silence_threshold_sec"),
        ("conversation_conf", "conversation_config"),
    ],
)
def test_an_unknown_field_at_the_top_names_the_nearest(name: str, near: str):
    with pytest.raises(FieldError, match=f"did you mean {near}") as caught:
        read_change({name: 1})

    assert caught.value.fields[0]["loc"] == ["body", name]


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"temperature": 7}, ["temperature"]),
        (
            {"conversation_config": {"agent": {"prompt": {"temperature": 7}}}},
            ["conversation_config", "agent", "prompt", "temperature"],
        ),
        ({"voice_provider": "acme"}, ["voice_provider"]),
        ({"time_zone": "Mars/Olympus"}, ["time_zone"]),
        ({"language": "fr"}, ["language"]),
        ({"tools": ["dance"]}, ["tools", 0]),
        ({"interrupt": {"volume": 3}}, ["interrupt", "volume"]),
        ({"departments": {"sales": "911"}}, ["departments", "sales"]),
        ({"departments": {"help": "+19115551234"}}, ["departments"]),
        ({"departments": {"fun": "+19005551234"}}, ["departments"]),
        ({"silence_threshold_sec": 60}, ["silence_threshold_sec"]),
        ({"name": ""}, ["name"]),
        ({"name": None}, ["name"]),
        ({"system_prompt": None}, ["system_prompt"]),
    ],
)
def test_a_wrong_value_is_named_where_the_client_put_it(body: dict[str, Any], loc: list[Any]):
    with pytest.raises(FieldError) as caught:
        applied(read_change(body), None, SETTINGS)

    assert caught.value.fields[0]["loc"] == ["body", *loc]


def test_null_goes_back_to_the_default():
    agent = load_agent("datasets/agents/maplewood.yaml")
    cleared = [
        "first_message", "voice_id", "temperature", "variables", "departments", "max_call_s",
        "silence_threshold_sec", "interrupt_enabled", "vocabulary", "tags", "goodbye",
    ]  # fmt: skip

    changed = applied(read_change(dict.fromkeys(cleared)), agent, SETTINGS)

    assert changed.first_message == "Hello! How can I help you today?"
    assert (changed.variables, changed.departments, changed.interrupt) == ({}, {}, {})
    assert (changed.system_prompt, changed.tools) == (agent.system_prompt, agent.tools)


def test_an_empty_first_message_lets_the_caller_begin():
    body = {"conversation_config": {"agent": {"first_message": ""}}}

    assert applied(read_change(body), None, SETTINGS).first_message == ""


def test_system_tools_of_the_sdk():
    tools = {
        "end_call": {"type": "system", "name": "end_call", "description": "Be polite."},
        "transfer_to_number": {
            "params": {
                "system_tool_type": "transfer_to_number",
                "transfers": [
                    {
                        "transfer_destination": {"type": "phone", "phone_number": "+13125550140"},
                        "condition": "billing",
                        "transfer_type": "conference",
                    }
                ],
            }
        },
        "voicemail_detection": {"params": {"voicemail_message": "Call us back."}},
        "skip_turn": {"name": "skip_turn"},
    }
    body = {"conversation_config": {"agent": {"prompt": {"built_in_tools": tools}}}}

    agent = applied(read_change(body), None, SETTINGS)
    shown_tools = nested_of(agent)["conversation_config"]["agent"]["prompt"]["built_in_tools"]

    assert agent.departments == {"billing": "+13125550140"}
    assert {"end_call", "transfer_call"} <= set(agent.tools)
    assert (agent.on_voicemail, agent.voicemail_message) == ("leave_message", "Call us back.")
    assert shown_tools["end_call"]["description"] == "Be polite."
    assert shown_tools["skip_turn"] == {"name": "skip_turn"}
    transfer = shown_tools["transfer_to_number"]["params"]["transfers"][0]
    assert transfer["transfer_type"] == "conference"
    assert transfer["transfer_destination"]["phone_number"] == "+13125550140"


def test_system_tools_are_switched_off_by_null():
    agent = load_agent("datasets/agents/maplewood.yaml")
    off = {"transfer_to_number": None, "voicemail_detection": None}
    body = {"conversation_config": {"agent": {"prompt": {"built_in_tools": off}}}}

    changed = applied(read_change(body), agent, SETTINGS)

    assert set(agent.tools) - set(changed.tools) == {"transfer_call"}
    assert (changed.on_voicemail, changed.departments) == ("ignore", agent.departments)


@pytest.mark.parametrize(
    "transfer",
    [
        {"transfer_destination": {"type": "sip_uri", "sip_uri": "sip:a@b.example"}},
        {"condition": "billing"},
        "billing",
    ],
)
def test_a_transfer_without_a_number_is_refused(transfer: Any):
    tools = {"transfer_to_number": {"params": {"transfers": [transfer]}}}
    body = {"conversation_config": {"agent": {"prompt": {"built_in_tools": tools}}}}

    with pytest.raises(FieldError, match="transfer 0"):
        read_change(body)


def test_criteria_keep_what_else_is_said_of_them():
    criterion = {
        "id": "booked",
        "name": "Demo booked",
        "type": "prompt",
        "conversation_goal_prompt": "A time was agreed on.",
        "use_knowledge_base": True,
    }
    body = {"platform_settings": {"evaluation": {"criteria": [criterion]}}}

    agent = applied(read_change(body), None, SETTINGS)

    assert agent.evaluation == {"booked": "A time was agreed on."}
    assert nested_of(agent)["platform_settings"]["evaluation"]["criteria"] == [criterion]


@pytest.mark.parametrize(
    "criteria",
    [
        "booked",
        ["booked"],
        [{"id": "booked"}],
        [{"id": "a", "conversation_goal_prompt": "x"}] * 2,
    ],
)
def test_criteria_that_are_none(criteria: Any):
    with pytest.raises(FieldError, match="criteri"):
        read_change({"platform_settings": {"evaluation": {"criteria": criteria}}})


def test_a_patch_merges_what_is_kept_and_null_takes_it_away():
    first = {"conversation_config": {"turn": {"mode": "turn", "turn_timeout": 7}}}
    agent = applied(read_change(first), None, SETTINGS)
    second = {"conversation_config": {"turn": {"turn_timeout": None, "eager": True}}}

    changed = applied(read_change(second), agent, SETTINGS)

    assert changed.extra["conversation_config"]["turn"] == {"mode": "turn", "eager": True}


def test_an_agent_follows_a_setting_until_it_is_told_otherwise():
    agent = applied(read_change({"name": "Bot"}), None, SETTINGS)
    seen = flat_of(agent, SETTINGS)

    assert (seen["interrupt_enabled"], seen["silence_threshold_sec"]) == (True, 0.8)
    assert applied(read_change(seen), agent, SETTINGS) == agent  # sent back: still follows
    told = applied(read_change({"interrupt_enabled": False}), agent, SETTINGS)
    assert told.interrupt == {"enabled": False}
    assert applied(read_change({"interrupt_enabled": None}), told, SETTINGS).interrupt == {}


def test_fields_of_a_reply_may_stay_in_what_is_sent_back():
    change = read_change({"agent_id": "x", "created_at": "now", "metadata": {}, "name": "New"})

    assert change.fields == {"name": "New"}


def test_variables_that_are_no_text():
    values = {"count": 3, "is_new": True, "name": "Ann"}
    body = {"conversation_config": {"agent": {"dynamic_variables": {
        "dynamic_variable_placeholders": values}}}}  # fmt: skip

    agent = applied(read_change(body), None, SETTINGS)

    assert agent.variables == {"count": "3", "is_new": "true", "name": "Ann"}


def test_paths():
    tree: dict[str, Any] = {}
    put(tree, ("a", "b", "c"), 1)
    put(tree, ("a", "d"), 2)
    take(tree, ("a", "b", "c"))
    take(tree, ("a", "x", "y"))

    assert tree == {"a": {"d": 2}}
    assert merged({"a": {"b": 1, "c": 2}}, {"a": {"b": None}, "d": [None]}) == {
        "a": {"c": 2},
        "d": [None],
    }
