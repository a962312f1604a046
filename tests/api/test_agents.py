from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

AGENTS = "/v1/convai/agents"

SEED = {
    "name": "Test Agent",
    "system_prompt": "You are helpful",
    "first_message": "Hello",
}


def made(client: TestClient, **fields: Any) -> dict[str, Any]:
    reply = client.post(AGENTS, json={**SEED, **fields})
    assert reply.status_code == 200, reply.text
    return reply.json()


def names(client: TestClient, **query: Any) -> list[str]:
    return [agent["name"] for agent in client.get(AGENTS, params=query).json()["agents"]]


# ---- creating


@pytest.mark.parametrize("route", [AGENTS, f"{AGENTS}/create"])
def test_both_routes_make_an_agent(client: TestClient, route: str):
    reply = client.post(route, json=SEED)
    agent = client.get(f"{AGENTS}/{reply.json()['agent_id']}").json()

    assert reply.status_code == 200
    assert {name: agent[name] for name in SEED} == SEED
    assert agent["conversation_config"]["agent"]["prompt"]["prompt"] == SEED["system_prompt"]
    assert agent["conversation_config"]["agent"]["first_message"] == "Hello"
    assert (agent["version"], agent["is_active"]) == (1, True)
    assert agent["created_at"].startswith("20")
    assert agent["metadata"]["created_at_unix_secs"] > 1_700_000_000


def test_a_name_and_a_prompt_are_enough(client: TestClient):
    agent = client.post(AGENTS, json={"name": "Bot", "system_prompt": "Sell."}).json()

    assert agent["first_message"]
    assert (agent["interrupt_enabled"], agent["silence_threshold_sec"]) == (True, 0.8)


def test_the_sdks_form(client: TestClient):
    body = {
        "name": "Nested",
        "conversation_config": {
            "agent": {
                "first_message": "Hi",
                "language": "en",
                "prompt": {"prompt": "Sell.", "llm": "llama3:8b", "temperature": 0.5},
            },
            "tts": {"voice_id": "aura-2-thalia-en", "stability": 0.3},
            "turn": {"turn_timeout": 7},
            "conversation": {"max_duration_seconds": 300},
        },
        "platform_settings": {"data_collection": {"company": {"type": "string"}}},
        "tags": ["a"],
    }

    agent = client.post(f"{AGENTS}/create", json=body).json()

    assert (agent["system_prompt"], agent["first_message"]) == ("Sell.", "Hi")
    assert (agent["model_name"], agent["temperature"], agent["max_call_s"]) == (
        "llama3:8b", 0.5, 300,
    )  # fmt: skip
    assert agent["conversation_config"]["tts"] == body["conversation_config"]["tts"]
    assert agent["conversation_config"]["turn"] == {"turn_timeout": 7}
    assert agent["platform_settings"]["data_collection"] == {"company": {"type": "string"}}


@pytest.mark.parametrize(
    ("body", "place", "told"),
    [
        ({}, ["body", "name"], "give at least one of"),
        ({"tags": ["a"]}, ["body", "name"], "give at least one of"),
        ({**SEED, "sytem_prompt": "x"}, ["body", "sytem_prompt"], "did you mean system_prompt"),
        ({**SEED, "temperature": "hot"}, ["body", "temperature"], "number"),
        ({**SEED, "interrupt_enabled": "maybe"}, ["body", "interrupt_enabled"], "boolean"),
        ({**SEED, "tags": [None]}, ["body", "tags", 0], "string"),
        (
            {**SEED, "conversation_config": {"agent": {"prompt": {"prompt": "Other"}}}},
            ["body", "conversation_config", "agent", "prompt", "prompt"],
            "system_prompt and conversation_config.agent.prompt.prompt",
        ),
        (
            {**SEED, "conversation_config": {"agent": {"prompt": {"tool_ids": ["tool_1"]}}}},
            ["body", "conversation_config", "agent", "prompt", "tool_ids"],
            "/tools",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    client: TestClient, body: dict[str, Any], place: list[Any], told: str
):
    reply = client.post(AGENTS, json=body)

    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == place
    assert told in reply.json()["error"]
    assert "\n" not in reply.json()["error"]
    assert client.get(AGENTS).json()["total"] == names(client).__len__()


def test_documents_that_are_not_there_make_no_agent(client: TestClient):
    before = client.get(AGENTS).json()["total"]
    prompt = {"prompt": "x", "knowledge_base": [{"type": "text", "id": "doc_0", "name": "x"}]}

    reply = client.post(AGENTS, json={"conversation_config": {"agent": {"prompt": prompt}}})

    assert reply.status_code == 404
    assert client.get(AGENTS).json()["total"] == before


def test_no_json_at_all(client: TestClient):
    headers = {"content-type": "application/json"}

    assert client.post(AGENTS, content=b"{", headers=headers).status_code == 422
    assert client.post(AGENTS, content=b"[]", headers=headers).status_code == 422
    assert client.post(AGENTS, content=b'{"temperature": NaN}', headers=headers).status_code == 422


# ---- changing


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"system_prompt": "New"}, "system_prompt", "New"),
        ({"conversation_config": {"agent": {"first_message": "New"}}}, "first_message", "New"),
        ({"silence_threshold_sec": 0.3}, "silence_threshold_sec", 0.3),
        ({"interrupt_enabled": False}, "interrupt_enabled", False),
        ({"tags": ["x", "y"]}, "tags", ["x", "y"]),
        ({"name": "Other"}, "name", "Other"),
        ({"voice_id": None}, "voice_id", ""),
    ],
)
def test_a_patch_changes_one_thing(
    client: TestClient, change: dict[str, Any], field: str, value: Any
):
    agent = made(client, voice_id="v")

    changed = client.patch(f"{AGENTS}/{agent['agent_id']}", json=change).json()

    assert changed[field] == value
    assert changed["version"] == 2
    same = set(SEED) - {field}
    assert {name: changed[name] for name in same} == {name: SEED[name] for name in same}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("system_prompt", "New prompt"),
        ("voice_id", "aura-2-luna-en"),
        ("variables", {"company": "Acme"}),
        ("tools", ["search_knowledge_base"]),
        ("evaluation", {"booked": "A time was agreed on."}),
        ("on_voicemail", "ignore"),
        ("max_call_s", 90),
    ],
)
def test_an_agent_with_one_flat_field_changed_can_be_sent_back(
    client: TestClient, name: str, value: Any
):
    agent = made(client)
    path = f"{AGENTS}/{agent['agent_id']}"

    changed = client.patch(path, json={**agent, name: value})

    assert changed.status_code == 200, changed.text
    assert changed.json()[name] == value
    assert changed.json()["version"] == 2


def test_an_agent_with_one_nested_field_changed_can_be_sent_back(client: TestClient):
    agent = made(client)
    prompt = agent["conversation_config"]["agent"]["prompt"]
    prompt["prompt"] = "New prompt"
    prompt["built_in_tools"]["end_call"] = None

    changed = client.patch(f"{AGENTS}/{agent['agent_id']}", json=agent).json()

    assert changed["system_prompt"] == "New prompt"
    assert set(agent["tools"]) - set(changed["tools"]) == {"end_call"}


def test_two_places_with_two_new_values_contradict_each_other(client: TestClient):
    agent = made(client)
    agent["system_prompt"] = "One"
    agent["conversation_config"]["agent"]["prompt"]["prompt"] = "Two"

    reply = client.patch(f"{AGENTS}/{agent['agent_id']}", json=agent)

    assert reply.status_code == 422
    assert "are the same thing, but differ: 'One' and 'Two'" in reply.json()["error"]


def test_changes_at_the_same_time_are_all_made(client: TestClient):
    path = f"{AGENTS}/{made(client)['agent_id']}"
    changes = [{"tags": ["a"]}, {"goodbye": "Bye."}, {"user_id": None}, {"max_call_s": 60}] * 3

    with ThreadPoolExecutor(4) as threads:
        replies = list(threads.map(lambda change: client.patch(path, json=change), changes))
    agent = client.get(path).json()

    assert {reply.status_code for reply in replies} == {200}
    assert (agent["tags"], agent["goodbye"], agent["max_call_s"]) == (["a"], "Bye.", 60)
    assert agent["version"] == 4


def test_sending_back_what_was_shown_makes_no_version(client: TestClient):
    agent = made(client, tags=["a"], departments={"sales": "+13125550140"})

    reply = client.patch(f"{AGENTS}/{agent['agent_id']}", json=agent)

    assert reply.status_code == 200, reply.text
    assert reply.json() == agent


def test_somebody_else_was_faster(client: TestClient):
    agent = made(client)
    path = f"{AGENTS}/{agent['agent_id']}"
    tag = client.get(path).headers["ETag"]

    first = client.patch(path, json={"name": "A"}, headers={"If-Match": tag})
    second = client.patch(path, json={"name": "B"}, headers={"If-Match": tag})

    assert (first.status_code, second.status_code) == (200, 409)
    assert client.patch(path, json={"name": "B"}, headers={"If-Match": "x"}).status_code == 422
    assert client.get(path).json()["name"] == "A"


def test_a_wrong_patch_changes_nothing(client: TestClient):
    agent = made(client)
    path = f"{AGENTS}/{agent['agent_id']}"

    reply = client.patch(path, json={"name": "New", "temperature": 9})

    assert reply.status_code == 422
    assert client.get(path).json() == agent
    assert client.patch(path, json={"user_id": "eve"}).status_code == 422


def test_the_maker_is_kept(client: TestClient):
    agent = made(client, user_id="ann", version_description="first try")
    path = f"{AGENTS}/{agent['agent_id']}"

    assert client.patch(path, json={"user_id": "ann"}).json()["user_id"] == "ann"
    assert names(client, created_by_user_id="ann") == [SEED["name"]]
    assert client.get(f"{path}/versions").json()["versions"][0]["note"] == "first try"


# ---- hiding


def test_a_deleted_agent_is_hidden_and_can_come_back(client: TestClient):
    agent = made(client)
    path = f"{AGENTS}/{agent['agent_id']}"

    assert client.delete(path).json()["success"] is True

    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.patch(path, json={"name": "x"}).status_code == 404
    assert SEED["name"] not in names(client)
    assert names(client, archived=True) == [SEED["name"]]
    assert client.get(path, params={"include_deleted": True}).json()["is_active"] is False
    assert client.patch(path, json={"is_active": True}).json()["is_active"] is True
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("body", [{"is_active": False}, {"platform_settings": {"archived": True}}])
def test_a_patch_can_hide_an_agent(client: TestClient, body: dict[str, Any]):
    path = f"{AGENTS}/{made(client)['agent_id']}"

    changed = client.patch(path, json={**body, "name": "Last name"}).json()

    assert (changed["is_active"], changed["name"]) == (False, "Last name")
    assert changed["platform_settings"]["archived"] is True
    assert client.get(path).status_code == 404


# ---- listing


def test_pages_follow_each_other_while_agents_come_and_go(client: TestClient):
    for number in range(7):
        made(client, name=f"Agent {number}", tags=["mine"])
    first = client.get(AGENTS, params={"page_size": 3, "tags": "mine"}).json()
    gone = first["agents"][0]["agent_id"]
    client.delete(f"{AGENTS}/{gone}")
    made(client, name="Agent 0 again", tags=["mine"])

    found = [agent["name"] for agent in first["agents"]]
    page = first
    while page["has_more"]:
        query = {"page_size": 3, "tags": "mine", "cursor": page["next_cursor"]}
        page = client.get(AGENTS, params=query).json()
        found += [agent["name"] for agent in page["agents"]]

    assert found == [f"Agent {number}" for number in range(7)]
    assert page["next_cursor"] is None


@pytest.mark.parametrize("sort_by", ["name", "created_at", "updated_at", "call_count_7d"])
def test_both_directions_of_each_order(client: TestClient, sort_by: str):
    for name in ("b", "A", "c"):
        made(client, name=name, tags=["mine"])
    query = {"tags": "mine", "sort_by": sort_by, "page_size": 2}

    up, down = [], []
    for direction, found in (("asc", up), ("desc", down)):
        page = client.get(AGENTS, params={**query, "sort_direction": direction}).json()
        found += [agent["name"] for agent in page["agents"]]
        more = {**query, "sort_direction": direction, "cursor": page["next_cursor"]}
        found += [agent["name"] for agent in client.get(AGENTS, params=more).json()["agents"]]

    assert up == down[::-1]
    if sort_by == "name":
        assert up == ["A", "b", "c"]
    if sort_by in ("created_at", "updated_at"):
        assert up == ["b", "A", "c"]


def test_filters(client: TestClient):
    made(client, name="Alpha One", tags=["red"])
    made(client, name="Beta", tags=["red", "blue"])
    made(client, name="alpha two", tags=["green"])

    assert names(client, search="ALPHA") == ["Alpha One", "alpha two"]
    assert names(client, tags=["blue", "green"]) == ["alpha two", "Beta"]
    assert names(client, tags="red", search="beta") == ["Beta"]
    assert names(client, tags="none") == []
    assert names(client, limit=1, skip=1, tags="red") == ["Beta"]  # the seed's paging


def test_shipped_agents_are_there_until_they_are_deleted(client: TestClient):
    assert "maplewood" in [a["agent_id"] for a in client.get(AGENTS).json()["agents"]]

    client.delete(f"{AGENTS}/maplewood")

    assert client.get(f"{AGENTS}/maplewood").status_code == 404
    assert "maplewood" not in [a["agent_id"] for a in client.get(AGENTS).json()["agents"]]


@pytest.mark.parametrize(
    "query",
    [
        {"page_size": 0},
        {"page_size": 101},
        {"cursor": "nonsense"},
        {"cursor": "WyJuYW1lIiwgMSwgMl0"},
        {"sort_by": "colour"},
        {"sort_direction": "up"},
    ],
)
def test_a_wrong_query(client: TestClient, query: dict[str, Any]):
    reply = client.get(AGENTS, params=query)

    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"][-1] == next(iter(query))


def test_a_cursor_of_another_order(client: TestClient):
    for name in ("a", "b"):
        made(client, name=name, tags=["mine"])
    cursor = client.get(AGENTS, params={"page_size": 1, "tags": "mine"}).json()["next_cursor"]

    reply = client.get(AGENTS, params={"sort_by": "created_at", "cursor": cursor})

    assert reply.status_code == 422


# ---- one agent


def test_an_agent_by_its_name(client: TestClient):
    agent = made(client, name="Somebody Special")

    assert client.get(f"{AGENTS}/somebody special").json()["agent_id"] == agent["agent_id"]
    made(client, name="Somebody Special")
    assert client.get(f"{AGENTS}/somebody special").status_code == 422


def test_an_agent_that_is_not_there(client: TestClient):
    for method in ("get", "patch", "delete"):
        more = {"json": {}} if method == "patch" else {}
        reply = getattr(client, method)(f"{AGENTS}/nobody", **more)
        assert reply.status_code == 404
        assert reply.json()["detail"]["status"] == "not_found"


def test_a_copy_has_its_own_life(client: TestClient):
    agent = made(client, tags=["a"], user_id="ann")

    copy = client.post(f"{AGENTS}/{agent['agent_id']}/duplicate", json={"name": "Twin"}).json()
    plain = client.post(f"{AGENTS}/{agent['agent_id']}/duplicate").json()
    twin = client.get(f"{AGENTS}/{copy['agent_id']}").json()

    assert copy["agent_id"] != agent["agent_id"]
    assert (twin["name"], twin["system_prompt"], twin["tags"], twin["version"]) == (
        "Twin", SEED["system_prompt"], ["a"], 1,
    )  # fmt: skip
    assert client.get(f"{AGENTS}/{plain['agent_id']}").json()["name"] == "Test Agent (copy)"


def test_where_to_talk_to_it(client: TestClient, client_of):
    agent_id = made(client)["agent_id"]

    link = client.get(f"{AGENTS}/{agent_id}/link").json()

    assert link == {
        "agent_id": agent_id,
        "url": f"http://testserver/phone?agent_id={agent_id}",
        "token": None,
    }
    public = client_of(PUBLIC_URL="https://calls.example/")
    told = public.get(f"{AGENTS}/maplewood/link").json()["url"]
    assert told == "https://calls.example/phone?agent_id=maplewood"


def test_variables_without_a_value_are_warned_of(client: TestClient):
    prompt = "You work for {{company}}. You call {{lead_name|a friend}}."
    agent = made(client, system_prompt=prompt, first_message="Hi {{who}}.", variables={"who": "x"})
    path = f"{AGENTS}/{agent['agent_id']}"

    (warning,) = agent["warnings"]
    assert warning.startswith("system_prompt: no value for {{company}}: ")
    mended = client.patch(path, json={**agent, "variables": {"company": "Acme", "who": "x"}})
    assert mended.json()["warnings"] == []


def test_agents_of_a_user_and_those_that_are_hidden(client: TestClient):
    made(client, name="Ann's", user_id="ann")
    bobs = made(client, name="Bob's", user_id="bob")["agent_id"]
    client.delete(f"{AGENTS}/{bobs}")

    assert names(client, user_id="ann") == names(client, created_by_user_id="ann") == ["Ann's"]
    assert names(client, is_active=False) == names(client, archived=True) == ["Bob's"]
    assert names(client, user_id="bob", is_active=False) == ["Bob's"]
    assert names(client, user_id="bob", is_active=True) == []


# ---- versions


def test_versions_are_listed_compared_and_restored(client: TestClient):
    path = f"{AGENTS}/{made(client)['agent_id']}"
    client.patch(path, json={"system_prompt": "Second", "version_description": "shorter"})
    client.patch(path, json={"voice_id": "v"})

    listed = client.get(f"{path}/versions").json()["versions"]
    diff = client.get(f"{path}/versions/diff", params={"old": 1, "new": 3}).json()["changes"]
    restored = client.post(f"{path}/versions/1/restore").json()

    assert [v["version"] for v in listed] == [3, 2, 1]
    assert [v["is_current"] for v in listed] == [True, False, False]
    assert (listed[1]["note"], listed[1]["author"]) == ("shorter", "api")
    assert [(c["field"], c["old"], c["new"]) for c in diff] == [
        ("system_prompt", "You are helpful", "Second"),
        ("voice_id", "", "v"),
    ]
    assert "+Second" in diff[0]["lines"]
    assert (restored["version"], restored["system_prompt"]) == (4, "You are helpful")
    for version in (2, "2"):
        assert client.get(f"{path}/versions/{version}").json()["system_prompt"] == "Second"
        shown = client.get(path, params={"version_id": version}).json()
        assert (shown["system_prompt"], shown["version_id"]) == ("Second", "2")


def test_versions_that_are_not_there(client: TestClient):
    path = f"{AGENTS}/{made(client)['agent_id']}"

    assert client.get(f"{path}/versions/2").status_code == 404
    assert client.get(f"{path}/versions/0").status_code == 422
    assert client.get(f"{path}/versions/{2**40}").status_code == 422
    assert client.post(f"{path}/versions/9/restore").status_code == 404
    assert client.get(f"{path}/versions/diff", params={"old": 1}).status_code == 422
    assert client.get(f"{path}/versions/diff", params={"old": 1, "new": 5}).status_code == 404
    assert client.get(f"{AGENTS}/nobody/versions").status_code == 404
