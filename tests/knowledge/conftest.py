from __future__ import annotations

from pathlib import Path

import pytest

from sdr_lab.knowledge.embed import HashEmbedding
from sdr_lab.knowledge.index import Knowledge


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "knowledge"


@pytest.fixture
def knowledge(home: Path) -> Knowledge:
    return Knowledge(home, HashEmbedding())


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Two small documents in a folder."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "prices.md").write_text("# Prices\n\nThe Starter plan costs $49 per month.\n")
    (folder / "app.txt").write_text("The mobile app works offline on every phone.\n")
    return folder
