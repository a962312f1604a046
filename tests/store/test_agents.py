import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sdr_lab.errors import BadInput, Conflict, NotFound
from sdr_lab.records import Agent, Playbook, WebTool
from sdr_lab.store.agents import AgentStore
from sdr_lab.store.database import Database
from sdr_lab.store.documents import DocumentStore
from sdr_lab.store.hooks import Webhooks
from sdr_lab.store.numbers import PhoneNumbers
from sdr_lab.store.tools import ToolStore

SAM = Agent(
    id="sam",
    name="Sam",
    version=0,
    system_prompt="You sell tea.",
    first_message="Hello {{name}}",
    interrupt={"min_energy": 900},
    variables={"name": "there"},
    tools=("end_call",),
    playbook=Playbook(lines={"HELLO": ("Hi.", "Hello.")}, forbidden=("politics",)),
)


@pytest.fixture
def agents(database: Database) -> AgentStore:
    return AgentStore(database)


def test_an_agent_comes_back_as_it_was(agents: AgentStore):
    made = agents.create(SAM, author="ann", note="first", user_id="u1")
    assert made == dataclasses.replace(SAM, version=1)
    assert agents.get("sam") == made
    assert agents.get("Sam") == agents.get("sAM") == made
    entry = agents.entry("sam")
    assert (entry.user_id, entry.is_active) == ("u1", True)
    assert entry.created_at.utcoffset() is not None


def test_an_agent_without_an_id_gets_one(agents: AgentStore):
    made = agents.create(dataclasses.replace(SAM, id=""))
    assert made.id.startswith("agent_")
    assert agents.get(made.id) == made


def test_every_change_keeps_the_old_version(agents: AgentStore):
    first = agents.create(SAM, author="ann")
    second = agents.update("sam", {"system_prompt": "You sell coffee."}, "bob", "coffee")
    third = agents.update("Sam", {"name": "Samuel", "tools": ["end_call", "transfer_call"]})
    assert [second.version, third.version] == [2, 3]
    assert third.tools == ("end_call", "transfer_call")
    assert agents.get("Samuel") == third
    newest, middle, oldest = agents.versions("sam")
    assert (oldest.agent, oldest.author) == (first, "ann")
    assert (middle.agent, middle.author, middle.note) == (second, "bob", "coffee")
    assert newest.agent == third
    assert agents.at_version("sam", 1) == first


def test_no_difference_makes_no_version(agents: AgentStore):
    agents.create(SAM)
    assert agents.update("sam", {"system_prompt": SAM.system_prompt}).version == 1
    assert agents.save(SAM).version == 1
    assert len(agents.versions("sam")) == 1


def test_save_creates_then_adds_versions(agents: AgentStore):
    assert agents.save(SAM).version == 1
    assert agents.save(dataclasses.replace(SAM, voice="joe")).version == 2


def test_restore_makes_a_new_version_like_the_old_one(agents: AgentStore):
    first = agents.create(SAM)
    agents.update("sam", {"first_message": "Good day"})
    back = agents.restore("sam", 1, author="ann")
    assert back == dataclasses.replace(first, version=3)
    assert agents.versions("sam")[0].note == "restored version 1"
    with pytest.raises(NotFound, match=r"no version 9, allowed: 1\.\.3"):
        agents.restore("sam", 9)


def test_diff_names_the_fields(agents: AgentStore):
    agents.create(SAM)
    book = Playbook(lines={"HELLO": ("Hi.",)}, forbidden=("politics",))
    agents.update("sam", {"system_prompt": "You sell tea.\nBe kind.", "playbook": book})
    prompt, playbook = agents.diff("sam", 1, 2)
    assert (prompt.field, playbook.field) == ("system_prompt", "playbook")
    assert "+Be kind." in prompt.lines()
    assert '-      "Hello."' in playbook.lines()
    assert agents.diff("sam", 2, 2) == []


def test_an_agent_that_many_save_at_once_is_saved(agents: AgentStore):
    with ThreadPoolExecutor(8) as threads:
        saved = list(threads.map(lambda _: agents.save(SAM), range(16)))

    assert {agent.version for agent in saved} == {1}
    assert [entry.agent.id for entry in agents.list()] == ["sam"]


def test_delete_hides_and_undelete_brings_back(agents: AgentStore):
    agents.create(SAM)
    agents.create(dataclasses.replace(SAM, id="eve", name="Eve"))
    agents.delete("sam")
    assert [entry.agent.id for entry in agents.list()] == ["eve"]
    assert [e.is_active for e in agents.list(include_deleted=True)] == [True, False]
    with pytest.raises(NotFound, match="'sam' is deleted: undelete it first"):
        agents.get("sam")
    with pytest.raises(NotFound, match="there are: eve"):
        agents.get("Sam")
    with pytest.raises(BadInput, match="exists already"):
        agents.create(SAM)
    assert agents.undelete("Sam").id == "sam"
    assert agents.get("sam").name == "Sam"


def test_two_agents_of_one_name_are_told_apart_by_id(agents: AgentStore):
    agents.create(SAM)
    agents.create(dataclasses.replace(SAM, id="sam2"))
    with pytest.raises(BadInput, match="2 agents are named 'Sam': use one of the ids sam, sam2"):
        agents.get("Sam")
    assert agents.get("sam2").id == "sam2"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": "x"}, "agent field 'prompt' can't be set, allowed: name, system_prompt"),
        ({"version": 7}, "agent field 'version' can't be set"),
        ({"name": " "}, "an agent needs a name"),
        ({"variables": {"a": object()}}, "can't be stored"),
        ({"temperature": float("nan")}, "can't be stored"),
    ],
)
def test_unusable_changes_are_refused(agents: AgentStore, changes: dict, message: str):
    agents.create(SAM)
    with pytest.raises(BadInput, match=message):
        agents.update("sam", changes)
    assert agents.get("sam").version == 1


def test_a_change_based_on_an_old_version_is_refused(agents: AgentStore):
    agents.create(SAM)
    agents.update("sam", {"voice": "joe"}, expected_version=1)
    with pytest.raises(Conflict, match="at version 2, not 1: somebody else has changed it"):
        agents.update("sam", {"voice": "ann"}, expected_version=1)


def test_fields_of_a_newer_sdr_lab_are_left_out(agents: AgentStore, database: Database):
    from sdr_lab.store.models import AgentVersionRow

    agents.create(SAM)

    def add_field(session):
        row = session.get(AgentVersionRow, ("sam", 1))
        row.record = {**row.record, "mood": "merry", "playbook": {"songs": ["la"]}}

    database.write(add_field)
    assert agents.get("sam").playbook == Playbook()


def test_a_delete_takes_what_hangs_on_the_agent_and_nothing_else(
    agents: AgentStore, database: Database, tmp_path: Path
):
    numbers, tools = PhoneNumbers(database), ToolStore(database)
    hooks, documents = Webhooks(database), DocumentStore(database, tmp_path)
    tool = WebTool("price", "", {}, "https://example.com")
    document = documents.create("a.txt", "file", b"x")
    for i, name in enumerate(("sam", "eve")):
        agents.create(dataclasses.replace(SAM, id=name, name=name.title()))
        numbers.create(f"+1415555267{i}", agent_id=name)
        tools.create(name, tool)
        hooks.create("https://example.com", ["*"], agent_id=name)
        documents.attach(document.id, name)
    agents.delete("Sam")
    assert [number.agent_id for number in numbers.list()] == [None, "eve"]
    assert (tools.of("sam"), len(tools.of("eve"))) == ([], 1)
    assert [hook.agent_id for hook in hooks.list()] == ["eve"]
    assert documents.get(document.id).agents == ("eve",)
    assert agents.undelete("sam").id == "sam"
