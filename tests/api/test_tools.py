"""Web tools of an agent over HTTP."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sdr_lab.api.state import state_of
from sdr_lab.api.tools import ToolList
from tests.live.finished_call import JOE

URL = "/v1/convai/agents/joe/tools"
TOOL: dict[str, Any] = {
    "name": "check_warranty",
    "description": "Look up a warranty.",
    "url": "https://crm.example.com/warranty",
    "headers": {"Authorization": "Bearer s3cret"},
    "parameters": {"type": "object", "properties": {"serial": {"type": "string"}}},
    "timeout_secs": 5,
    "confirm": True,
}


@pytest.fixture(autouse=True)
def agents(client: TestClient) -> None:
    agents = state_of(client.app).lab.agents  # type: ignore[arg-type]
    agents.save(JOE)
    agents.create(
        JOE.__class__(id="other", name="Other", version=1, system_prompt="", first_message="")
    )


def test_a_tool_is_made_listed_and_deleted(client: TestClient):
    made = client.post(URL, json=TOOL).json()

    assert made["headers"] == {"Authorization": "***"}
    assert (made["timeout_s"], made["confirm"], made["method"]) == (5, True, "POST")
    listed = client.get(URL)
    assert ToolList.model_validate(listed.json()).tools[0].tool_id == made["tool_id"]
    assert "s3cret" not in listed.text
    kept = state_of(client.app).lab.tools.of("joe")[0]  # type: ignore[arg-type]
    assert kept.headers == {"Authorization": "Bearer s3cret"}

    one = f"{URL}/{made['tool_id']}"
    assert client.get(one).json() == made
    assert client.get(one.replace("joe", "other")).status_code == 404
    assert client.delete(one.replace("joe", "other")).status_code == 404
    assert client.delete(one).json() == {"success": True}
    assert client.get(URL).json()["tools"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"url": "http://crm.example.com/x"}, 403),
        ({"url": "https://127.0.0.1/x"}, 403),
        ({"url": "nonsense"}, 422),
        ({"name": "Check Warranty"}, 422),
        ({"name": "end_call"}, 422),
        ({"parameters": {"type": "nonsense"}}, 422),
        ({"parameters": {"type": "string"}}, 422),
        ({"headers": {"Bad\r\nHeader": "x"}}, 422),
        ({"timeout_secs": 600}, 422),
        ({"method": "TRACE"}, 422),
        ({"description": " "}, 422),
    ],
)
def test_what_could_never_run_is_refused(client: TestClient, change: dict, status: int):
    reply = client.post(URL, json={**TOOL, **change})

    assert reply.status_code == status
    assert reply.json()["error"]
    assert "s3cret" not in reply.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "nonsense"}, "url"),
        ({"name": "Check Warranty"}, "name"),
        ({"parameters": {"type": "string"}}, "parameters"),
        ({"headers": {"Host": "x"}}, "headers"),
        ({"description": " "}, "description"),
        ({"param": {}}, "param"),
    ],
)
def test_the_wrong_field_is_named(client: TestClient, change: dict, field: str):
    reply = client.post(URL, json={**TOOL, **change})

    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, ["body", field])


def test_a_tool_as_the_seed_writes_it(client: TestClient):
    parameters = {
        "city": {"type": "string", "required": True, "description": "Where."},
        "days": {"type": "number", "required": False},
    }
    body = {
        "tool_name": "weather",
        "description": "Tells the weather.",
        "webhook_url": "https://api.example.com/weather",
        "parameters": parameters,
    }
    made = client.post(URL, json=body).json()

    assert made["name"] == made["tool_name"] == "weather"
    assert made["url"] == made["webhook_url"] == "https://api.example.com/weather"
    assert made["parameters"] == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "days": {"type": "number"},
        },
        "required": ["city"],
    }
    assert client.get(URL).json()["total"] == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "object"},
    ],
)
def test_a_schema_is_kept_as_it_is(client: TestClient, schema: dict):
    assert client.post(URL, json={**TOOL, "parameters": schema}).json()["parameters"] == schema


def test_a_name_is_given_once(client: TestClient):
    client.post(URL, json=TOOL)

    assert client.post(URL, json=TOOL).status_code == 409
    assert client.post(URL.replace("joe", "other"), json=TOOL).status_code == 200


def test_of_an_unknown_agent(client: TestClient):
    assert client.post(URL.replace("joe", "nobody"), json=TOOL).status_code == 404


def test_files_of_this_machine_are_no_agents(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "joe.yaml").write_text("name: J\nsystem_prompt: x\nfirst_message: y\n")

    for path in ("tools", "knowledge-base"):
        assert client.get(f"/v1/convai/agents/joe.yaml/{path}").status_code == 404
