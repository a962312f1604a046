from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from sdr_lab.api.errors import FieldError
from sdr_lab.api.odd_json import MOST_DEEP, refuse_odd

AGENTS = "/v1/convai/agents"
JSON = {"content-type": "application/json"}


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (nested(MOST_DEEP), "nested more than 64 deep"),
        ({"a": [1, {"b": float("nan")}]}, "a.1.b: got nan"),
        ({"a": float("-inf")}, "a: got -inf"),
        ({"a": "\ud800"}, "a: holds a half character"),
        ({"\udfff": 1}, "a name in it holds a half character"),
    ],
)
def test_what_can_not_be_kept_is_named(value: Any, told: str):
    with pytest.raises(FieldError, match=told):
        refuse_odd(value)


def test_all_else_is_let_through():
    refuse_odd({"a": [1, 2.5, None, True, "Köln 🚀", nested(40)]})


@pytest.mark.parametrize(
    "workflow",
    ['{"a": "\\ud800"}', '{"\\ud800": 1}', '{"a": NaN}', '{"a":' * 500 + "1" + "}" * 500],
)
def test_an_agent_that_could_not_be_shown_is_not_made(client: TestClient, workflow: str):
    before = client.get(AGENTS).json()["total"]

    reply = client.post(
        AGENTS, content=f'{{"name": "Odd", "system_prompt": "x", "workflow": {workflow}}}',
        headers=JSON,
    )  # fmt: skip

    assert reply.status_code == 422
    assert client.get(AGENTS).json()["total"] == before


def test_a_tool_that_could_not_be_shown_is_not_made(client: TestClient):
    client.post(AGENTS, json={"name": "Joe", "system_prompt": "x"})
    agent = client.get(AGENTS).json()["agents"][0]["agent_id"]
    schema = '{"type": "object", "properties": ' + '{"not":' * 400 + "{}" + "}" * 401
    body = (
        f'{{"name": "t", "description": "d", "url": "https://example.com", "parameters": {schema}}}'
    )

    reply = client.post(f"{AGENTS}/{agent}/tools", content=body, headers=JSON)

    assert reply.status_code == 422
    assert "nested more than" in reply.json()["error"]
