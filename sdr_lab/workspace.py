"""The workspace: settings, and everything that lies below SDR_LAB_HOME."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sdr_lab.agents.agent import load_agent
from sdr_lab.config import Settings
from sdr_lab.errors import NotFound
from sdr_lab.records import Agent

if TYPE_CHECKING:
    from sdr_lab.knowledge.index import Knowledge
    from sdr_lab.store.agents import AgentStore
    from sdr_lab.store.calendar import Calendar
    from sdr_lab.store.calls import CallStore
    from sdr_lab.store.database import Database
    from sdr_lab.store.dnc import DoNotCall
    from sdr_lab.store.documents import DocumentStore
    from sdr_lab.store.hooks import Deliveries, Webhooks
    from sdr_lab.store.idempotency import IdempotencyKeys
    from sdr_lab.store.numbers import PhoneNumbers
    from sdr_lab.store.tickets import Tickets
    from sdr_lab.store.tools import ToolStore

DEFAULT_AGENT = "maplewood"
"""The shipped agent that answers when none is named."""


class Workspace:
    """Everything of one workspace. Cheap to make; each part is opened when first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.sdr_lab_home
        self.datasets = settings.datasets

    @classmethod
    def open(cls, home: Path | str | None = None, **changes: object) -> Self:
        """Open a workspace with the settings of the environment.

        Args:
            home: The folder; None: SDR_LAB_HOME.
            changes: Settings by name that win over the environment.
        """
        given = dict(changes)
        if home is not None:
            given["SDR_LAB_HOME"] = str(home)
        return cls(Settings.load(overrides=given))

    # ---- what lies in the workspace

    @cached_property
    def database(self) -> Database:
        from sdr_lab.store.database import open_database

        return open_database(self.home, self.settings.database_url)

    @cached_property
    def agents(self) -> AgentStore:
        from sdr_lab.store.agents import AgentStore

        return AgentStore(self.database)

    @cached_property
    def calls(self) -> CallStore:
        from sdr_lab.store.calls import CallStore
        from sdr_lab.trace.turns import turns_of

        return CallStore(self.database, self.home / "calls", turns_of)

    @cached_property
    def calendar(self) -> Calendar:
        from sdr_lab.store.calendar import Calendar

        return Calendar(self.database, self.home)

    @cached_property
    def do_not_call(self) -> DoNotCall:
        from sdr_lab.store.dnc import DoNotCall

        return DoNotCall(self.database)

    @cached_property
    def numbers(self) -> PhoneNumbers:
        from sdr_lab.store.numbers import PhoneNumbers

        return PhoneNumbers(self.database)

    @cached_property
    def tools(self) -> ToolStore:
        from sdr_lab.store.tools import ToolStore

        return ToolStore(self.database)

    @cached_property
    def hooks(self) -> Webhooks:
        from sdr_lab.store.hooks import Webhooks

        return Webhooks(self.database)

    @cached_property
    def deliveries(self) -> Deliveries:
        from sdr_lab.store.hooks import Deliveries

        return Deliveries(self.database)

    @cached_property
    def idempotency(self) -> IdempotencyKeys:
        from sdr_lab.store.idempotency import IdempotencyKeys

        return IdempotencyKeys(self.database)

    @cached_property
    def tickets(self) -> Tickets:
        from sdr_lab.store.tickets import Tickets

        return Tickets(self.database)

    @cached_property
    def documents(self) -> DocumentStore:
        from sdr_lab.store.documents import DocumentStore

        return DocumentStore(self.database, self.home)

    @cached_property
    def knowledge(self) -> Knowledge:
        from sdr_lab.knowledge.embed import embedding_of
        from sdr_lab.knowledge.index import Knowledge

        return Knowledge(self.home / "knowledge", lambda: embedding_of(self.settings.embed_model))

    # ---- agents

    def agent(self, key: str = "") -> Agent:
        """Return an agent: a YAML file, an id or name of the store, or a shipped one.

        Raises:
            NotFound: there is none.
            BadInput: the file is no agent.
        """
        if key.endswith((".yaml", ".yml")):
            return load_agent(Path(key))
        shipped = self.datasets / "agents" / f"{key or DEFAULT_AGENT}.yaml"
        try:
            return self.agents.get(key or DEFAULT_AGENT)
        except NotFound:
            if not shipped.is_file() or Path(key).name != key:  # a name, not a path
                raise
        return self.agents.save(load_agent(shipped), author="sdr_lab", note="shipped")
