"""Documents over HTTP: of the workspace, of an agent; by hand and by the official SDK."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from elevenlabs.core.api_error import ApiError
from fastapi.testclient import TestClient

from sdr_lab.api.document_schemas import AgentAdded, AgentDocumentList, DocumentList
from sdr_lab.api.state import state_of
from tests.api.data_server import data_server
from tests.live.finished_call import JOE

URL = "/v1/convai/knowledge-base"
MINE = "/v1/convai/agents/joe/knowledge-base"
PRICES = b"# Prices\n\nThe starter plan costs 49 dollars a month."


@pytest.fixture(autouse=True)
def agents(client: TestClient) -> None:
    state_of(client.app).lab.agents.save(JOE)  # type: ignore[arg-type]


def text(client: TestClient, name: str) -> str:
    return client.post(f"{URL}/text", json={"text": "Some words.", "name": name}).json()["id"]


def test_documents_are_kept_listed_renamed_and_deleted(client: TestClient):
    key = text(client, "Words")
    file = {"file": ("prices.md", PRICES)}
    made = client.post(f"{URL}/file", files=file, data={"name": "Prices"}).json()

    page = client.get(URL).json()
    DocumentList.model_validate(page)
    assert [(d["type"], d["name"]) for d in page["documents"]] == [
        ("file", "Prices"), ("text", "Words")
    ]  # fmt: skip
    assert client.get(URL, params={"search": "PRIC"}).json()["documents"][0]["id"] == made["id"]
    assert len(client.get(URL, params={"types": ["text"]}).json()["documents"]) == 1
    assert client.get(URL, params={"types": "folder"}).json()["documents"] == []

    one = client.patch(f"{URL}/{key}", json={"name": "Other words"}).json()
    assert (one["name"], one["extracted_inner_html"]) == ("Other words", "<p>Some words.</p>")
    assert client.get(f"{URL}/{key}/content").text == "Some words."
    assert client.delete(f"{URL}/{key}").json() == {"success": True}
    assert client.get(f"{URL}/{key}").status_code == 404


def test_the_list_is_paged(client: TestClient):
    keys = [text(client, f"t{number}") for number in range(3)]

    first = client.get(URL, params={"page_size": 2}).json()
    rest = client.get(URL, params={"page_size": 2, "cursor": first["next_cursor"]}).json()

    assert [d["id"] for d in first["documents"] + rest["documents"]] == keys[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("virus.exe", b"MZ", ".exe"),
        ("blank.txt", b"  ", "no text"),
        ("scan.pdf", b"%PDF nonsense", "PDF"),
        ("", b"x", "file"),
    ],
)
def test_bad_files_are_refused_with_the_reason(
    client: TestClient, name: str, data: bytes, why: str
):
    reply = client.post(f"{URL}/file", files={"file": (name, data)})

    assert reply.status_code == 422
    assert why in reply.json()["error"]
    assert client.get(URL).json()["documents"] == []


@pytest.mark.parametrize("path", [f"{URL}/file", MINE])
def test_a_form_without_a_file(client: TestClient, path: str):
    reply = client.post(path, files={"name": (None, "x")})

    assert reply.status_code == 422
    assert "file: got" in reply.json()["error"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data"),
        (b"{}", "application/json"),
        (b"", "text/plain"),
    ],
)
def test_what_is_no_form(client: TestClient, content: bytes, kind: str):
    reply = client.post(f"{URL}/file", content=content, headers={"Content-Type": kind})

    assert reply.status_code == 422


def test_an_upload_that_is_too_large_is_cut_off(client_of: Any):
    client = client_of(MAX_DOCUMENT_MB=0.1)

    reply = client.post(f"{URL}/file", files={"file": ("a.txt", b"x " * 200_000)})

    assert (reply.status_code, reply.json()["detail"]["status"]) == (413, "too_large")


def test_an_address_inside_is_refused(client: TestClient):
    reply = client.post(f"{URL}/url", json={"url": "https://169.254.169.254/latest"})

    assert reply.status_code == 403
    assert "not public" in reply.json()["error"]


def test_an_agent_is_given_files_a_text_and_a_document(client: TestClient):
    files = [("file", ("prices.md", PRICES)), ("file", ("hours.txt", b"Open at nine."))]
    many = AgentAdded.model_validate(client.post(MINE, files=files).json())
    said = client.post(MINE, json={"text": "We are closed on Sunday.", "name": "Sunday"}).json()
    kept = client.post(MINE, json={"document_id": text(client, "Words")}).json()

    listed = AgentDocumentList.model_validate(client.get(MINE).json())

    assert [d.name for d in many.documents] == ["prices.md", "hours.txt"]
    assert {d.name for d in listed.documents} == {"Words", "prices.md", "hours.txt", "Sunday"}
    assert {d.status for d in listed.documents} == {"created"}  # this app does no work behind
    assert (said["documents"][0]["type"], kept["name"]) == ("text", "Words")


@pytest.mark.parametrize("as_query", [True, False])
def test_a_text_as_the_seed_sends_it(client: TestClient, as_query: bool):
    content = {"content": "The starter plan costs 49 dollars."}
    reply = client.post(MINE, params=content) if as_query else client.post(MINE, json=content)
    made = reply.json()

    assert (made["agent_id"], made["document_id"]) == ("joe", made["id"])
    assert client.get(f"{URL}/{made['id']}/content").text == content["content"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (MINE, {"text": "x", "file_path": "/etc/passwd"}, "file_path"),
        (MINE, {"text": ""}, "text"),
        (f"{URL}/text", {"text": "x", "parent_folder_id": "f"}, "parent_folder_id"),
        (f"{URL}/url", {"url": "nonsense"}, "url"),
    ],
)
def test_the_wrong_field_is_named(client: TestClient, path: str, body: dict, field: str):
    reply = client.post(path, json=body)

    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, ["body", field])


def test_a_broken_body_and_a_broken_file_are_named(client: TestClient):
    broken = client.post(MINE, content="{", headers={"Content-Type": "application/json"})
    file = client.post(MINE, files={"file": ("a.exe", b"MZ")})

    assert broken.json()["error"].startswith("body: is no JSON")
    assert file.json()["detail"][0]["loc"] == ["body", "file"]


def test_a_document_keeps_its_text(client: TestClient):
    reply = client.patch(f"{URL}/{text(client, 'a')}", json={"name": "b", "content": "new"})

    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, ["body", "content"])


def test_of_several_files_all_or_none_are_taken(client: TestClient):
    files = [("file", ("prices.md", PRICES)), ("file", ("virus.exe", b"MZ"))]

    assert client.post(MINE, files=files).status_code == 422
    assert client.get(URL).json()["documents"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "a", "url": "https://example.com/"},
        {"text": ""},
        {"document_id": 7},
        [],
    ],
)
def test_what_names_no_document(client: TestClient, body: Any):
    assert client.post(MINE, json=body).status_code == 422


def test_unknown_names(client: TestClient):
    assert client.post(MINE.replace("joe", "nobody"), json={"text": "x"}).status_code == 404
    assert client.get(URL).json()["documents"] == []
    assert client.post(MINE, json={"document_id": "doc_9"}).status_code == 404
    assert client.delete(f"{MINE}/doc_9").status_code == 404
    assert client.get(f"{URL}/doc_9/content").status_code == 404


def test_a_document_in_use_is_deleted_only_by_force(client: TestClient):
    key = client.post(MINE, json={"text": "Some words."}).json()["id"]

    refused = client.delete(f"{URL}/{key}")

    assert refused.status_code == 409
    assert "joe" in refused.json()["error"]
    assert client.get(f"{URL}/{key}/dependent-agents").json()["agents"][0]["name"] == "Joe"
    assert client.delete(f"{URL}/{key}", params={"force": "true"}).status_code == 200


@pytest.mark.parametrize(("keep", "left"), [("false", 0), ("true", 1)])
def test_a_document_that_nobody_uses_any_more(client: TestClient, keep: str, left: int):
    key = client.post(MINE, json={"text": "Some words."}).json()["id"]

    reply = client.delete(MINE, params={"document_id": key, "keep_document": keep})

    assert reply.json() == {"success": True, "deleted": not left}
    assert len(client.get(URL).json()["documents"]) == left


# ---- with the work behind


async def read_in(http: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """Wait until the documents of an agent have been read in."""
    async with asyncio.timeout(30):
        while True:
            documents = (await http.get(path)).json()["documents"]
            if all(d["status"] in ("succeeded", "failed") for d in documents):
                return documents
            await asyncio.sleep(0.05)


async def test_from_an_upload_to_what_a_call_finds(tmp_path: Path):
    async with data_server(tmp_path) as server:
        made = await server.http.post("/v1/convai/agents", json={"name": "A", "system_prompt": "x"})
        agent_id = made.json()["agent_id"]
        path = f"/v1/convai/agents/{agent_id}/knowledge-base"
        await server.http.post(path, files={"file": ("prices.md", PRICES)})

        (document,) = await read_in(server.http, path)
        base = server.lab.agents.get(agent_id).knowledge
        found = await server.lab.knowledge.search_for(base).search("starter plan costs")
        before = (await server.http.get(path)).json()["version"]
        again = await server.http.post(f"{path}/reindex")
        await read_in(server.http, path)
        index = await server.http.post(f"{URL}/{document['id']}/rag-index", json={"model": "m"})

    assert (document["status"], document["progress_percentage"]) == ("succeeded", 100.0)
    assert found[0].text == "The starter plan costs 49 dollars a month."
    assert before
    assert again.json() == {"success": True, "documents": 1}
    assert (index.json()["status"], index.json()["model"]) == ("succeeded", "m")


async def test_the_sdk_keeps_documents(tmp_path: Path):
    async with data_server(tmp_path) as server:
        base = server.sdk.conversational_ai.knowledge_base
        words = await base.documents.create_from_text(text="Some words.", name="Words")
        file = await base.documents.create_from_file(file=("prices.md", PRICES), name="Prices")
        listed = await base.list(page_size=1)
        rest = await base.list(page_size=1, cursor=listed.next_cursor)
        one = await base.documents.get(file.id)
        renamed = await base.documents.update(words.id, name="Other words")
        content = await base.documents.get_content(file.id)
        index = await base.document.compute_rag_index(file.id, model="e5_mistral_7b_instruct")
        await base.documents.delete(words.id, force=True)
        with pytest.raises(ApiError) as gone:
            await base.documents.get(words.id)

    assert [d.id for d in (*listed.documents, *rest.documents)] == [file.id, words.id]
    assert (one.type, one.filename) == ("file", "prices.md")  # type: ignore[union-attr]
    assert renamed.name == "Other words"  # type: ignore[union-attr]
    assert content == "Prices\nThe starter plan costs 49 dollars a month."
    assert index.status == "succeeded"
    assert gone.value.status_code == 404
