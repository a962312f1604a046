"""Only Twilio gets in: signatures over the public address, whatever the request claims."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha1, sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import FormData

from sdr_lab.telephony.signature import SignatureCheck, sign

TOKEN = "12345"
URL = "https://calls.example.com"
SHA256 = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"

check = SignatureCheck(URL, TOKEN)


def signed(text: str, algorithm=sha1, token: str = TOKEN) -> str:
    """Sign as the documents say, without Twilio's library."""
    return base64.b64encode(hmac.new(token.encode(), text.encode(), algorithm).digest()).decode()


def test_a_signature_is_the_one_that_twilio_s_documents_give():
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    example = "RSOYDt4T1cUTdK1PDd93/VVr8B8="

    assert sign("https://mycompany.com/myapp.php?foo=1&bar=2", form, "12345") == example
    checker = SignatureCheck("https://mycompany.com", "12345")
    assert checker.webhook("/myapp.php?foo=1&bar=2", form, example)


def test_repeated_names_and_blank_values_count():
    form = FormData([("Tag", "b"), ("Digits", ""), ("Tag", "a")])
    signature = signed(f"{URL}/voice/statusDigitsTagaTagb")

    assert check.webhook("/voice/status", form, signature)
    assert check.webhook("/voice/status", {"Tag": ["a", "b"], "Digits": ""}, signature)
    assert not check.webhook("/voice/status", {"Tag": "a", "Digits": ""}, signature)
    assert check.webhook(
        "/voice/status", {"Tag": ["a", "b"]}, signed(f"{URL}/voice/statusTagaTagb")
    )


def test_a_get_signs_its_address_alone():
    assert check.webhook("/voice?a=%20b", {}, signed(f"{URL}/voice?a=%20b"))
    assert not check.webhook("/voice?a=c", {}, signed(f"{URL}/voice?a=%20b"))


def test_sha256_is_taken_where_the_header_says_so():
    signature = signed(f"{URL}/voiceAb", sha256)

    assert check.webhook("/voice", {"A": "b"}, signature, SHA256)
    assert not check.webhook("/voice", {"A": "b"}, signature)
    assert not check.webhook("/voice", {"A": "b"}, signed(f"{URL}/voiceAb"), SHA256)
    assert not check.webhook("/voice", {"A": "b"}, signature, "algorithm=HMAC_MD5")


@pytest.mark.parametrize(
    ("public_url", "over"),
    [
        ("https://calls.example.com", "wss://calls.example.com/media-stream/t0k"),
        ("https://calls.example.com/", "wss://calls.example.com/media-stream/t0k/"),
        ("https://calls.example.com/base", "wss://calls.example.com/base/media-stream/t0k"),
        ("http://127.0.0.1:9001", "ws://127.0.0.1:9001/media-stream/t0k"),
    ],
)
@pytest.mark.parametrize("path", ["/media-stream/t0k", "/media-stream/t0k/"])
def test_an_upgrade_is_signed_over_the_socket_s_address(public_url: str, over: str, path: str):
    checker = SignatureCheck(public_url, TOKEN)

    assert checker.upgrade(path, sign(over, {}, TOKEN))
    assert not checker.upgrade("/media-stream/other", sign(over, {}, TOKEN))
    assert not checker.upgrade(path, sign(over.replace("ws", "http", 1), {}, TOKEN))
    assert not checker.upgrade(path, sign(over, {}, "another token"))


def test_a_port_is_no_obstacle_when_the_public_address_has_it():
    with_port = SignatureCheck("https://calls.example.com:8443", TOKEN)

    assert with_port.webhook("/v", {}, signed("https://calls.example.com:8443/v"))
    assert with_port.webhook("/v", {}, signed("https://calls.example.com/v"))


@pytest.mark.parametrize(("public_url", "token"), [("", TOKEN), (URL, ""), ("https://[", TOKEN)])
def test_without_an_address_or_a_token_nobody_gets_in(public_url: str, token: str):
    checker = SignatureCheck(public_url, token)

    for url in (public_url, URL):
        assert not checker.webhook("/voice", {}, signed(f"{url}/voice", token=token))


@pytest.mark.parametrize("signature", ["", "x", "é", signed(f"{URL}/voice")[:-1]])
def test_a_wrong_signature_does_not_get_in(signature: str):
    assert not check.webhook("/voice", {}, signature)
    assert not check.upgrade("/voice", signature)


def test_a_file_in_the_form_does_not_get_in():
    form = FormData([("A", b"bytes")])  # type: ignore[list-item]

    assert not check.webhook("/voice", form, signed(f"{URL}/voice"))


def test_a_path_can_t_change_the_host():
    assert not check.webhook("@evil.example/v", {}, signed(f"{URL}@evil.example/v"))


def test_skipping_lets_all_in_and_says_so(caplog: pytest.LogCaptureFixture):
    open_to_all = SignatureCheck("", "", skip=True)

    assert open_to_all.webhook("/voice", {}, "")
    assert open_to_all.upgrade("/media-stream/t0k", "")
    assert "INSECURE_SKIP_SIGNATURES" in caplog.text


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=8), min_size=1, max_size=3)),
    st.text(max_size=30),
)
def test_a_form_gets_in_with_its_own_signature_only(form: dict[str, list[str]], tail: str):
    pairs = FormData([(name, value) for name, values in form.items() for value in values])
    signature = sign(f"{URL}/voice", form, TOKEN)

    assert check.webhook("/voice", pairs, signature)
    assert not check.webhook(f"/voices{tail}", pairs, signature)
