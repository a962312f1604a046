from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sdr_lab.cli import app

Run = Callable[..., Result]


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `sdr-lab ARGS…` in the workspace `home`, with the embedded engines."""
    monkeypatch.chdir(home.parent)
    embedded = ["STT_PROVIDER=whisper", "LLM_PROVIDER=playbook", "TTS_PROVIDER=piper"]
    nowhere = "OLLAMA_HOST=http://127.0.0.1:1"
    options = ["--home", str(home)]
    for pair in [*embedded, nowhere]:
        options += ["--set", pair]

    def run(*args: object, exit_code: int = 0, **more: Any) -> Result:
        result = CliRunner().invoke(app, [*options, *map(str, args)], **more)
        assert result.exit_code == exit_code, result.output
        return result

    return run


@pytest.fixture
def run_json(run: Run) -> Callable[..., Any]:
    """The same with `--json`, returning what was printed."""
    return lambda *args, **more: json.loads(run(*args, "--json", **more).stdout)
