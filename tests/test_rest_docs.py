"""docs/rest.md tells the truth: its endpoints are the app's, its examples run, its names exist."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from elevenlabs.client import ElevenLabs
from fastapi import FastAPI
from fastapi.routing import APIWebSocketRoute
from fastapi.testclient import TestClient

from sdr_lab.api.app import create_app
from sdr_lab.api.conversation_schemas import CallQuery
from sdr_lab.api.description import operations
from sdr_lab.api.errors import ERRORS
from sdr_lab.config import Settings
from sdr_lab.live.hook_events import HOOK_EVENTS
from sdr_lab.live.hook_sender import WAITS_S, signature
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.phone_network import ACCOUNT_SID, AUTH_TOKEN
from sdr_lab.simulate.phone_subscriber import Subscriber
from sdr_lab.store.folder import Status
from tests.e2e.ears import sound_of
from tests.e2e.world import KEY, OURS, World, eventually, says, world
from tests.importable import importable
from tests.live.receiver import Receiver, receiving

PAGE = (Path(__file__).parents[1] / "docs" / "rest.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.M | re.S)
PROGRAMS = [block for block in BLOCKS if not block.startswith("# ")]
HIS = "+14155550137"
BOOKING = "Please book me a demo for Tuesday at ten."


def section(heading: str) -> str:
    text = re.split(rf"^## {re.escape(heading)}$", PAGE, flags=re.M)[1]
    return re.split(r"^## ", text, flags=re.M)[0]


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the tables of a section, without their heads."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if not row[0].startswith("---")]


# ---- endpoints, statuses, names


def test_the_endpoints_are_those_of_the_app():
    app: FastAPI = create_app()
    known = {place for place, _ in operations(app.openapi()) if not place.startswith("HEAD ")}
    known |= {f"WS {route.path}" for route in all_routes(app, APIWebSocketRoute)}
    shown = re.findall(r"^\| `((?:[A-Z]+) [/…][^`]*)` \|", section("Endpoints"), flags=re.M)
    listed = [place.replace("…", "/v1/convai") for place in shown]

    assert len(listed) == len(set(listed))
    assert set(listed) == known


def all_routes(app: FastAPI, kind: type[Any]) -> list[Any]:
    """Return the routes of a kind, of routers that were included as well."""
    found, waiting = [], list(app.routes)
    while waiting:
        route = waiting.pop()
        if isinstance(route, kind):
            found.append(route)
        waiting += getattr(getattr(route, "original_router", None), "routes", [])
    return found


def test_every_endpoint_that_is_mentioned_exists():
    app = create_app()
    known = [place.replace("/v1/convai", "…") for place, _ in operations(app.openapi())]
    patterns = [re.compile(re.sub(r"\{\w+\}", "[^/]+", place)) for place in known]
    text = PAGE.replace(section("Coming from the hosted service"), "")
    named = {name.partition("?")[0] for name in re.findall(r"`((?:GET|POST|PATCH) [^` ]+)`", text)}
    short = {"POST …/resend", "GET …/recording"}  # told in full beside

    for name in named - short:
        assert any(pattern.fullmatch(name) for pattern in patterns), name


def test_errors_have_the_shape_that_is_shown():
    blocks = re.findall(r"^```json\n(.*?)^```$", section("Errors"), flags=re.M | re.S)
    shown = [json.loads(block) for block in blocks]
    told = {code: ERRORS[code]["content"]["application/json"]["example"] for code in (404, 422)}

    assert shown == list(told.values())
    listed = {int(code) for row in rows("Errors") for code in re.findall(r"\d{3}", row[0])}
    assert set(map(int, ERRORS)) <= listed


def test_statuses_filters_and_waits_are_those_of_the_code():
    words = set(re.findall(r"`([a-z-]+)`", "".join(r[-1] for r in rows("First requests"))))
    alike = {"initiated", "in-progress"}  # "the same"
    assert words | alike == set(Status)

    filters = set(CallQuery.model_fields) - {
        "cursor", "page_size", "skip", "limit", "summary_mode", "sort_direction"
    }  # fmt: skip
    paging = section("Paging")
    assert filters == set(re.findall(r"`(\w+)`", paging[paging.index("Calls are filtered") :]))

    told = re.search(r"tried again after ([^,]+, [^,]+, .+? h and\n?\s*\d h)", section("Webhooks"))
    assert told is not None
    assert told[1].replace("\n", " ") == "5 s, 15 s, 1, 5 and 30 min, 2 h and 6 h"
    assert WAITS_S == (5, 15, 60, 300, 1800, 7200, 21_600)


def test_settings_that_are_named_exist():
    named = set(re.findall(r"`([A-Z][A-Z_]{4,})`", PAGE)) - {"TWILIO_"}

    assert len(named) > 6
    assert named <= set(Settings.names())


def test_functions_that_people_know_are_where_the_page_says():
    places = re.findall(r"`(sdr_lab(?:\.\w+)+)`", section("Coming from the seed"))

    assert len(places) > 5
    for place in places:
        module, _, name = place.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name)), place


def test_settings_of_one_agent_are_taken(tmp_path: Path):
    client = TestClient(create_app(Settings.load(None, {"SDR_LAB_HOME": tmp_path}, environ={})))
    told = "".join(row[1] for row in rows("Agents that change"))
    body = {"keys": {"9": "mark_do_not_call"}, "departments": {"sales": "+13125550140"}}
    interrupt = re.findall(r"`(\w+)`", told.partition("`interrupt`:")[2].partition("`silence")[0])
    names = re.findall(r"`(\w+?)`?:? ", told)

    reply = client.post("/v1/convai/agents", json={"name": "Joe", **body})
    assert reply.status_code == 200, reply.text
    assert {"interrupt_enabled", "max_call_s", "on_voicemail", "evaluation"} <= set(reply.json())
    assert {name for name in names if name.endswith(("_sec", "_s"))} <= set(reply.json())
    settings = {name.lower().removeprefix("interrupt_") for name in Settings.names()}
    assert len(interrupt) > 5
    assert set(interrupt) <= settings


def test_what_is_kept_without_effect_is_given_back(tmp_path: Path):
    client = TestClient(create_app(Settings.load(None, {"SDR_LAB_HOME": tmp_path}, environ={})))
    config = {
        "turn": {"turn_timeout": 7},
        "tts": {"stability": 0.4},
        "asr": {"quality": "high"},
        "agent": {"prompt": {"rag": {"enabled": True}}},
        "mcp_servers": ["a"],
    }
    platform = {"auth": {"enable_auth": True}}
    body = {"name": "Joe", "conversation_config": config, "platform_settings": platform}

    kept = client.post("/v1/convai/agents/create", json=body).json()

    found = kept["conversation_config"]
    for part in ("turn", "tts", "asr"):
        assert config[part].items() <= found[part].items()
    assert found["agent"]["prompt"]["rag"] == {"enabled": True}
    assert (found["mcp_servers"], kept["platform_settings"]["auth"]) == (["a"], platform["auth"])


# ---- the examples, run


@dataclass
class Tried:
    """What became of the examples."""

    world: World
    names: dict[str, Any]
    """Of the programs, which share one namespace."""
    receiver: Receiver


def prepared(program: str, url: str, hook_url: str) -> str:
    for shown, real in (
        ("http://127.0.0.1:9001", url),
        ("your-key", KEY),
        ("https://crm.example.com/hooks/sdr", hook_url),
        ('["call.ended", "post_call_transcription"]', '["*"]'),
        ("time.sleep(1)", "time.sleep(0.1)"),
    ):
        program = program.replace(shown, real)
    return program


def callee() -> Caller:
    """Somebody who asks, cuts in, books and says goodbye."""
    caller = says(Caller(), "What does it cost?", after=0.3)
    caller.cuts_in(BOOKING, into=0.7, sound=sound_of(BOOKING))
    return says(caller, "No thanks, goodbye.", after=0.3).hangs_up(at=20)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tried(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tried]:
    home = tmp_path_factory.mktemp("home")
    account = {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN}
    async with (
        receiving() as receiver,
        world(home, TWILIO_PHONE_NUMBER=OURS, **account) as here,
    ):
        names: dict[str, Any] = {}
        await here.post("/webhooks", {"url": receiver.url, "events": ["*"]})
        here.network.subscribe(HIS, Subscriber(callee()))
        for program in PROGRAMS:
            code = compile(prepared(program, here.url, receiver.url), "docs/rest.md", "exec")
            await asyncio.to_thread(exec, code, names)
            here.network.subscribe(HIS, Subscriber(says(Caller(), "Goodbye.", after=0.2)))
        here.network.subscribe("+14155550138", Subscriber(outcome="busy"))
        busy = await here.place("maplewood", "+14155550138")
        await here.settled(busy)

        async def all_told() -> bool:
            return set(HOOK_EVENTS) <= set(receiver.kinds)

        await eventually(all_told, f"{set(HOOK_EVENTS) - set(receiver.kinds)} did not come")
        yield Tried(here, names, receiver)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_seeds_program_and_the_sdks_do_the_same(tried: Tried):
    page = await tried.world.get("/conversations", phone_number=HIS)
    calls = [call for call in page["conversations"] if call["agent_name"] == "Joe"]

    assert len(calls) == 2
    assert tried.names["told"].status == "done"
    assert tried.names["sound"].startswith(b"RIFF")
    for call in calls:
        told = await tried.world.get(f"/conversations/{call['conversation_id']}")
        assert told["transcript"][0]["message"] == "Hi Dana, this is Joe."


@pytest.mark.asyncio(loop_scope="module")
async def test_events_hold_what_the_page_says(tried: Tried):
    listed = [row for row in rows("Webhooks") if row[0].startswith("`")]
    assert {row[0].strip("`") for row in listed} == set(HOOK_EVENTS)

    for name, told in listed:
        events = [e for e in tried.receiver.events if e["type"] == name.strip("`")]
        wanted = set(re.findall(r"`(\w+)`", told)) - {"original_text"}
        for event in events:
            assert wanted <= set(event["data"]), name
            assert {"event", "id", "event_timestamp", "timestamp", "call_sid"} <= set(event)
    cut = [e for e in tried.receiver.events if e["data"].get("interrupted") is True]
    assert all("original_text" in event["data"] for event in cut)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_sent_passes_the_check_of_the_page(tried: Tried, tmp_path: Path):
    (code,) = [block for block in BLOCKS if block.startswith("# webhook_receiver.py")]
    hooks = (await tried.world.get("/webhooks"))["webhooks"]
    secret = tried.names["secret"]
    with importable(tmp_path, "webhook_receiver", code):
        module = importlib.import_module("webhook_receiver")
    sent = [
        (body.encode(), headers["ElevenLabs-Signature"])
        for body, headers in zip(tried.receiver.bodies, tried.receiver.requests, strict=True)
    ]
    genuine = [pair for pair in sent if module.is_genuine(*pair, secret)]

    assert len(hooks) == 2  # ours, and the one that the page makes
    assert genuine
    body, header = genuine[0]
    assert not module.is_genuine(body + b" ", header, secret)
    assert not module.is_genuine(body, header, "another secret")
    assert not module.is_genuine(body, signature(secret, body, 1_700_000_000), secret)
    assert not module.is_genuine(body, "", secret)
    client = TestClient(module.app)
    wrong = client.post("/hooks/sdr", content=body, headers={"ElevenLabs-Signature": "t=1,v0=0"})
    assert wrong.status_code == 401
    vars(module)["SECRET"] = secret
    right = client.post("/hooks/sdr", content=body, headers={"ElevenLabs-Signature": header})
    assert right.status_code == 200
    told = ElevenLabs(api_key="none").webhooks.construct_event(body.decode(), header, secret)
    assert told["id"] in module.seen
