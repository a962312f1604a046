from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sdr_lab.api.app import create_app
from sdr_lab.api.phone import FILES, STATIC
from tests.live.served import live_settings


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(create_app(live_settings(tmp_path, API_KEYS="the-right-key")))


def test_the_page_is_there_without_a_key(client: TestClient):
    reply = client.get("/phone")

    assert reply.status_code == 200
    assert "default-src 'self'" in reply.headers["content-security-policy"]
    assert reply.headers["permissions-policy"] == "microphone=(self)"


def test_the_page_loads_only_what_this_server_has(client: TestClient):
    page = client.get("/phone").text
    loaded = re.findall(r'(?:href|src)="(?!data:)([^"]+)"', page)
    code = {name: client.get(f"/phone/{name}").text for name in FILES if name.endswith(".js")}
    loaded += [
        path
        for text in code.values()
        for path in re.findall(r'(?:from|addModule\()\s*"(?:\./|/phone/)([^"]+)"', text)
    ]

    assert {path.rpartition("/")[2] for path in loaded} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_its_type(client: TestClient, name: str):
    reply = client.get(f"/phone/{name}")

    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith(FILES[name])


@pytest.mark.parametrize("name", ["phone.html", "..%2Fphone.py", "%2Fetc%2Fpasswd", "x"])
def test_no_other_file_is_given(client: TestClient, name: str):
    assert client.get(f"/phone/{name}").status_code == 404


def test_ids_that_the_code_looks_for_are_on_the_page():
    page = (STATIC / "phone.html").read_text()
    wanted = set(re.findall(r'at\("([^"]+)"\)', (STATIC / "phone.js").read_text()))

    assert wanted <= set(re.findall(r'id="([^"]+)"', page))
