from __future__ import annotations

import jwt
import pytest

from sdr_lab.errors import Refused
from sdr_lab.live.links import AUDIENCE, GOOD_FOR_S, Link, read_link, sign_link
from tests.live.served import live_settings

SECRET = "a secret of thirty-two characters, or more"


def test_a_link_leads_to_its_agent(tmp_path):
    settings = live_settings(tmp_path, JWT_SECRET=SECRET)

    assert read_link(sign_link(Link("joe"), settings), settings) == Link("joe")


def test_a_link_of_this_process_works_without_a_secret_of_ones_own(tmp_path):
    settings = live_settings(tmp_path)

    token = sign_link(Link("joe"), settings)

    assert read_link(token, live_settings(tmp_path)) == Link("joe")
    with pytest.raises(Refused, match="signature"):
        read_link(token, live_settings(tmp_path, JWT_SECRET=SECRET))


def test_a_link_expires(tmp_path):
    import time

    settings = live_settings(tmp_path, JWT_SECRET=SECRET)
    token = sign_link(Link("joe"), settings, now_s=time.time() - GOOD_FOR_S - 1)

    with pytest.raises(Refused, match="expired"):
        read_link(token, settings)


@pytest.mark.parametrize(
    "change",
    [{"aud": "elsewhere"}, {"exp": None}, {"agent_id": None}, {"iat": None}],
    ids=str,
)
def test_a_token_made_for_something_else_is_refused(tmp_path, change: dict):
    settings = live_settings(tmp_path, JWT_SECRET=SECRET)
    claims = {"aud": AUDIENCE, "agent_id": "joe", "iat": 1, "exp": 2**33, **change}
    claims = {name: value for name, value in claims.items() if value is not None}

    with pytest.raises(Refused, match="signed link"):
        read_link(jwt.encode(claims, SECRET), settings)


@pytest.mark.parametrize("token", ["", "a.b.c", "a", "x" * 5000])
def test_no_token_is_refused(tmp_path, token: str):
    with pytest.raises(Refused, match="signed link"):
        read_link(token, live_settings(tmp_path))


def test_an_unsigned_token_is_refused(tmp_path):
    claims = {"aud": AUDIENCE, "agent_id": "joe", "iat": 1, "exp": 2**33}

    with pytest.raises(Refused, match="signed link"):
        read_link(jwt.encode(claims, None, algorithm="none"), live_settings(tmp_path))
