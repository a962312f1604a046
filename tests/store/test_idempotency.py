from datetime import UTC, datetime, timedelta

import pytest

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.store.database import Database
from sdr_lab.store.idempotency import IdempotencyKeys, Replay
from tests.store.threads import at_once


@pytest.fixture
def keys(database: Database) -> IdempotencyKeys:
    return IdempotencyKeys(database)


def test_a_request_is_carried_out_once_and_answered_the_same(keys: IdempotencyKeys):
    assert keys.begin("k1", "calls", "aa") is None
    with pytest.raises(Conflict, match=r"'k1' is in progress since 20.*: wait for its answer"):
        keys.begin("k1", "calls", "aa")
    keys.finish("k1", "calls", 200, '{"id": "conv_1"}')
    for _ in range(2):
        assert keys.begin("k1", "calls", "aa") == Replay(200, '{"id": "conv_1"}')
    with pytest.raises(Conflict, match="'k1' belongs to another request: use a new key"):
        keys.begin("k1", "calls", "bb")


def test_another_request_in_progress_is_told_apart(keys: IdempotencyKeys):
    keys.begin("k1", "calls", "aa")
    with pytest.raises(Conflict, match="belongs to another request"):
        keys.begin("k1", "calls", "bb")


def test_a_key_means_nothing_in_another_scope(keys: IdempotencyKeys):
    assert keys.begin("k1", "calls of ann", "aa") is None
    assert keys.begin("k1", "calls of bob", "bb") is None


def test_what_was_not_carried_out_may_be_tried_again(keys: IdempotencyKeys):
    keys.begin("k1", "calls", "aa")
    keys.forget("k1", "calls")
    with pytest.raises(NotFound, match="no request with Idempotency-Key 'k1' was begun"):
        keys.finish("k1", "calls", 200, "{}")
    assert keys.begin("k1", "calls", "bb") is None


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_unusable_keys_are_refused(keys: IdempotencyKeys, key: str):
    with pytest.raises(BadInput, match=rf"of {len(key)} characters, allowed: 1\.\.255"):
        keys.begin(key, "calls", "aa")


def test_old_keys_are_forgotten(keys: IdempotencyKeys):
    keys.begin("k1", "calls", "aa")
    now = datetime.now(UTC)
    assert keys.purge(now - timedelta(hours=1)) == 0
    assert keys.purge(now + timedelta(seconds=1)) == 1
    assert keys.begin("k1", "calls", "bb") is None


def test_of_all_who_begin_at_once_one_carries_it_out(two: tuple[Database, Database]):
    stores = [IdempotencyKeys(opened) for opened in two]
    for key in ("k1", "k2", "k3", "k4", "k5"):
        results = at_once(*(lambda s=s, k=key: s.begin(k, "calls", "aa") for s in stores * 4))
        assert results.count(None) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 7
