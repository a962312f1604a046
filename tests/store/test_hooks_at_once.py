"""Several senders at the same outbox: threads, processes, and whatever order things happen in."""

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdr_lab.store.database import Database, open_database
from sdr_lab.store.hooks import Deliveries, Webhook, Webhooks
from tests.store.threads import at_once


@pytest.fixture
def hooks(database: Database) -> Webhooks:
    return Webhooks(database)


@pytest.fixture
def hook(hooks: Webhooks) -> Webhook:
    return hooks.create("https://example.com/hook", ["*"])


@pytest.fixture
def deliveries(database: Database) -> Deliveries:
    return Deliveries(database)


def now() -> datetime:
    """Return a moment when everything that was just queued is due."""
    return datetime.now(UTC) + timedelta(seconds=1)


def drain(deliveries: Deliveries, limit: int = 3) -> Iterator[str]:
    """Take all that is due and deliver it, as a sender does; yield the ids."""
    while taken := deliveries.due(now(), limit, 60):
        for delivery, _ in taken:
            yield delivery.id
            deliveries.succeeded(delivery.id, 200)


def test_threads_never_take_the_same_message(
    two: tuple[Database, Database], hook: Webhook, deliveries: Deliveries
):
    for _ in range(40):
        deliveries.enqueue("a", "{}", "sam")
    senders = [Deliveries(opened) for opened in two] * 3
    results = at_once(*(lambda s=s: list(drain(s)) for s in senders))
    assert [result for result in results if isinstance(result, Exception)] == []
    taken = Counter(id for result in results if isinstance(result, list) for id in result)
    # On PostgreSQL a sender may find all that is left locked, and stop before the end.
    taken.update(drain(deliveries))
    assert (len(taken), taken.total()) == (40, 40)


def drain_in_a_process(home: Path, url: str, gate, answers) -> None:
    database = open_database(home, url)
    gate.wait()
    answers.put(list(drain(Deliveries(database))))
    database.close()


def test_processes_never_take_the_same_message(
    tmp_path: Path, url: str, hook: Webhook, deliveries: Deliveries
):
    for i in range(30):
        deliveries.enqueue("a", "{}", "sam", f"conv_{i % 7}")
    fork = multiprocessing.get_context("fork")
    gate, answers = fork.Barrier(2), fork.Queue()
    processes = [
        fork.Process(target=drain_in_a_process, args=(tmp_path, url, gate, answers))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    taken = Counter(id for _ in processes for id in answers.get(timeout=60))
    for process in processes:
        process.join()
    taken.update(drain(deliveries))
    assert (len(taken), taken.total()) == (30, 30)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.sampled_from(["enqueue", "take", "arrive", "fail", "die", "wait"]), max_size=25
    )
)
def test_no_message_is_lost_or_held_twice(
    hooks: Webhooks, deliveries: Deliveries, steps: list[str]
):
    """Whatever happens, a claimed message is nobody else's, and all come to an end at last."""
    for old in hooks.list():
        hooks.delete(old.id)
    hooks.create("https://example.com/hook", ["*"])
    clock, held, queued = now(), {}, 0
    for step in steps:
        if step == "enqueue":
            queued += deliveries.enqueue("a", "{}", "sam")
        elif step == "take":
            for delivery, _ in deliveries.due(clock, 2, 60):
                assert held.get(delivery.id, clock) <= clock
                held[delivery.id] = clock + timedelta(seconds=60)
        elif step == "wait":
            clock += timedelta(seconds=40)
        elif held:
            id, _ = held.popitem()
            if step == "arrive":
                deliveries.succeeded(id, 200)
            elif step in ("fail", "die"):
                deliveries.failed(id, 500, "no", clock if step == "fail" else None)
    clock += timedelta(seconds=999)
    while taken := deliveries.due(clock, 100, 60):
        for delivery, _ in taken:
            deliveries.succeeded(delivery.id, 200)
    ends = [deliveries.count("delivered"), deliveries.count("dead"), deliveries.count("pending")]
    assert sum(ends) == queued
    assert ends[2] == 0
