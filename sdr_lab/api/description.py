"""What `/openapi.json` says beside what FastAPI finds out by itself: examples.

They lie in `examples.json`, taken from a real server; a test holds them to the schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

EXAMPLES = Path(__file__).with_name("examples.json")


class Api(FastAPI):
    """An app that describes itself with examples."""

    def openapi(self) -> dict[str, Any]:
        is_new = self.openapi_schema is None
        spec = super().openapi()
        if is_new:
            add_examples(spec)
        return spec


def add_examples(spec: dict[str, Any]) -> None:
    """Add an example to each body of a description that has none."""
    known = json.loads(EXAMPLES.read_text("utf-8"))
    shared = {name: {"value": value} for name, value in known["shared"].items()}
    spec.setdefault("components", {})["examples"] = shared
    for place, operation in operations(spec):
        found = known["operations"].get(place, {})
        for kind, bodies in (("request", requests(operation)), ("reply", replies(operation))):
            if kind in found:
                for body in bodies:
                    put_example(body, found[kind], shared)


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the operations of a description, as `GET /path`."""
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def requests(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the bodies that an operation takes, one for each media type."""
    return list(operation.get("requestBody", {}).get("content", {}).values())


def replies(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the bodies with which an operation succeeds, one for each media type."""
    return [
        body
        for status, reply in operation["responses"].items()
        if status.startswith("2")
        for body in reply.get("content", {}).values()
    ]


def put_example(body: dict[str, Any], example: Any, shared: dict[str, Any]) -> None:
    if "example" in body or "examples" in body:
        return
    if isinstance(example, str) and example in shared:
        body["examples"] = {example: {"$ref": f"#/components/examples/{example}"}}
    else:
        body["example"] = example
