"""The description of the API is complete, and its examples are what the schemas say."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from sdr_lab.api.app import TAGS, create_app
from sdr_lab.api.description import EXAMPLES, operations

SPEC: dict[str, Any] = create_app().openapi()
OPERATIONS = dict(operations(SPEC))
ALL = pytest.mark.parametrize("place", OPERATIONS)

MUTE = ("multipart/form-data", "audio/wav")
"""Files, of which no example can be written down."""


def examples_of(body: dict[str, Any]) -> list[Any]:
    """Return the examples of a body: its own, or those of its schema."""
    schema = resolved(body["schema"]) if body.get("schema") else {}
    if "example" in body:
        return [body["example"]]
    if "examples" in body:
        return [resolved(example)["value"] for example in body["examples"].values()]
    return [schema["example"]] if "example" in schema else list(schema.get("examples", []))


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = SPEC
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def bodies(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what goes in and what comes out when all is well, of which there can be examples."""
    good = [reply for code, reply in operation["responses"].items() if code.startswith("2")]
    return [
        body
        for one in (operation.get("requestBody", {}), *good)
        for kind, body in one.get("content", {}).items()
        if kind not in MUTE
    ]


@ALL
def test_every_operation_is_described(place: str):
    operation = OPERATIONS[place]
    made_up = operation["operationId"].partition("_v1_")[0].replace("_", " ").title()

    assert operation["summary"] != made_up  # what FastAPI makes of a function's name
    assert operation["description"].endswith((".", "…"))
    assert operation["tags"][0] in [tag["name"] for tag in TAGS]


@ALL
def test_every_body_has_an_example(place: str):
    for body in bodies(OPERATIONS[place]):
        assert examples_of(body), body


@ALL
def test_examples_are_what_the_schemas_say(place: str):
    for body in bodies(OPERATIONS[place]):
        schema = {**body.get("schema", {}), "components": SPEC["components"]}
        for example in examples_of(body):
            jsonschema.Draft202012Validator(schema).validate(example)


@ALL
def test_errors_are_described_in_their_shape(place: str):
    responses = OPERATIONS[place]["responses"]
    wanted = ("401", "403", "404", "409", "422", "429", "503") if "/v1/" in place else ()

    for code in wanted:
        body = responses[code]["content"]["application/json"]
        assert body["schema"] == {"$ref": "#/components/schemas/ErrorReply"}, code
        assert set(body["example"]) == {"error", "detail"}
    assert "HTTPValidationError" not in json.dumps(responses)


def test_no_example_is_of_an_operation_that_is_gone():
    known = json.loads(EXAMPLES.read_text("utf-8"))["operations"]

    assert set(known) <= set(OPERATIONS)


def test_examples_hold_nothing_of_the_machine_that_they_were_made_on():
    text = EXAMPLES.read_text("utf-8")

    for word in ("/tmp/", "/home/", "/root/", "tests.", "review-key"):
        assert word not in text


def test_the_description_is_made_once():
    app = create_app()

    assert app.openapi() is app.openapi()
