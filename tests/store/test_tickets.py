from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from sdr_lab.errors import Refused
from sdr_lab.store.database import Database
from sdr_lab.store.tickets import Ticket, Tickets
from tests.store.threads import at_once


@pytest.fixture
def tickets(database: Database) -> Tickets:
    return Tickets(database)


def test_a_token_lets_in_once(tickets: Tickets):
    token = tickets.mint("conv_1", "twilio", "CA1", ttl_s=60)
    looked = tickets.peek(token)
    ticket = tickets.redeem(token)
    assert ticket == looked
    assert (ticket.conversation_id, ticket.kind, ticket.call_sid) == ("conv_1", "twilio", "CA1")
    assert timedelta(seconds=50) < ticket.expires_at - datetime.now(UTC) < timedelta(seconds=61)
    assert tickets.peek(token) is None
    with pytest.raises(Refused, match="of conv_1 has been used already"):
        tickets.redeem(token)


def test_an_expired_token_is_refused(tickets: Tickets):
    token = tickets.mint("conv_1", "browser", ttl_s=-1)
    assert tickets.peek(token) is None
    with pytest.raises(Refused, match="of conv_1 expired at 20"):
        tickets.redeem(token)


@pytest.mark.parametrize("token", ["", "x", "é", "\ud800", "a" * 5000, "' OR 1=1 --"])
def test_an_unknown_token_is_refused(tickets: Tickets, token: str):
    tickets.mint("conv_1", "browser")
    assert tickets.peek(token) is None
    with pytest.raises(Refused, match="the stream token is unknown"):
        tickets.redeem(token)


def test_tokens_can_not_be_guessed_or_read(tickets: Tickets, database: Database):
    tokens = {tickets.mint("conv_1", "twilio") for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) == 43 and token.isascii() for token in tokens)
    kept = database.read(lambda s: list(s.execute(text("SELECT * FROM tickets"))))
    assert not any(token in str(row) for row in kept for token in tokens)


def test_purge_leaves_what_is_valid(tickets: Tickets):
    valid, expired = tickets.mint("conv_1", "twilio"), tickets.mint("conv_2", "twilio", ttl_s=-1)
    assert tickets.purge(datetime.now(UTC)) == 1
    assert isinstance(tickets.redeem(valid), Ticket)
    with pytest.raises(Refused, match="unknown"):
        tickets.redeem(expired)


def test_strangers_do_not_wait_for_nor_hold_up_who_writes(two: tuple[Database, Database]):
    def work(session: Session) -> None:
        session.execute(text("DELETE FROM tickets"))  # from here on it alone may write
        with pytest.raises(Refused, match="unknown"):
            Tickets(two[1]).redeem("a stranger's")

    two[0].write(work)


def test_of_all_who_redeem_at_once_one_is_let_in(two: tuple[Database, Database]):
    stores = [Tickets(opened) for opened in two]
    for _ in range(5):
        token = stores[0].mint("conv_1", "twilio")
        results = at_once(*(lambda s=s, t=token: s.redeem(t) for s in stores * 4))
        assert sum(isinstance(result, Ticket) for result in results) == 1
        refused = [str(result) for result in results if isinstance(result, Refused)]
        assert refused == ["the stream token of conv_1 has been used already"] * 7
