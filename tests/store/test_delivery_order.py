"""Messages about one call reach a webhook in their order."""

from datetime import UTC, datetime, timedelta

import pytest

from sdr_lab.store.database import Database
from sdr_lab.store.hook_rows import Message
from sdr_lab.store.hooks import IN_ORDER_TRIES, Deliveries, Webhooks

NOW = datetime.now(UTC) + timedelta(days=1)
"""Later than all that these tests queue, however long they wait for their turn."""


@pytest.fixture
def outbox(database: Database) -> Deliveries:
    Webhooks(database).create("https://a.example/hook", ["*"])
    return Deliveries(database)


def due(outbox: Deliveries, now: datetime = NOW) -> list[str]:
    """Claim what may be sent, and return what it is."""
    return [delivery.event for delivery, _ in outbox.due(now, 10, 60)]


def say(outbox: Deliveries, *events: str, call: str = "conv_1") -> None:
    outbox.enqueue_all([Message(event, "{}", "joe", call) for event in events])


def test_one_after_the_other(outbox: Deliveries):
    say(outbox, "a", "b", "c")
    seen = []
    for _ in range(3):
        ((delivery, _),) = outbox.due(NOW, 10, 60)
        seen.append(delivery.event)
        assert outbox.due(NOW, 10, 60) == []  # while it is being sent
        outbox.succeeded(delivery.id, 200)

    assert seen == ["a", "b", "c"]
    assert outbox.next_due() is None


def test_one_that_failed_holds_up_its_own_call_only(outbox: Deliveries):
    say(outbox, "a", "b")
    ((first, _),) = outbox.due(NOW, 10, 60)
    later = NOW + timedelta(seconds=30)
    outbox.failed(first.id, 500, "no", later)
    say(outbox, "x", call="conv_2")
    say(outbox, "y", "z", call="")

    assert sorted(due(outbox)) == ["x", "y", "z"]
    assert due(outbox, later) == ["a"]


def test_what_waits_behind_is_not_due(outbox: Deliveries):
    say(outbox, "a", "b")
    ((first, _),) = outbox.due(NOW, 10, 60)
    later = NOW + timedelta(minutes=5)
    outbox.failed(first.id, 500, "no", later)

    assert outbox.next_due() == later


def test_one_that_fails_again_and_again_is_overtaken(outbox: Deliveries):
    say(outbox, "a", "b")
    for attempt in range(1, IN_ORDER_TRIES + 2):
        assert due(outbox, NOW + timedelta(hours=attempt)) == ["a"]

    assert due(outbox, NOW + timedelta(hours=4)) == ["b"]


def test_one_that_is_dead_is_overtaken(outbox: Deliveries):
    say(outbox, "a", "b")
    ((first, _),) = outbox.due(NOW, 10, 60)
    outbox.failed(first.id, 410, "gone", None)

    assert due(outbox) == ["b"]


def test_each_webhook_has_an_order_of_its_own(outbox: Deliveries, database: Database):
    Webhooks(database).create("https://b.example/hook", ["*"])
    say(outbox, "a", "b")
    (first, _), (second, _) = outbox.due(NOW, 10, 60)
    outbox.succeeded(first.id, 200)

    assert (first.event, second.event) == ("a", "a")
    assert due(outbox) == ["b"]
