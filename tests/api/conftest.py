"""An app on a workspace of its own, without a lifespan (fast) or with one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sdr_lab.api.app import create_app
from sdr_lab.api.state import state_of
from sdr_lab.config import Settings

ClientOf = Callable[..., TestClient]


@pytest.fixture
def client_of(settings: Settings) -> Iterator[ClientOf]:
    """Make clients of apps with other settings: `client_of(API_KEYS="secret")`."""
    apps: list[FastAPI] = []

    def make(**changes: object) -> TestClient:
        app = create_app(settings.changed("test", **changes))
        apps.append(app)
        return TestClient(app, raise_server_exceptions=False)

    yield make
    for app in apps:
        if database := vars(state_of(app).lab).get("database"):  # it was opened
            database.close()


@pytest.fixture
def client(client_of: ClientOf) -> TestClient:
    return client_of()
