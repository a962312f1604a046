"""Calls are placed, moved and ended by twilio's own client against a loopback server."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator

import pytest

from sdr_lab.config import Settings
from sdr_lab.errors import BadInput
from sdr_lab.telephony.twilio_rest import DialOrder, TwilioAccount, TwilioError
from tests.telephony.twilio_server import (
    ACCOUNT,
    BASE,
    CALL,
    TOKEN,
    Fault,
    TwilioServer,
    refusal,
    serving,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:(BasicAuth|The 'auth' parameter) is deprecated:DeprecationWarning"
)

ORDER = DialOrder("+15551234567", "+15557654321", url="https://x.example/voice/outbound")
NO_WAIT = (0.0, 0.0, 0.0)


@pytest.fixture
async def server() -> AsyncIterator[TwilioServer]:
    async with serving() as running:
        yield running


def settings_for(url: str) -> Settings:
    values = {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_URL": url,
    }
    return Settings.load(None, values, environ={})


def impatient(url: str) -> Settings:
    """Shorter than what the settings allow, so that nobody waits for the test."""
    return settings_for(url).model_copy(update={"twilio_timeout_s": 0.1})


@pytest.fixture
async def account(server: TwilioServer) -> AsyncIterator[TwilioAccount]:
    made = TwilioAccount(settings_for(server.url), NO_WAIT)
    yield made
    await made.close()


# ---- dialling


async def test_a_call_is_placed(account: TwilioAccount, server: TwilioServer):
    assert await account.dial(ORDER) == CALL

    assert server.requests[0][:2] == ("POST", f"{BASE}/Calls.json")
    assert server.logins == {(ACCOUNT, TOKEN)}
    assert server.form() == {
        "To": "+15551234567",
        "From": "+15557654321",
        "Url": "https://x.example/voice/outbound",
        "Method": "POST",
        "Timeout": "30",
    }


async def test_everything_that_an_order_says_reaches_twilio(
    account: TwilioAccount, server: TwilioServer
):
    await account.dial(
        DialOrder(
            "+15551234567",
            "+15557654321",
            twiml="<Response/>",
            status_callback="https://x.example/status",
            amd=True,
            amd_callback="https://x.example/amd",
            amd_waits_for_beep=True,
            record=True,
            recording_callback="https://x.example/recording",
            ring_s=20,
            time_limit_s=600,
        )
    )

    assert server.form() == {
        "To": "+15551234567",
        "From": "+15557654321",
        "Twiml": "<Response/>",
        "Timeout": "20",
        "TimeLimit": "600",
        "StatusCallback": "https://x.example/status",
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "StatusCallbackMethod": "POST",
        "MachineDetection": "DetectMessageEnd",
        "AsyncAmd": "true",
        "AsyncAmdStatusCallback": "https://x.example/amd",
        "AsyncAmdStatusCallbackMethod": "POST",
        "Record": "true",
        "RecordingChannels": "dual",
        "RecordingStatusCallback": "https://x.example/recording",
        "RecordingStatusCallbackMethod": "POST",
    }


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (DialOrder("+1", "+2"), "either an address"),
        (DialOrder("+1", "+2", url="https://x", twiml="<Response/>"), "either an address"),
        (DialOrder("+1", "+2", twiml="x" * 4001), "4001 characters, Twilio takes 4000"),
    ],
)
async def test_an_order_that_twilio_would_not_take_is_not_sent(
    account: TwilioAccount, server: TwilioServer, order: DialOrder, reason: str
):
    with pytest.raises(BadInput, match=reason):
        await account.dial(order)

    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "code", "ours", "advice"),
    [
        (401, 20003, 502, "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
        (429, 20429, 429, "try again in some seconds"),
        (400, 21211, 422, "give E.164"),
        (400, 21214, 422, "can't be reached"),
        (400, 21215, 403, "Geo permissions"),
        (400, 21216, 403, "blocked"),
        (400, 21210, 422, "neither bought nor verified"),
        (400, 21219, 403, "trial account"),
        (400, 21205, 502, "PUBLIC_URL"),
        (400, 21999, 422, "can't use the request"),
        (403, 20999, 403, "may not do that"),
        (500, 20500, 502, "Twilio has a problem"),
        (503, 20503, 502, "Twilio has a problem"),
    ],
)
async def test_a_refusal_says_what_to_do(
    account: TwilioAccount, server: TwilioServer, status: int, code: int, ours: int, advice: str
):
    server.fault = refusal(status, code)

    with pytest.raises(TwilioError, match=f"dial refused {code}: .*{advice}") as refused:
        await account.dial(ORDER)

    assert (refused.value.status, refused.value.code) == (ours, code)
    assert refused.value.more_info.endswith(f"/{code}")
    assert "Twilio says: Unable to create record: Twilio's words" in str(refused.value)
    assert len(server.requests) == 1


async def test_a_problem_document_is_understood(account: TwilioAccount, server: TwilioServer):
    body = {
        "type": "about:blank",
        "title": "Bad",
        "status": 400,
        "code": 21211,
        "detail": "no 'To'",
    }
    server.fault = Fault(status=400, json=body)

    with pytest.raises(TwilioError, match=r"21211.*no 'To'") as refused:
        await account.dial(ORDER)

    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("fault", "ours", "reason"),
    [
        (Fault(status=502, body="<html>Bad gateway</html>"), 502, r"dial refused \(HTTP 502\)"),
        (Fault(status=429, body=""), 429, r"HTTP 429.*try again"),
        (Fault(cut=True), 502, r"dial: can't reach http://127.0.0.1"),
        (Fault(status=201, body="{"), 502, "answer makes no sense"),
        (Fault(status=201, body="[1]"), 502, "answer makes no sense"),
        (Fault(status=201, body="{}"), 502, "answer (makes no sense|names no call)"),
        (Fault(status=201, body='{"sid": 7}'), 502, "names no call"),
    ],
)
async def test_what_breaks_on_the_way_is_told(
    account: TwilioAccount, server: TwilioServer, fault: Fault, ours: int, reason: str
):
    server.fault = fault

    with pytest.raises(TwilioError, match=reason) as failed:
        await account.dial(ORDER)

    assert (failed.value.status, failed.value.code) == (ours, None)
    assert len(server.requests) == 1  # a second try would ring twice


async def test_twilio_is_not_waited_for_for_ever(server: TwilioServer):
    server.fault = Fault(delay_s=30)
    account = TwilioAccount(impatient(server.url), NO_WAIT)

    with pytest.raises(TwilioError, match=r"no answer within 0.1 s .*may have been placed") as late:
        await account.dial(ORDER)
    await account.close()

    assert late.value.status == 504


async def test_nobody_at_the_address_is_told():
    account = TwilioAccount(settings_for("http://127.0.0.1:9"), NO_WAIT)

    with pytest.raises(TwilioError, match=r"can't reach http://127.0.0.1:9") as failed:
        await account.dial(ORDER)
    await account.close()

    assert failed.value.status == 502


async def test_without_an_account_nothing_is_tried():
    account = TwilioAccount(Settings.load(None, {}, environ={}))

    assert not account.configured
    with pytest.raises(TwilioError, match="set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN") as failed:
        await account.dial(ORDER)
    assert failed.value.status == 503


async def test_no_secret_gets_out(
    account: TwilioAccount, server: TwilioServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    server.fault = refusal(404, 20404, f"/Accounts/{ACCOUNT}/Calls with\n {TOKEN} not found")

    with pytest.raises(TwilioError, match=r"/Accounts/\[account\]/Calls with \[token\] not") as e:
        await account.dial(ORDER)

    told = f"{e.value!r}{caplog.text}{account!r}"
    assert TOKEN not in told
    assert "+15551234567" not in caplog.text


# ---- ending and moving


async def test_a_hang_up_ends_the_call(account: TwilioAccount, server: TwilioServer):
    await account.hang_up(CALL)

    assert server.status == "completed"
    assert server.requests == [("POST", f"{BASE}/Calls/{CALL}.json", [("Status", "completed")])]


async def test_a_hang_up_looks_until_the_call_is_over(account: TwilioAccount, server: TwilioServer):
    server.goes_on = 2

    await account.hang_up(CALL)

    assert server.status == "completed"
    assert [method for method, *_ in server.requests] == ["POST", "GET", "POST", "GET", "POST"]


async def test_a_call_that_goes_on_is_told(account: TwilioAccount, server: TwilioServer):
    server.goes_on = 99

    with pytest.raises(TwilioError, match=f"call {CALL} is still in-progress"):
        await account.hang_up(CALL)


@pytest.mark.parametrize("status", ["completed", "no-answer"])
async def test_a_call_that_is_over_is_no_fault(
    account: TwilioAccount, server: TwilioServer, status: str
):
    server.status = status

    await account.hang_up(CALL)
    await account.hang_up("CA" + "0" * 32)

    assert server.status == status  # what became of it stays
    assert {path.rpartition("/")[2] for _, path, _ in server.requests} == {
        f"{CALL}.json",
        f"CA{'0' * 32}.json",
    }


@pytest.mark.parametrize(
    "fault", [Fault(cut=True), Fault(status=503), refusal(429, 20429, times=2)]
)
async def test_a_hang_up_outlasts_a_fault_that_passes(
    account: TwilioAccount, server: TwilioServer, fault: Fault
):
    server.fault = fault

    await account.hang_up(CALL)

    assert server.status == "completed"


async def test_a_hang_up_gives_up_on_a_fault_that_stays(
    account: TwilioAccount, server: TwilioServer
):
    server.fault = refusal(503, 20503, times=99)

    with pytest.raises(TwilioError, match="20503"):
        await account.hang_up(CALL)

    assert len(server.requests) == 4


async def test_refused_credentials_are_not_tried_again(
    account: TwilioAccount, server: TwilioServer
):
    server.fault = refusal(401, 20003)

    with pytest.raises(TwilioError, match="credentials refused"):
        await account.hang_up(CALL)

    assert len(server.requests) == 1


async def test_a_hang_up_takes_no_longer_than_one_answer(server: TwilioServer):
    server.fault = Fault(times=9, delay_s=30)
    account = TwilioAccount(impatient(server.url), NO_WAIT)

    with pytest.raises(TwilioError, match=r"no answer within 0.1 s"):
        await account.hang_up(CALL)
    await account.close()

    assert len(server.requests) == 1


async def test_a_transfer_gives_new_instructions(account: TwilioAccount, server: TwilioServer):
    await account.transfer(CALL, "<Response><Hangup/></Response>")

    assert server.form() == {"Twiml": "<Response><Hangup/></Response>"}


async def test_a_transfer_may_give_a_call_more_time(account: TwilioAccount, server: TwilioServer):
    await account.transfer(CALL, "<Response/>", time_limit_s=14_400)

    assert server.form() == {"Twiml": "<Response/>", "TimeLimit": "14400"}


async def test_a_call_that_is_over_can_t_be_moved(account: TwilioAccount, server: TwilioServer):
    server.status = "completed"

    with pytest.raises(TwilioError, match="not in progress any more") as refused:
        await account.transfer(CALL, "<Response/>")

    assert (refused.value.status, refused.value.code) == (409, 21220)


async def test_the_status_is_asked(account: TwilioAccount):
    assert await account.status(CALL) == "in-progress"


# ---- recordings


async def recorded(account: TwilioAccount, url: str) -> bytes:
    return b"".join([chunk async for chunk in account.recording(url)])


async def test_a_recording_is_fetched_piece_by_piece(account: TwilioAccount, server: TwilioServer):
    server.recording = bytes(200_000)

    assert await recorded(account, f"{server.url}{BASE}/Recordings/RE1.wav") == bytes(200_000)
    assert server.logins == {(ACCOUNT, TOKEN)}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example" + BASE + "/Recordings/RE1.wav",
        "{server}/2010-04-01/Accounts/ACother/Recordings/RE1.wav",
        "{server}" + BASE + "/Recordings/../../x",
        "{server}@evil.example" + BASE + "/Recordings/RE1",
        "file:///etc/passwd",
        "",
    ],
)
async def test_credentials_go_nowhere_else(account: TwilioAccount, server: TwilioServer, url: str):
    with pytest.raises(BadInput, match="is not of this account"):
        await recorded(account, url.replace("{server}", server.url))

    assert server.requests == []


async def test_a_recording_that_is_not_there_is_told(account: TwilioAccount, server: TwilioServer):
    server.fault = Fault(status=404)
    with pytest.raises(TwilioError, match="HTTP 404") as missing:
        await recorded(account, f"{server.url}{BASE}/Recordings/RE1")
    assert missing.value.status == 404

    server.fault = Fault(times=9, cut=True)
    with pytest.raises(TwilioError, match="recording: can't reach"):
        await recorded(account, f"{server.url}{BASE}/Recordings/RE1")


# ---- one account, several loops


def test_it_serves_one_loop_after_another():
    """As under a test client that runs each request on a loop of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    account = TwilioAccount(settings_for(f"http://127.0.0.1:{port}"))

    async def main(is_last: bool) -> str:
        async with serving(port):
            sid = await account.dial(ORDER)
            if is_last:
                await account.close()
            return sid

    assert asyncio.run(main(is_last=False)) == CALL
    assert asyncio.run(main(is_last=True)) == CALL


async def test_it_can_be_used_again_after_it_was_closed(account: TwilioAccount):
    await account.close()

    assert await account.dial(ORDER) == CALL
