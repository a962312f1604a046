"""Parts of something long."""

from dataclasses import dataclass

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from sdr_lab.api.ranges import Part, ranged, wanted_part

BODY = bytes(range(256)) * 1000


@dataclass
class Numbers:
    size: int = len(BODY)
    etag: str = '"v1"'
    media_type: str = "audio/wav"

    def read(self, start: int, end: int) -> bytes:
        return BODY[start:end]


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()

    @app.api_route("/", methods=["GET", "HEAD"])
    def numbers(request: Request):
        return ranged(request, Numbers(), {"X-More": "1"})

    return TestClient(app)


def test_all_of_it(client: TestClient):
    reply = client.get("/")

    assert (reply.status_code, reply.content) == (200, BODY)
    assert reply.headers["accept-ranges"] == "bytes"
    assert reply.headers["content-length"] == str(len(BODY))
    assert reply.headers["x-more"] == "1"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=255990-", 255_990, 256_000),
        ("bytes=-7", 255_993, 256_000),
        ("bytes=-999999", 0, 256_000),
        ("bytes=100-99999999", 100, 256_000),
        ("BYTES = 5 - 6", 5, 7),
    ],
)
def test_a_part_of_it(client: TestClient, asked: str, start: int, end: int):
    reply = client.get("/", headers={"Range": asked})

    assert reply.status_code == 206
    assert reply.content == BODY[start:end]
    assert reply.headers["content-range"] == f"bytes {start}-{end - 1}/{len(BODY)}"
    assert reply.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=999999-1000000", "bytes=-0"])
def test_a_part_that_is_not_there(client: TestClient, asked: str):
    reply = client.get("/", headers={"Range": asked})

    assert reply.status_code == 416
    assert reply.headers["content-range"] == "bytes */256000"
    assert reply.content == b""


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=-", "lines=1-2", "bytes=0-1,5-6", "x"])
def test_what_is_no_range_gets_everything(client: TestClient, asked: str):
    reply = client.get("/", headers={"Range": asked})

    assert (reply.status_code, reply.content) == (200, BODY)


def test_head_tells_the_size_only(client: TestClient):
    reply = client.head("/", headers={"Range": "bytes=0-9"})

    assert (reply.status_code, reply.content) == (206, b"")
    assert reply.headers["content-length"] == "10"
    assert client.head("/").headers["content-length"] == "256000"


def test_a_client_that_has_it_gets_nothing(client: TestClient):
    assert client.get("/", headers={"If-None-Match": '"v0", "v1"'}).status_code == 304
    assert client.get("/", headers={"If-None-Match": '"v0"'}).status_code == 200


def test_a_part_of_an_older_version_is_not_continued(client: TestClient):
    old = {"Range": "bytes=0-9", "If-Range": '"v0"'}
    same = {"Range": "bytes=0-9", "If-Range": '"v1"'}

    assert client.get("/", headers=old).status_code == 200
    assert client.get("/", headers=same).status_code == 206


@given(st.text(max_size=30) | st.from_regex(r"bytes=\d{0,12}-\d{0,12}"), st.integers(0, 10_000))
def test_no_header_breaks_it(header: str, size: int):
    try:
        part = wanted_part(header, size)
    except ValueError:
        return

    assert part is None or 0 <= part.start < part.end <= size


def test_nothing_has_no_parts():
    assert wanted_part("bytes=0-", 10) == Part(0, 10)
    with pytest.raises(ValueError, match="bytes"):
        wanted_part("bytes=0-", 0)
