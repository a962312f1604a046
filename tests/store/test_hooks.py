import json
from datetime import UTC, datetime, timedelta

import pytest

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.records import Agent
from sdr_lab.store.agents import AgentStore
from sdr_lab.store.database import Database
from sdr_lab.store.hook_rows import conversation_in
from sdr_lab.store.hooks import IN_ORDER_TRIES, Deliveries, Delivery, Webhook, Webhooks

URL = "https://example.com/hook"


@pytest.fixture
def hooks(database: Database, sam: Agent) -> Webhooks:
    return Webhooks(database)


@pytest.fixture
def deliveries(database: Database) -> Deliveries:
    return Deliveries(database)


def now(later_s: float = 1) -> datetime:
    """Return a moment when everything that was just queued is due."""
    return datetime.now(UTC) + timedelta(seconds=later_s)


def body(conversation_id: str = "", **more) -> str:
    return json.dumps({"type": "x", "data": {"conversation_id": conversation_id, **more}})


# ---- webhooks


def test_a_webhook_comes_back_as_it_was_made(hooks: Webhooks):
    made = hooks.create(URL, ["call.ended", "call.started", "call.ended"], agent_id="Sam")
    assert made.id.startswith("hook_")
    assert (made.events, made.agent_id, made.is_active) == (
        ("call.ended", "call.started"), "sam", True,
    )  # fmt: skip
    assert made.secret.startswith("whsec_")
    assert len(made.secret) > 40
    assert made.secret not in repr(made)
    assert hooks.get(made.id) == made
    other = hooks.create(URL, ["call.ended"], secret="mine")
    assert (other.secret, other.agent_id) == ("mine", None)
    assert hooks.list() == [made, other]
    assert hooks.list("sam") == [made]


def test_changes(hooks: Webhooks):
    made = hooks.create(URL, ["call.ended"], agent_id="sam")
    changed = hooks.update(made.id, url=URL + "2", events=["*"], is_active=False, agent_id=None)
    assert changed == Webhook(
        made.id, URL + "2", ("*",), made.secret, None, False, made.created_at
    )  # fmt: skip
    assert hooks.update(made.id, secret="").secret not in ("", made.secret)
    with pytest.raises(BadInput, match="webhook field 'id' can't be set, allowed: url, events"):
        hooks.update(made.id, id="hook_2")
    hooks.delete(made.id)
    assert hooks.list() == []


def test_unusable_webhooks_are_refused(hooks: Webhooks):
    with pytest.raises(BadInput, match="needs the names of events, or"):
        hooks.create(URL, [])
    with pytest.raises(BadInput, match="needs a URL"):
        hooks.create(" ", ["*"])
    with pytest.raises(NotFound, match="no agent has the id or name 'eve'"):
        hooks.create(URL, ["*"], agent_id="eve")
    for change in (hooks.get, hooks.delete, hooks.update):
        with pytest.raises(NotFound, match="there is no webhook 'hook_x'"):
            change("hook_x")
    assert hooks.list() == []


def test_deleting_an_agent_deletes_its_webhooks_and_messages(
    hooks: Webhooks, deliveries: Deliveries, database: Database
):
    hooks.create(URL, ["*"], agent_id="sam")
    everybodys = hooks.create(URL, ["*"])
    deliveries.enqueue("call.ended", body(), "sam")
    AgentStore(database).delete("sam")
    assert hooks.list() == [everybodys]
    assert [d.webhook_id for d in deliveries.list().deliveries] == [everybodys.id]


# ---- who is told


def test_only_who_wants_it_is_told(hooks: Webhooks, deliveries: Deliveries, database: Database):
    AgentStore(database).create(Agent("eve", "Eve", 0, "", ""))
    wanting = {
        hooks.create(URL, ["call.ended"]).id,
        hooks.create(URL, ["*"]).id,
        hooks.create(URL, ["call.started", "call.ended"], agent_id="sam").id,
    }
    hooks.create(URL, ["call.started"])
    hooks.create(URL, ["call.ended"], agent_id="eve")
    hooks.update(hooks.create(URL, ["call.ended"]).id, is_active=False)
    assert deliveries.enqueue("call.ended", body(), "sam") == 3
    assert {d.webhook_id for d in deliveries.list().deliveries} == wanting
    assert deliveries.enqueue("call.ended", body(), None) == 2
    assert deliveries.enqueue("tool.called", body(), "eve") == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (body("conv_1"), "conv_1"),
        ('{"conversation_id": "conv_2"}', "conv_2"),
        ('{"data": {"conversation_id": 7}}', ""),
        ('{"data": "conv_1"}', ""),
        ("[]", ""),
        ("no json", ""),
        ("", ""),
    ],
)
def test_the_call_that_a_message_is_about_is_found(text: str, found: str):
    assert conversation_in(text) == found


# ---- a message's life


@pytest.fixture
def hook(hooks: Webhooks) -> Webhook:
    return hooks.create(URL, ["*"])


def take(deliveries: Deliveries, later_s: float = 1, lease_s: float = 60) -> list[Delivery]:
    return [delivery for delivery, _ in deliveries.due(now(later_s), 100, lease_s)]


def test_a_message_is_sent_once(hook: Webhook, deliveries: Deliveries):
    deliveries.enqueue("call.ended", body(), "sam")
    assert deliveries.due(datetime.now(UTC) - timedelta(seconds=5), 10, 60) == []
    ((delivery, told),) = deliveries.due(now(), 10, 60)
    assert told == hook
    assert (delivery.url, delivery.body, delivery.event) == (URL, body(), "call.ended")
    assert (delivery.attempts, delivery.status) == (1, "pending")
    assert take(deliveries) == []
    deliveries.succeeded(delivery.id, 204)
    found = deliveries.get(delivery.id)
    assert (found.status, found.last_status, found.attempts) == ("delivered", 204, 1)
    assert found.delivered_at is not None
    assert take(deliveries, later_s=999) == []
    assert deliveries.next_due() is None


def test_a_message_that_fails_is_tried_again_then(hook: Webhook, deliveries: Deliveries):
    deliveries.enqueue("call.ended", body(), "sam")
    (first,) = take(deliveries)
    again_at = now(100)
    deliveries.failed(first.id, 500, "x" * 1000, again_at)
    found = deliveries.get(first.id)
    assert (found.status, found.last_status, len(found.last_error)) == ("pending", 500, 500)
    assert deliveries.next_due() == again_at == found.next_try_at
    assert take(deliveries, later_s=50) == []
    (second,) = take(deliveries, later_s=101)
    assert (second.id, second.attempts) == (first.id, 2)
    deliveries.failed(second.id, None, "timed out", None)
    dead = deliveries.get(first.id)
    assert (dead.status, dead.last_status, dead.last_error) == ("dead", None, "timed out")
    assert take(deliveries, later_s=9999) == []


def test_a_dead_or_delivered_message_can_be_sent_again(hook: Webhook, deliveries: Deliveries):
    deliveries.enqueue("call.ended", body(), "sam")
    (delivery,) = take(deliveries)
    with pytest.raises(Conflict, match="is pending: it is tried again at 20"):
        deliveries.resend(delivery.id)
    for end in (
        lambda: deliveries.failed(delivery.id, 500, "no", None),
        lambda: deliveries.succeeded(delivery.id, 200),
    ):
        end()
        again = deliveries.resend(delivery.id)
        assert (again.status, again.attempts, again.delivered_at) == ("pending", 0, None)
        assert [d.attempts for d in take(deliveries)] == [1]
    with pytest.raises(NotFound, match="there is no delivery 'dlv_x'"):
        deliveries.resend("dlv_x")


def test_the_lease_of_a_dead_process_runs_out(hook: Webhook, deliveries: Deliveries):
    deliveries.enqueue("call.ended", body(), "sam")
    (lost,) = take(deliveries, lease_s=30)
    assert take(deliveries, later_s=29) == []
    (again,) = take(deliveries, later_s=32)
    assert (again.id, again.attempts) == (lost.id, 2)
    deliveries.failed(lost.id, None, "late", None, attempt=lost.attempts)  # no longer its business
    assert deliveries.get(lost.id).status == "pending"
    deliveries.succeeded(again.id, 200)
    deliveries.failed(lost.id, None, "later still", None)
    assert deliveries.get(lost.id).status == "delivered"


def test_what_waits_goes_where_the_webhook_is_now(
    hook: Webhook, hooks: Webhooks, deliveries: Deliveries
):
    deliveries.enqueue("call.ended", body(), "sam")
    hooks.update(hook.id, url="https://example.com/moved", secret="new")
    ((delivery, told),) = deliveries.due(now(), 10, 60)
    assert (delivery.url, told.secret) == ("https://example.com/moved", "new")


def test_what_waits_for_a_switched_off_webhook_waits(
    hook: Webhook, hooks: Webhooks, deliveries: Deliveries
):
    deliveries.enqueue("call.ended", body(), "sam")
    hooks.update(hook.id, is_active=False)
    assert take(deliveries) == []
    assert deliveries.next_due() is None
    hooks.update(hook.id, is_active=True)
    assert len(take(deliveries)) == 1


def test_messages_of_a_deleted_webhook_are_gone(
    hook: Webhook, hooks: Webhooks, deliveries: Deliveries
):
    deliveries.enqueue("call.ended", body(), "sam")
    (delivery,) = take(deliveries)
    hooks.delete(hook.id)
    deliveries.succeeded(delivery.id, 200)
    deliveries.failed(delivery.id, 500, "no", None)
    assert deliveries.list().deliveries == ()


# ---- order


def test_a_calls_messages_come_in_their_order(hook: Webhook, deliveries: Deliveries):
    for event, call in (("a", "conv_1"), ("b", "conv_1"), ("a", "conv_2"), ("a", "")):
        deliveries.enqueue(event, body(call), "sam")
    deliveries.enqueue("b", body(""), "sam")
    first = take(deliveries)
    assert sorted((d.event, conversation_in(d.body)) for d in first) == [
        ("a", ""), ("a", "conv_1"), ("a", "conv_2"), ("b", ""),
    ]  # fmt: skip
    assert take(deliveries) == []
    for delivery in first:
        deliveries.succeeded(delivery.id, 200)
    assert [d.event for d in take(deliveries)] == ["b"]


def test_a_message_that_always_fails_does_not_hold_up_the_rest(
    hook: Webhook, deliveries: Deliveries
):
    deliveries.enqueue("a", body("conv_1"), "sam")
    deliveries.enqueue("b", body("conv_1"), "sam")
    for _ in range(IN_ORDER_TRIES):
        (stuck,) = take(deliveries)
        assert stuck.event == "a"
        deliveries.failed(stuck.id, 500, "no", datetime.now(UTC))
    assert {d.event for d in take(deliveries)} | {d.event for d in take(deliveries)} == {"a", "b"}


# ---- lists


def test_pages_hold_every_message_once_newest_first(hook: Webhook, deliveries: Deliveries):
    for i in range(5):
        deliveries.enqueue(f"e{i}", body(), "sam")
    seen, cursor = [], ""
    while True:
        page = deliveries.list(page_size=2, cursor=cursor)
        seen += [delivery.event for delivery in page.deliveries]
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == ["e4", "e3", "e2", "e1", "e0"]


def test_filters(hook: Webhook, hooks: Webhooks, deliveries: Deliveries):
    other = hooks.create(URL, ["b"])
    deliveries.enqueue("a", body(), "sam")
    deliveries.enqueue("b", body(), "sam")
    for delivery in take(deliveries):
        if delivery.event == "a":
            deliveries.failed(delivery.id, 410, "gone", None)
    assert [d.event for d in deliveries.list("dead").deliveries] == ["a"]
    assert [d.event for d in deliveries.list(webhook_id=other.id).deliveries] == ["b"]
    assert deliveries.list("delivered").deliveries == ()
    assert (deliveries.count("pending"), deliveries.count("dead")) == (2, 1)
    with pytest.raises(BadInput, match="delivery status 'lost', allowed: pending, delivered, dead"):
        deliveries.list("lost")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="page size 0"):
        deliveries.list(page_size=0)


def test_old_messages_that_wait_for_nothing_are_purged(hook: Webhook, deliveries: Deliveries):
    for event in ("arrived", "dead", "waits"):
        deliveries.enqueue(event, body(), "sam")
    by_event = {delivery.event: delivery.id for delivery in take(deliveries)}
    deliveries.succeeded(by_event["arrived"], 200)
    deliveries.failed(by_event["dead"], 500, "no", None)
    assert deliveries.purge(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert deliveries.purge(now()) == 2
    assert [d.event for d in deliveries.list().deliveries] == ["waits"]
