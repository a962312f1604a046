"""The plays of all chosen tests, run at once before the first of them looks at what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.stage import Stage


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """Run the `PLAY` of every test module that has one, then each `CROWD`."""
    modules = {item.module for item in request.session.items if isinstance(item, pytest.Function)}
    plays = [play for module in modules if (play := getattr(module, "PLAY", None))]
    crowds = [play for module in modules if (play := getattr(module, "CROWD", None))]
    made = Stage()
    async with made.all(plays, lambda: tmp_path_factory.mktemp("home"), crowds):
        yield made
