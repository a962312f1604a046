"""The pages that show the API: whole, and from this machine alone."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from sdr_lab.api import docs_page
from sdr_lab.errors import MissingPackage


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_a_page_loads_nothing_from_elsewhere(client: TestClient, path: str):
    page = client.get(path)
    wanted = re.findall(r'(?:src|href|spec-url)="([^"]+)"', page.text)
    files = [name for name in wanted if not name.startswith("data:")]

    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert len(files) > 1
    for name in files:
        assert "//" not in name
        reply = client.get(f"/{name}")
        assert (reply.status_code, len(reply.content) > 100) == (200, True)


def test_files_that_are_no_part_of_it(client: TestClient):
    assert client.get("/docs/nothing.js").status_code == 404
    assert client.get("/docs/..%2f..%2fpyproject.toml").status_code == 404
    assert client.get("/docs/phone.js").status_code == 404


def test_the_key_is_not_kept_in_the_browser(client: TestClient):
    assert "persistAuthorization" not in client.get("/docs/docs.js").text


def test_without_the_libraries_it_is_said_what_to_install():
    with pytest.raises(MissingPackage, match="pip install fastapi-offline"):
        docs_page.library("no_such_package")
