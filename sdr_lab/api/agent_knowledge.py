"""What one agent knows: documents given to it, and how far they are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from sdr_lab.api.auth import KEY
from sdr_lab.api.document_schemas import (
    AgentAdded,
    AgentDocumentList,
    Reindexed,
    Removed,
    shown_to_agent,
)
from sdr_lab.api.errors import ERRORS, FieldError, about_field
from sdr_lab.api.knowledge import FILE_FORM
from sdr_lab.api.state import desk_of
from sdr_lab.api.uploads import media_type, read_form
from sdr_lab.live.bases import name_in_base
from sdr_lab.live.prepared import agent_named

if TYPE_CHECKING:
    from sdr_lab.live.desk import Desk
    from sdr_lab.store.documents import Document

router = APIRouter(
    prefix="/v1/convai/agents/{agent_id}/knowledge-base",
    tags=["Knowledge"],
    dependencies=[KEY],
    responses=ERRORS,
)

AgentKey = Annotated[str, Path(max_length=128, description="Id or name.", examples=["maplewood"])]
AnyDesk = Annotated[Any, Depends(desk_of)]
DocumentId = Annotated[str, Path(max_length=64)]


class AddRequest(BaseModel):
    """One of `text`, `url` and `document_id`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"name": "Prices", "text": "The starter plan is 49 dollars."}
        },
    )

    text: str | None = Field(
        None,
        min_length=1,
        max_length=10_000_000,
        validation_alias=AliasChoices("text", "content"),
        description="`content` is taken as well.",
    )
    url: str | None = Field(None, max_length=2048)
    document_id: str | None = Field(None, max_length=64, description="A document of the workspace.")
    name: str | None = Field(None, max_length=255)


BODIES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": AddRequest.model_json_schema()},
            **FILE_FORM["requestBody"]["content"],
        },
    }
}


@router.post("", response_model=AgentAdded, summary="Give an agent documents", openapi_extra=BODIES)
async def add(
    agent_id: AgentKey,
    request: Request,
    desk: AnyDesk,
    content: Annotated[
        str | None,
        Query(min_length=1, max_length=50_000, description="A text, as the seed sends it."),
    ] = None,
) -> JSONResponse:
    """Files (multipart, one or several), or a text, an address or a document as JSON.

    They are read in behind the reply; until that is done the agent answers from what it knew.
    Files are taken all or none.
    """
    agent = await asyncio.to_thread(agent_named, desk.lab, agent_id)
    if content is not None:
        documents = [await desk.documents.add_text(content)]
    elif media_type(request) == "multipart/form-data":
        documents = await from_form(desk, request)
    else:
        documents = [await from_json(desk, request)]
    states = [await desk.documents.attach(document.id, agent.id) for document in documents]
    rows = [
        shown_to_agent(document, state) for document, state in zip(documents, states, strict=True)
    ]
    first = {"id": rows[0]["id"], "document_id": rows[0]["id"], "name": rows[0]["name"]}
    return JSONResponse({**first, "agent_id": agent.id, "documents": rows})


@router.get("", response_model=AgentDocumentList, summary="What an agent knows")
async def list_documents(agent_id: AgentKey, desk: AnyDesk) -> JSONResponse:
    """With the progress of what is being read in."""
    agent = await asyncio.to_thread(agent_named, desk.lab, agent_id)
    documents = await asyncio.to_thread(desk.lab.documents.of, agent.id)
    states = await desk.documents.states(agent.id, documents)
    names = await desk.documents.bases.names(agent.id)
    ours = {name_in_base(document) for document in documents}
    version = await asyncio.to_thread(desk.lab.knowledge.version, agent.knowledge)
    return JSONResponse(
        {
            "agent_id": agent.id,
            "knowledge_base": agent.knowledge,
            "version": version or None,
            "documents": [
                shown_to_agent(document, state)
                for document, state in zip(documents, states, strict=True)
            ],
            "other_documents": [
                {"name": name, "size_bytes": size}
                for name, size in names.items()
                if name not in ours
            ],
        }
    )


@router.post("/reindex", response_model=Reindexed, summary="Read an agent's documents in again")
async def reindex(agent_id: AgentKey, desk: AnyDesk) -> JSONResponse:
    """Without a gap: calls answer from the version before until the new one is complete."""
    states = await desk.documents.reindex(agent_id)
    return JSONResponse({"success": True, "documents": len(states)})


@router.delete("", response_model=Removed, summary="Take a document away, named in the query")
async def remove_named(
    agent_id: AgentKey,
    desk: AnyDesk,
    document_id: Annotated[str, Query(max_length=64)],
    keep_document: bool = False,
) -> JSONResponse:
    """As `DELETE …/knowledge-base/{document_id}`."""
    return await remove(agent_id, document_id, desk, keep_document)


@router.delete(
    "/{document_id}", response_model=Removed, summary="Take a document away from an agent"
)
async def remove(
    agent_id: AgentKey,
    document_id: DocumentId,
    desk: AnyDesk,
    keep_document: Annotated[
        bool, Query(description="Keep it in the workspace although no agent uses it.")
    ] = False,
) -> JSONResponse:
    """A document that no other agent uses is deleted with it."""
    agent = await asyncio.to_thread(agent_named, desk.lab, agent_id)
    await desk.documents.detach(document_id, agent.id)
    left = await asyncio.to_thread(desk.lab.documents.get, document_id)
    is_deleted = not left.agents and not keep_document
    if is_deleted:
        await desk.documents.delete(document_id)
    return JSONResponse({"success": True, "deleted": is_deleted})


async def from_form(desk: Desk, request: Request) -> list[Document]:
    """Keep the files of a form: all or none."""
    form = await read_form(request, desk.settings.max_document_mb)
    if not form.files:
        raise FieldError(("body", "file"), "file: got none, allowed: one or more")
    name = form.fields.get("name", "") if len(form.files) == 1 else ""
    kept: list[Document] = []
    try:
        for file in form.files:
            with about_field("file"):
                kept.append(await desk.documents.add_file(file.name, file.data, name))
    except BaseException:
        for document in kept:
            await asyncio.shield(desk.documents.delete(document.id))
        raise
    return kept


async def from_json(desk: Desk, request: Request) -> Document:
    """Keep or find the document that a JSON body names."""
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > desk.settings.max_document_mb * 2**20 + 2**16:
            raise FieldError(("body",), "the text is larger than MAX_DOCUMENT_MB")
    try:
        wish = AddRequest.model_validate_json(bytes(raw))
    except ValidationError as error:
        problems = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
        raise RequestValidationError(problems) from error
    given = [name for name in ("text", "url", "document_id") if getattr(wish, name)]
    if len(given) != 1:
        told = (
            f"got {', '.join(given) or 'none'}, allowed: one of text, url, document_id; or a file"
        )
        raise FieldError(("body",), told)
    if wish.text:
        with about_field("text"):
            return await desk.documents.add_text(wish.text, wish.name or "")
    if wish.url:
        with about_field("url"):
            return await desk.documents.add_url(wish.url, wish.name or "")
    return await asyncio.to_thread(desk.lab.documents.get, wish.document_id or "")
