"""A call on the virtual clock whose folder the tests of replay read."""

from __future__ import annotations

from pathlib import Path

from sdr_lab.llm.scripted import ScriptedModel
from sdr_lab.records import CallSettings
from sdr_lab.simulate.caller import Caller
from sdr_lab.simulate.condition import Condition
from sdr_lab.simulate.rehearsal import Rehearsal, Scene, rehearse

LONG = "I would like to tell you about our new plan today and about all that it can do for you."


def recorded(
    calls_dir: Path,
    settings: CallSettings | None = None,
    condition: Condition | None = None,
    caller: Caller | None = None,
) -> Rehearsal:
    """Make a call in which the caller asks, cuts in and goes on."""
    if caller is None:
        caller = Caller().says("Tell me more.").cuts_in("Wait, stop.", into=1.0, lasts=1.2)
        caller.says("How much is it?").hangs_up(after=3.0)
    scene = Scene(settings=settings or CallSettings(), condition=condition or Condition())
    return rehearse(caller, ScriptedModel(lambda prompt: LONG), calls_dir, scene)
