import pytest

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.records import Agent
from sdr_lab.store.agents import AgentStore
from sdr_lab.store.database import Database
from sdr_lab.store.numbers import PhoneNumbers
from tests.store.threads import at_once


@pytest.fixture
def numbers(database: Database) -> PhoneNumbers:
    return PhoneNumbers(database)


def test_a_number_is_found_however_it_is_written(numbers: PhoneNumbers, sam: Agent):
    made = numbers.create("(415) 555-2671", "Sales", agent_id="Sam")
    assert made.id.startswith("phnum_")
    assert (made.phone_number, made.label, made.agent_id) == ("+14155552671", "Sales", "sam")
    assert (made.provider, made.supports_inbound, made.supports_outbound) == ("twilio", True, True)
    for key in (made.id, "+14155552671", "+1 415 555 2671", "415-555-2671"):
        assert numbers.get(key) == made
    assert numbers.agent_for("+14155552671") == "sam"
    assert numbers.list() == [made]


@pytest.mark.parametrize("number", ["", "12", "client:ann", "+", "hello", "+++", "+1²"])
def test_what_is_no_number_is_refused(numbers: PhoneNumbers, number: str):
    with pytest.raises(BadInput, match=r"is no phone number: give E\.164, such as"):
        numbers.create(number)


def test_a_number_is_there_once(numbers: PhoneNumbers):
    numbers.create("+14155552671")
    with pytest.raises(Conflict, match=r"\+14155552671 is there already"):
        numbers.create("415 555 2671")


def test_of_those_who_add_a_number_at_once_one_does(two: tuple[Database, Database]):
    stores = [PhoneNumbers(opened) for opened in two]
    results = at_once(*(lambda s=s: s.create("+14155552671") for s in stores * 3))
    assert sum(isinstance(result, Conflict) for result in results) == 5
    assert len(stores[0].list()) == 1


def test_changes(numbers: PhoneNumbers, sam: Agent):
    made = numbers.create("+14155552671", agent_id="sam")
    changed = numbers.update(made.id, label="Support", supports_inbound=False)
    assert (changed.label, changed.supports_inbound, changed.agent_id) == ("Support", False, "sam")
    assert numbers.agent_for("+14155552671") is None  # for outbound calls only
    assert numbers.update("+14155552671", agent_id=None).agent_id is None
    assert numbers.update(made.id) == numbers.get(made.id)
    with pytest.raises(BadInput, match="'phone_number' can't be set, allowed: label, agent_id"):
        numbers.update(made.id, phone_number="+14155552672")
    numbers.delete(made.id)
    assert numbers.list() == []


def test_numbers_and_agents_that_are_not_there(numbers: PhoneNumbers):
    with pytest.raises(NotFound, match="no agent has the id or name 'eve'"):
        numbers.create("+14155552671", agent_id="eve")
    assert numbers.list() == []
    assert numbers.agent_for("+14155552671") is None
    for change in (numbers.get, numbers.delete, numbers.update):
        with pytest.raises(NotFound, match="there is no phone number 'phnum_x'"):
            change("phnum_x")


def test_a_deleted_agents_number_is_nobodys(numbers: PhoneNumbers, sam: Agent, database: Database):
    made = numbers.create("+14155552671", agent_id="sam")
    AgentStore(database).delete("sam")
    assert numbers.get(made.id).agent_id is None
    AgentStore(database).undelete("sam")
    assert numbers.agent_for("+14155552671") is None
