"""What the API says of knowledge documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sdr_lab.errors import SdrLabError
from sdr_lab.lab import Lab
from sdr_lab.live.account import iso

if TYPE_CHECKING:
    from sdr_lab.live.documents import IndexState
    from sdr_lab.store.documents import Document

Status = Literal["created", "processing", "failed", "succeeded"]


class TextRequest(BaseModel):
    """A text to keep."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"name": "Prices", "text": "The starter plan is 49 dollars."}
        },
    )

    text: str = Field(min_length=1, max_length=10_000_000)
    name: str | None = Field(None, max_length=255)


class UrlRequest(BaseModel):
    """A page or file to fetch and keep."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"url": "https://example.com/faq.html", "name": "FAQ"}},
    )

    url: str = Field(max_length=2048, description="https, a public address, no redirect.")
    name: str | None = Field(None, max_length=255)


class RenameRequest(BaseModel):
    """A new name. The text of a document stays as it is: for another one, add another document."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "Prices 2026"}}
    )

    name: str = Field(min_length=1, max_length=255)


class RagIndexRequest(BaseModel):
    """Only one embedding is in use; its name is given back."""

    model: str = Field("e5_mistral_7b_instruct", max_length=128)


class AddedDocument(BaseModel):
    """A document that was kept."""

    id: str
    name: str


class DocumentReply(BaseModel):
    """A document."""

    model_config = ConfigDict(extra="allow")

    type: Literal["file", "text", "url"]
    id: str
    name: str
    metadata: dict[str, int]
    supported_usages: list[str]
    access_info: dict[str, Any]
    dependent_agents: list[dict[str, Any]]


class DocumentList(BaseModel):
    """A part of the list of documents, newest first."""

    documents: list[DocumentReply]
    next_cursor: str | None = None
    has_more: bool


class RagIndexReply(BaseModel):
    """How far a document is on its way into the knowledge of the agents that use it."""

    id: str
    model: str
    status: Status
    progress_percentage: float
    document_model_index_usage: dict[str, int]
    error: str | None = None


class RagIndexes(BaseModel):
    """There is one index of a document."""

    indexes: list[RagIndexReply]


class DependentAgents(BaseModel):
    """The agents that use a document."""

    agents: list[dict[str, Any]]
    next_cursor: None = None
    has_more: Literal[False] = False


class Removed(BaseModel):
    """A document was taken away from an agent."""

    success: bool
    deleted: bool = Field(description="Nobody else used it.")


class Reindexed(BaseModel):
    """Documents are being read in again."""

    success: bool
    documents: int


class AgentDocument(BaseModel):
    """A document of one agent."""

    id: str
    document_id: str
    name: str
    type: Literal["file", "text", "url"]
    source_url: str | None
    size_bytes: int
    status: Status
    progress_percentage: float
    error: str | None
    created_at: str


class AgentDocumentList(BaseModel):
    """What one agent knows."""

    agent_id: str
    knowledge_base: str = Field(description="Name of the base that its calls read.")
    version: str | None = Field(description="Changes when what it holds changes.")
    documents: list[AgentDocument]
    other_documents: list[dict[str, Any]] = Field(
        description="Documents in the base that came by `sdr-lab ingest` or with the agent."
    )


class AgentAdded(BaseModel):
    """Documents that were kept; they are being read in."""

    id: str
    document_id: str = Field(description="The same; the seed's name.")
    name: str
    agent_id: str
    documents: list[AgentDocument]


def shown(lab: Lab, document: Document) -> dict[str, Any]:
    """Return a document in the SDK's shape. Blocks."""
    row: dict[str, Any] = {
        "type": document.type,
        "id": document.id,
        "name": document.name,
        "metadata": {
            "created_at_unix_secs": int(document.created_at.timestamp()),
            "last_updated_at_unix_secs": int(document.updated_at.timestamp()),
            "size_bytes": document.size_bytes,
        },
        "supported_usages": ["auto"],
        "access_info": {
            "is_creator": True,
            "creator_name": "",
            "creator_email": "",
            "role": "admin",
        },
        "dependent_agents": dependents(lab, document),
        "folder_path": [],
        "created_at": iso(document.created_at),
        "updated_at": iso(document.updated_at),
    }
    if document.type == "url":
        row["url"] = document.source_url
    if document.type == "file":
        row["filename"] = document.file.name
    return row


def dependents(lab: Lab, document: Document) -> list[dict[str, Any]]:
    """Return the agents that use a document."""
    found = []
    for agent_id in document.agents:
        try:
            entry = lab.agents.entry(agent_id, include_deleted=True)
        except SdrLabError:
            found.append({"type": "unknown", "id": agent_id})
            continue
        created = int(entry.created_at.timestamp())
        found.append(
            {
                "type": "available",
                "id": agent_id,
                "name": entry.agent.name,
                "created_at_unix_secs": created,
                "access_level": "admin",
            }
        )
    return found


def shown_to_agent(document: Document, state: IndexState) -> dict[str, Any]:
    """Return a document with its way into one agent's knowledge."""
    return {
        "id": document.id,
        "document_id": document.id,
        "name": document.name,
        "type": document.type,
        "source_url": document.source_url or None,
        "size_bytes": document.size_bytes,
        "status": str(state.status),
        "progress_percentage": state.progress,
        "error": state.error or None,
        "created_at": iso(document.created_at),
    }


def rag_index(document: Document, states: Sequence[IndexState], model: str) -> dict[str, Any]:
    """Return how far a document is, over all agents that use it.

    A document that no agent uses is ready for any: it was read when it was kept, and is embedded
    with the agent's other documents when it is given to one.
    """
    by_rank = ("failed", "created", "processing", "succeeded")
    words = [str(state.status) for state in states]
    status = next((word for word in by_rank if word in words), "succeeded")
    progress = min((state.progress for state in states), default=100.0)
    errors = [state.error for state in states if state.error]
    return {
        "id": document.id,
        "model": model,
        "status": status,
        "progress_percentage": progress,
        "document_model_index_usage": {"used_bytes": document.size_bytes},
        "error": errors[0] if errors else None,
    }
