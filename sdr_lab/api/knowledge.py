"""Documents of the workspace, in the shapes of the official SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from sdr_lab.api.auth import KEY
from sdr_lab.api.conversation_schemas import Done
from sdr_lab.api.document_schemas import (
    AddedDocument,
    DependentAgents,
    DocumentList,
    DocumentReply,
    RagIndexes,
    RagIndexReply,
    RagIndexRequest,
    RenameRequest,
    TextRequest,
    UrlRequest,
    dependents,
    rag_index,
    shown,
)
from sdr_lab.api.errors import ERRORS, ApiError, FieldError, about_field
from sdr_lab.api.state import desk_of, lab_of
from sdr_lab.api.uploads import read_form
from sdr_lab.lab import Lab

if TYPE_CHECKING:
    from sdr_lab.live.desk import Desk
    from sdr_lab.live.documents import IndexState
    from sdr_lab.store.documents import Document

router = APIRouter(
    prefix="/v1/convai/knowledge-base", tags=["Knowledge"], dependencies=[KEY], responses=ERRORS
)

MOST_HTML = 1_000_000
"""Characters of a document's content in its description; all of it is under `/content`."""

DocumentId = Annotated[str, Path(max_length=64, examples=["doc_0a1b2c3d4e5f60718293"])]
AnyLab = Annotated[Lab, Depends(lab_of)]
AnyDesk = Annotated[Any, Depends(desk_of)]

FILE_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "name": {"type": "string"},
                    },
                    "required": ["file"],
                }
            }
        },
    }
}


@router.get("", response_model=DocumentList, summary="List documents, newest first")
async def list_documents(
    lab: AnyLab,
    page_size: Annotated[int, Query(ge=1, le=100)] = 30,
    cursor: Annotated[str, Query(max_length=512)] = "",
    search: Annotated[str, Query(max_length=200, description="A part of the name.")] = "",
    types: Annotated[list[Literal["file", "text", "url", "folder"]] | None, Query()] = None,
) -> JSONResponse:
    """Of the whole workspace, whoever uses them."""

    def work() -> dict[str, Any]:
        wanted = [kind for kind in types or () if kind != "folder"]
        if types and not wanted:  # there are no folders here
            return {"documents": [], "next_cursor": None, "has_more": False}
        page = lab.documents.list(page_size, cursor, search, wanted)
        return {
            "documents": [shown(lab, document) for document in page.documents],
            "next_cursor": page.next_cursor or None,
            "has_more": bool(page.next_cursor),
        }

    return JSONResponse(await asyncio.to_thread(work))


@router.post("/text", response_model=AddedDocument, summary="Keep a text")
async def add_text(request: TextRequest, desk: AnyDesk) -> JSONResponse:
    """Give it to an agent afterwards."""
    with about_field("text"):
        return added(await desk.documents.add_text(request.text, request.name or ""))


@router.post("/url", response_model=AddedDocument, summary="Fetch a page or file and keep it")
async def add_url(request: UrlRequest, desk: AnyDesk) -> JSONResponse:
    """It is fetched once, now."""
    with about_field("url"):
        return added(await desk.documents.add_url(request.url, request.name or ""))


@router.post("/file", response_model=AddedDocument, summary="Keep a file", openapi_extra=FILE_FORM)
async def add_file(request: Request, desk: AnyDesk) -> JSONResponse:
    """txt, md, html, csv, pdf or docx. What can't be read is refused with the reason."""
    form = await read_form(request, desk.settings.max_document_mb)
    if len(form.files) != 1:
        told = f"file: got {len(form.files)} files, allowed: one"
        raise FieldError(("body", "file"), told)
    file = form.files[0]
    with about_field("file"):
        document = await desk.documents.add_file(file.name, file.data, form.fields.get("name", ""))
    return added(document)


@router.get("/{document_id}", response_model=DocumentReply, summary="One document")
async def get_document(document_id: DocumentId, desk: AnyDesk) -> JSONResponse:
    """With the beginning of what was read of it, as HTML."""
    document = await asyncio.to_thread(desk.lab.documents.get, document_id)
    return JSONResponse(await full(desk, document))


@router.patch("/{document_id}", response_model=DocumentReply, summary="Rename a document")
async def rename(document_id: DocumentId, request: RenameRequest, desk: AnyDesk) -> JSONResponse:
    """Its content stays."""
    document = await asyncio.to_thread(desk.lab.documents.rename, document_id, request.name)
    return JSONResponse(await full(desk, document))


@router.delete("/{document_id}", response_model=Done, summary="Delete a document")
async def delete(
    document_id: DocumentId,
    desk: AnyDesk,
    force: Annotated[bool, Query(description="Also when agents use it.")] = False,
) -> JSONResponse:
    """Agents that use it (`force`) answer without it from the next call on."""
    document = await asyncio.to_thread(desk.lab.documents.get, document_id)
    if document.agents and not force:
        users = ", ".join(document.agents)
        told = f"document {document_id} is used by {users}: delete it with force=true"
        raise ApiError(409, "document_in_use", told)
    await desk.documents.delete(document_id, force)
    return JSONResponse({"success": True})


@router.get(
    "/{document_id}/content",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="The text of it",
)
async def get_content(document_id: DocumentId, desk: AnyDesk) -> Response:
    """As it is read into knowledge."""
    document = await asyncio.to_thread(desk.lab.documents.get, document_id)
    text = await desk.documents.content(document, "text")
    return PlainTextResponse(text, headers={"X-Content-Type-Options": "nosniff"})


@router.get(
    "/{document_id}/dependent-agents",
    response_model=DependentAgents,
    summary="Agents that use a document",
)
async def dependent_agents(document_id: DocumentId, lab: AnyLab) -> JSONResponse:
    """All of them, on one page."""
    found = await asyncio.to_thread(lambda: dependents(lab, lab.documents.get(document_id)))
    return JSONResponse({"agents": found, "next_cursor": None, "has_more": False})


@router.post("/{document_id}/rag-index", response_model=RagIndexReply, summary="Index a document")
async def compute_index(
    document_id: DocumentId, desk: AnyDesk, request: RagIndexRequest | None = None
) -> JSONResponse:
    """Reads it in for the agents that use it, unless that is done or under way; ask again for
    its progress. After a failure it is tried again."""
    document = await asyncio.to_thread(desk.lab.documents.get, document_id)
    states = []
    for state in await states_of(desk, document):
        if state.status == "failed":
            (state,) = await desk.documents.reindex(state.agent_id, document.id)
        states.append(state)
    model = (request or RagIndexRequest()).model  # type: ignore[call-arg]
    return JSONResponse(rag_index(document, states, model))


@router.get("/{document_id}/rag-index", response_model=RagIndexes, summary="How far it is")
async def get_index(document_id: DocumentId, desk: AnyDesk) -> JSONResponse:
    """Over all agents that use it."""
    document = await asyncio.to_thread(desk.lab.documents.get, document_id)
    states = await states_of(desk, document)
    return JSONResponse({"indexes": [rag_index(document, states, desk.settings.embed_model)]})


async def full(desk: Desk, document: Document) -> dict[str, Any]:
    """Return a document with the beginning of its content."""
    row = await asyncio.to_thread(shown, desk.lab, document)
    inner = await desk.documents.content(document, "html")
    return row | {
        "extracted_inner_html": inner[:MOST_HTML],
        "content_is_cut": len(inner) > MOST_HTML,
    }


async def states_of(desk: Desk, document: Document) -> list[IndexState]:
    return [
        state
        for agent_id in document.agents
        for state in await desk.documents.states(agent_id, [document])
    ]


def added(document: Document) -> JSONResponse:
    return JSONResponse({"id": document.id, "name": document.name, "folder_path": []})
