import dataclasses

import pytest

from sdr_lab.agents import tool_specs
from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.records import Agent, WebTool
from sdr_lab.store.agents import AgentStore
from sdr_lab.store.database import Database
from sdr_lab.store.models import ToolRow
from sdr_lab.store.tools import BUILT_IN, ToolStore
from tests.store.threads import at_once

PRICE = WebTool(
    name="look_up_price",
    description="Look a price up.",
    parameters={"type": "object", "properties": {"tea": {"type": "string"}}, "required": ["tea"]},
    url="https://example.com/price",
    headers={"Authorization": "Bearer s3cret"},
    timeout_s=2.5,
    confirm=True,
)


@pytest.fixture
def tools(database: Database, sam: Agent) -> ToolStore:
    return ToolStore(database)


def test_a_tool_comes_back_as_it_was(tools: ToolStore):
    made = tools.create("Sam", PRICE)
    assert made.id.startswith("tool_")
    assert dataclasses.replace(made, id="") == PRICE
    assert tools.of("sam") == [made]
    assert tools.get(made.id) == ("sam", made)
    assert tools.of("eve") == []


def test_the_names_of_built_in_tools_are_taken(tools: ToolStore):
    assert set(tool_specs.BUILT_IN) == BUILT_IN
    with pytest.raises(Conflict, match="'end_call' is a built-in tool: give another name"):
        tools.create("sam", dataclasses.replace(PRICE, name="end_call"))


@pytest.mark.parametrize("name", ["", "1a", "Price", "a-b", "a" * 65, "a\n", "é"])
def test_unusable_names_are_refused(tools: ToolStore, name: str):
    with pytest.raises(BadInput, match=r"give 1\.\.64 of a-z, 0-9 and _"):
        tools.create("sam", dataclasses.replace(PRICE, name=name))


def test_a_tool_that_is_no_json_is_refused(tools: ToolStore):
    with pytest.raises(BadInput, match="tool 'look_up_price' can't be stored"):
        tools.create("sam", dataclasses.replace(PRICE, parameters={"a": object()}))


def test_a_name_is_one_tool_of_an_agent(tools: ToolStore, database: Database):
    AgentStore(database).create(Agent("eve", "Eve", 0, "", ""))
    tools.create("sam", PRICE)
    with pytest.raises(Conflict, match="agent 'sam' has a tool 'look_up_price' already"):
        tools.create("sam", PRICE)
    assert tools.create("eve", PRICE).name == PRICE.name


def test_of_those_who_take_a_name_at_once_one_does(two: tuple[Database, Database], sam: Agent):
    stores = [ToolStore(opened) for opened in two]
    results = at_once(*(lambda s=s: s.create("sam", PRICE) for s in stores * 3))
    assert sum(isinstance(result, Conflict) for result in results) == 5
    assert len(stores[0].of("sam")) == 1


def test_delete(tools: ToolStore):
    made = tools.create("sam", PRICE)
    with pytest.raises(NotFound, match=f"agent 'eve' has no tool '{made.id}'"):
        tools.delete("eve", made.id)
    tools.delete("sam", made.id)
    assert tools.of("sam") == []
    with pytest.raises(NotFound, match="there is no tool"):
        tools.get(made.id)
    with pytest.raises(NotFound, match="no agent has the id or name 'eve'"):
        tools.create("eve", PRICE)


def test_a_deleted_agents_tools_are_gone(tools: ToolStore, database: Database):
    made = tools.create("sam", PRICE)
    AgentStore(database).delete("sam")
    with pytest.raises(NotFound):
        tools.get(made.id)


def test_fields_of_a_newer_sdr_lab_are_left_out(tools: ToolStore, database: Database):
    made = tools.create("sam", PRICE)

    def add_field(session) -> None:
        row = session.get(ToolRow, made.id)
        row.record = {**row.record, "mood": "merry"}

    database.write(add_field)
    assert tools.of("sam") == [made]
