"""One reply: what its model, its tools and the clock may do to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sdr_lab.events import ProviderFailed, ToolStarted
from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings, EndpointSettings, ToolCall
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.rehearsal import AGENT, Scene, rehearse

FIXED = replace(CallSettings(), endpoint=EndpointSettings(mode="fixed", silence_ms=500))
TRANSFERRING = replace(
    AGENT, tools=(*AGENT.tools, "transfer_call"), departments={"sales": "+14155550100"}
)
SCENE = Scene(settings=FIXED, agent=TRANSFERRING)
END = ToolCall("end_call", {"reason": "done"})
TRANSFER = ToolCall("transfer_call", {"department": "sales"})


def test_a_model_that_stops_in_mid_answer_is_an_apology(tmp_path: Path):
    model = ScriptedModel([["It is four dollars. ", "And "]], piece_delay_ms=1e6)
    caller = Caller().says("How much is it?").hangs_up(at=40)
    done = rehearse(caller, model, tmp_path, SCENE)
    assert "no answer within 15 s" in done.first(ProviderFailed).error
    assert ("agent", f"It is four dollars. {AGENT.apology}") in done.said


def test_a_model_that_only_ends_the_call_says_goodbye_once(tmp_path: Path):
    done = rehearse(Caller().says("Bye then."), ScriptedModel(lambda _: [END]), tmp_path, SCENE)
    assert done.said[-1] == ("agent", AGENT.goodbye)
    assert done.outcome.reason == "agent"
    assert len(done.all(ToolStarted)) == 2


def test_a_model_that_only_transfers_says_so(tmp_path: Path):
    caller = Caller().says("Put me through to sales.")
    done = rehearse(caller, ScriptedModel(lambda _: [TRANSFER]), tmp_path, SCENE)
    assert done.said[-1] == ("agent", "I'm connecting you to sales now.")
    assert done.line.transferred_to == "+14155550100"


def test_a_transfer_that_was_announced_is_not_followed_by_an_apology(tmp_path: Path):
    caller = Caller().says("Put me through to sales.")
    model = ScriptedModel([["One moment please.", TRANSFER]])  # asked again it fails
    done = rehearse(caller, model, tmp_path, SCENE)
    assert done.said[-1] == ("agent", "One moment please.")
    assert done.outcome.reason == "transfer"
    assert not done.all(ProviderFailed)


def test_a_model_that_never_stops_calling_tools_is_stopped(tmp_path: Path):
    search = ToolCall("search_knowledge_base", {"query": "price"})
    caller = Caller().says("How much is it?")
    done = rehearse(caller, ScriptedModel(lambda _: [search]), tmp_path, SCENE)
    assert len(done.all(ToolStarted)) == 4
    assert done.said[-1] == ("agent", AGENT.apology)
