from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGENTS = "/v1/convai/agents"
PAGE = "https://app.example"
ASK = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}


# ---- pages of other origins


def test_pages_of_other_origins_are_shut_out_by_default(client_of):
    client = client_of(API_KEYS="ann")

    asked = client.options(AGENTS, headers=ASK)
    sent = client.get(AGENTS, headers={"Origin": PAGE, "xi-api-key": "ann"})

    assert asked.status_code == 405
    for reply in (asked, sent):
        assert "access-control-allow-origin" not in reply.headers


def test_pages_that_are_named_are_let_in(client_of):
    client = client_of(API_KEYS="ann", CORS_ORIGINS=f"{PAGE},https://two.example")

    asked = client.options(AGENTS, headers=ASK | {"Access-Control-Request-Headers": "xi-api-key"})
    other = client.options(AGENTS, headers=ASK | {"Origin": "https://evil.example"})
    sent = client.get(AGENTS, headers={"Origin": PAGE, "xi-api-key": "ann"})

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in asked.headers
    assert "access-control-allow-origin" not in other.headers
    assert sent.headers["access-control-allow-origin"] == PAGE


# ---- the description


def test_the_description_is_complete(client):
    spec = client.get("/openapi.json").json()

    tags = {tag["name"] for tag in spec["tags"]}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            place = f"{method} {path}"
            assert operation.get("summary"), place
            assert set(operation["tags"]) <= tags, place
            if path.startswith("/v1/"):
                for status in ("401", "404", "409", "422", "429"):
                    assert status in operation["responses"], f"{place} {status}"
                (body,) = operation["responses"]["404"]["content"].values()
                assert body["schema"] == {"$ref": "#/components/schemas/ErrorReply"}, place
    assert len({o["operationId"] for m in spec["paths"].values() for o in m.values()}) == sum(
        len(m) for m in spec["paths"].values()
    )


def test_creating_an_agent_has_examples_of_both_forms(client):
    operation = client.get("/openapi.json").json()["paths"][AGENTS]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]

    assert set(examples) == {"seed", "sdk"}
    for example in examples.values():
        assert client.post(AGENTS, json=example["value"]).status_code == 200


# ---- importing


def test_importing_the_server_does_nothing(tmp_path: Path):
    """No file, no thread, no socket, no heavy library."""
    code = """
import sys, threading
from server import app
heavy = {"torch", "duckdb", "sqlalchemy", "llama_index", "faster_whisper", "piper", "twilio.rest"}
print(sorted(heavy & set(sys.modules)), threading.active_count(), type(app).__name__)
"""
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PORT": "no number: settings are not read yet"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == "[] 1 Api"
    assert list(tmp_path.iterdir()) == []


# ---- the seed's own test template

TEMPLATE = '''
import pytest
from fastapi.testclient import TestClient
from server import app

client = TestClient(app)

@pytest.fixture
def test_agent():
    """Create test agent"""
    return {
        "name": "Test Agent",
        "system_prompt": "You are helpful",
        "first_message": "Hello"
    }

def test_create_agent(test_agent):
    response = client.post(
        "/v1/convai/agents",
        json=test_agent,
        headers={"xi-api-key": "test_key"}
    )
    assert response.status_code == 200
    assert "agent_id" in response.json()

def test_get_agent(test_agent):
    # Create first
    create_resp = client.post("/v1/convai/agents", json=test_agent)
    agent_id = create_resp.json()["agent_id"]

    # Get agent
    response = client.get(f"/v1/convai/agents/{agent_id}")
    assert response.status_code == 200
    assert response.json()["name"] == test_agent["name"]
'''

ENTERED = """
@pytest.fixture(autouse=True)
def _entered():
    with client:
        yield
"""


@pytest.mark.parametrize("entered", ["", ENTERED], ids=["client", "with client"])
def test_the_seeds_own_tests_pass(tmp_path: Path, entered: str):
    (tmp_path / "test_seed.py").write_text(TEMPLATE + entered)
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:asyncio",
         "-p", "no:cacheprovider", "test_seed.py"],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(ROOT),
            "PATH": "/usr/bin:/bin",
            "SDR_LAB_HOME": str(tmp_path / "home"),
            "STT_PROVIDER": "whisper",
            "LLM_PROVIDER": "playbook",
            "TTS_PROVIDER": "tone",
            "EMBED_MODEL": "hash",
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert told.returncode == 0, told.stdout + told.stderr
    assert "2 passed" in told.stdout
    assert (tmp_path / "home" / "sdr_lab.db").is_file()
