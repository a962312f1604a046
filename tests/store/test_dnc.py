import asyncio

import pytest

from sdr_lab.errors import BadInput
from sdr_lab.store.database import Database
from sdr_lab.store.dnc import DoNotCall, normal_number


@pytest.fixture
def numbers(database: Database) -> DoNotCall:
    return DoNotCall(database)


async def test_a_number_is_found_however_it_is_written(numbers: DoNotCall):
    await numbers.add("(415) 555-2671", "asked", "conv_1")
    (entry,) = numbers.list()
    assert (entry.number, entry.reason, entry.conversation_id) == (
        "+14155552671", "asked", "conv_1",
    )  # fmt: skip
    assert await numbers.contains("+1 415 555 2671")
    assert not await numbers.contains("+1 415 555 2672")
    assert not await numbers.contains("")


async def test_the_first_entry_stays(numbers: DoNotCall):
    await numbers.add("+14155552671", "asked", "conv_1")
    first = numbers.list()
    await numbers.add("415-555-2671", "again", "conv_2")
    assert numbers.list() == first


async def test_wishes_at_once_make_one_entry(numbers: DoNotCall):
    async with asyncio.TaskGroup() as group:
        for i in range(8):
            group.create_task(numbers.add("+14155552671", "asked", f"conv_{i}"))
    assert len(numbers.list()) == 1


async def test_a_caller_without_a_number_is_kept_by_conversation(numbers: DoNotCall):
    await numbers.add("", "asked", "conv_1")
    (entry,) = numbers.list()
    assert entry.number == "unknown (conv_1)"
    assert numbers.remove(entry.number)
    with pytest.raises(BadInput, match="needs a phone number or a conversation"):
        await numbers.add(" ", "asked", "")


async def test_remove_says_whether_it_was_there(numbers: DoNotCall):
    await numbers.add("+14155552671", "asked", "conv_1")
    assert numbers.remove("415 555 2671")
    assert not numbers.remove("415 555 2671")
    assert not await numbers.contains("+14155552671")


@pytest.mark.parametrize(
    ("written", "region", "kept"),
    [
        ("+49 30 901820", "US", "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("client:alice", "US", "client:alice"),
        ("12 34", "US", "1234"),
    ],
)
def test_numbers_are_kept_in_e164_when_possible(written: str, region: str, kept: str):
    assert normal_number(written, region) == kept
