from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict, field_validator

from sdr_lab.api.errors import ApiError, FieldError, about_field, add_error_handlers
from sdr_lab.errors import (
    BadInput,
    Conflict,
    MissingPackage,
    NotFound,
    ProviderError,
    Refused,
    SdrLabError,
    StorageError,
)


class PhoneError(ProviderError):
    """As telephony's TwilioError: with a status of ours and a code of theirs."""

    status = 422
    code = 21211
    more_info = "https://vendor.example/21211"


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int = 1

    @field_validator("count")
    @classmethod
    def odd(cls, count: int) -> int:
        if count % 2 == 0:
            raise ValueError(f"got {count}, allowed: odd numbers")
        return count


def client_that_raises(error: Exception) -> TestClient:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/thing")
    async def thing(count: int = 1) -> None:
        raise error

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("no agent 'x'"), 404, "not_found"),
        (Conflict("the number is taken"), 409, "conflict"),
        (Refused("must not be called"), 403, "refused"),
        (ApiError(418, "teapot", "short and stout"), 418, "teapot"),
        (ProviderError("ollama", "no answer"), 502, "provider_error"),
        (PhoneError("twilio", "no such number"), 422, "provider_error"),
        (StorageError("the disk is full"), 503, "unavailable"),
        (MissingPackage("piper is not installed"), 503, "unavailable"),
        (SdrLabError("something else"), 500, "internal_error"),
    ],
)
def test_each_error_has_its_status_and_both_forms(error: Exception, status: int, code: str):
    reply = client_that_raises(error).get("/thing")

    assert reply.status_code == status
    assert reply.json()["error"] == str(error)
    assert reply.json()["detail"]["status"] == code
    assert reply.json()["detail"]["message"] == str(error)


def test_a_vendors_own_code_is_passed_on():
    detail = client_that_raises(PhoneError("twilio", "?")).get("/thing").json()["detail"]

    assert (detail["twilio_code"], detail["more_info"]) == (21211, PhoneError.more_info)


def test_wrong_fields_are_a_list_as_the_sdk_expects_it():
    told = FieldError(("body", "name"), "name: too long", [{"loc": ["body", "x"], "msg": "no"}])
    reply = client_that_raises(told).get("/thing")

    assert reply.status_code == 422
    assert reply.json()["error"] == "name: too long (and 1 more)"
    assert [field["loc"] for field in reply.json()["detail"]] == [["body", "name"], ["body", "x"]]


def test_bad_input_without_a_field():
    reply = client_that_raises(BadInput("a whole number, please")).get("/thing")

    assert (reply.status_code, reply.json()["detail"][0]["loc"]) == (422, ["body"])


def test_bad_input_about_a_field():
    reply = client_that_raises(BadInput("no number", "data.to_number")).get("/thing")

    assert reply.json()["detail"][0]["loc"] == ["body", "data", "to_number"]


@pytest.mark.parametrize(
    ("error", "loc"),
    [
        (BadInput("no number"), ["body", "data", "number"]),
        (BadInput("no number", "other"), ["body", "other"]),
    ],
)
def test_what_is_refused_inside_a_field(error: BadInput, loc: list[str]):
    with pytest.raises(BadInput) as told, about_field("data.number"):
        raise error
    reply = client_that_raises(told.value).get("/thing")

    assert (reply.status_code, reply.json()["error"]) == (422, str(error))
    assert reply.json()["detail"][0]["loc"] == loc


def test_bodies_that_are_refused_say_where_and_why():
    app = FastAPI()
    add_error_handlers(app)

    @app.post("/thing")
    async def thing(body: Thing) -> None: ...

    client = TestClient(app)
    as_json = {"Content-Type": "application/json"}
    broken = client.post("/thing", content='{"count": }', headers=as_json).json()

    assert broken["error"] == "body: is no JSON, at character 10: Expecting value"
    assert broken["detail"][0]["loc"] == ["body"]
    untyped = client.post("/thing", content='{"count": 3}').json()  # as `curl -d` sends it
    assert untyped["error"].startswith("body: give a JSON object, with the header Content-Type")
    unknown = client.post("/thing", json={"cuont": 3}).json()
    assert unknown["error"] == "cuont: there is no such field"
    even = client.post("/thing", json={"count": 2}).json()
    assert even["error"] == "count: got 2, allowed: odd numbers"


def test_what_fastapi_refuses_has_the_same_form_and_repeats_no_input():
    reply = client_that_raises(NotFound("")).get("/thing?count=secret-value")

    assert reply.status_code == 422
    assert reply.json()["error"].startswith("count: ")
    assert "secret-value" not in reply.text


def test_a_path_and_a_method_that_are_not_there():
    client = client_that_raises(NotFound(""))

    assert client.get("/nothing").json()["detail"] == {
        "status": "not_found",
        "message": "GET /nothing: there is no such endpoint; /docs lists all",
    }
    assert client.post("/thing").json()["error"] == "POST /thing: Method Not Allowed"
    assert client.post("/thing").headers["Allow"] == "GET"


def test_a_storage_error_says_when_to_come_back():
    assert client_that_raises(StorageError("locked")).get("/thing").headers["Retry-After"] == "1"


def test_a_mistake_of_ours_tells_nothing_but_where_to_look(caplog: pytest.LogCaptureFixture):
    reply = client_that_raises(ZeroDivisionError("secret detail")).get("/thing")

    assert reply.status_code == 500
    assert "secret detail" not in reply.text
    assert reply.json()["detail"]["reference"] in caplog.text
