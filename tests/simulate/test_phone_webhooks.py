"""Our signature against twilio's own validator; addresses of the public and of this machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData
from twilio.request_validator import RequestValidator

from sdr_lab.simulate.phone_webhooks import Courier, sign, signature_of

TOKEN = "secret"
PAIRS = st.lists(st.tuples(st.text(min_size=1), st.text()))


@given(PAIRS)
def test_twilios_validator_takes_our_signature(pairs: list[tuple[str, str]]):
    signature = sign("https://agent.example/voice?x=1", pairs, TOKEN)

    validator = RequestValidator(TOKEN)
    form = FormData([*pairs])
    assert validator.validate("https://agent.example/voice?x=1", form, signature)
    assert not validator.validate("https://agent.example/voice", form, signature)


def test_wrong_and_missing_signatures():
    url = "wss://agent.example/media"
    (right,), (wrong,) = (signature_of(k, url, (), TOKEN).values() for k in ("right", "wrong"))

    assert RequestValidator(TOKEN).validate(url, {}, right)
    assert not RequestValidator(TOKEN).validate(url, {}, wrong)
    assert signature_of("none", url, (), TOKEN) == {}


def test_public_addresses_lead_to_this_machine():
    courier = Courier(TOKEN, {"https://agent.example/": "http://127.0.0.1:9001"}, 1.0)

    assert courier.real("https://agent.example/voice?a=1") == (
        "http://127.0.0.1:9001/voice?a=1",
        {"Host": "agent.example", "X-Forwarded-Proto": "https"},
    )
    assert courier.real("wss://agent.example/m")[0] == "ws://127.0.0.1:9001/m"
    assert courier.real("https://other.example/x") == ("https://other.example/x", {})


async def test_a_server_that_is_not_there_is_no_exception():
    courier = Courier(TOKEN, {}, 1.0)
    await courier.open()
    try:
        webhook = await courier.send("voice", "http://127.0.0.1:9/voice", (("a", "b"),))
    finally:
        await courier.close()

    assert webhook.status == 0
    assert "127.0.0.1" in webhook.error
    assert courier.sent == [webhook]
