"""`sdr-lab call`: a whole call in the terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdr_lab.commands.terminal import (
    JSON_HELP,
    assignments,
    complain,
    console,
    load_settings,
    print_json,
)

if TYPE_CHECKING:
    from sdr_lab.call.parts import Outcome
    from sdr_lab.lab import CallResult, Lab
    from sdr_lab.records import Agent
    from sdr_lab.simulate.caller import Caller
    from sdr_lab.simulate.condition import Condition

DEMO_CALLER = "dana"
_AT = re.compile(r"(?:(\d+):)?\+?(\d+(?:\.\d+)?)$")


def call(
    ctx: typer.Context,
    audio: Annotated[
        list[str] | None,
        typer.Argument(
            help="WAV of any rate, raw .ulaw, a call folder, or a folder with script.yaml. "
            "Several recordings are several turns. None: the demo caller."
        ),
    ] = None,
    say: Annotated[
        list[str] | None, typer.Option(help="A turn as text; spoken by the local voice.")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[TURN:]+SECONDS",
            help="Begin a turn so long after the agent's reply has begun, instead of when the "
            "agent has finished. Without TURN: the last one.",
        ),
    ] = None,
    agent: Annotated[str, typer.Option(help="YAML file, or id of an agent.")] = "",
    line: Annotated[str, typer.Option(help="clean, noisy, echo or lossy.")] = "clean",
    stt: Annotated[str | None, typer.Option(help="Speech to text.")] = None,
    llm: Annotated[str | None, typer.Option(help="Language model.")] = None,
    tts: Annotated[str | None, typer.Option(help="Text to speech.")] = None,
    var: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Value of a {{variable}} for this call."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Put the call folder here instead of the workspace.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Run one call: a recorded caller phones an agent over the whole pipeline."""
    import asyncio

    from sdr_lab.lab import Lab
    from sdr_lab.simulate.condition import condition_named

    lab = Lab(load_settings(ctx, stt_provider=stt, llm_provider=llm, tts_provider=tts))
    condition = condition_named(line)
    caller = _caller(lab, audio or [], say or [], at or [])
    plan = _Plan(lab.agent(agent), caller, condition, assignments(var or []), out, as_json)
    result = asyncio.run(_run(lab, plan))
    if result.outcome.recording_error:
        complain(result.outcome.recording_error)
        raise typer.Exit(1)
    _report(result, as_json)


@dataclass(frozen=True)
class _Plan:
    """What is asked for on the command line."""

    agent: Agent
    caller: Caller
    condition: Condition
    variables: dict[str, str]
    out: Path | None
    is_quiet: bool


def _caller(lab: Lab, audio: list[str], say: list[str], at: list[str]) -> Caller:
    import asyncio

    from sdr_lab.errors import BadInput
    from sdr_lab.simulate.caller import GAP_S, Caller
    from sdr_lab.simulate.script import read_call, read_script, recording

    if not audio and not say:
        audio = [str(lab.datasets / "callers" / DEMO_CALLER)]
    if any(Path(name).is_dir() for name in audio):
        if len(audio) > 1 or say or at:
            raise BadInput(f"{audio[0]} is a whole caller: give no other turns and no --at")
        path = Path(audio[0])
        return read_script(path) if (path / "script.yaml").is_file() else read_call(path)
    turns: list[tuple[str, Any]] = [(Path(name).name, recording(Path(name))) for name in audio]
    turns += [(text, asyncio.run(_spoken(lab, text))) for text in say]
    begins = _begins(at, len(turns))
    caller = Caller()
    for number, (text, sound) in enumerate(turns, 1):
        if number in begins:
            caller.cuts_in(text, into=begins[number], sound=sound)
        else:
            caller.says(text, after=GAP_S, sound=sound)
    return caller


def _begins(at: list[str], turns: int) -> dict[int, float]:
    from sdr_lab.errors import BadInput

    begins: dict[int, float] = {}
    for text in at:
        found = _AT.fullmatch(text.strip())
        turn = int(found[1] or turns) if found else 0
        if found is None or not 1 <= turn <= turns:
            raise BadInput(f"--at {text!r}: expected [TURN:]+SECONDS with TURN from 1 to {turns}")
        begins[turn] = float(found[2])
    return begins


async def _spoken(lab: Lab, text: str) -> bytes:
    from sdr_lab.audio.resample import to_mulaw
    from sdr_lab.errors import BadInput
    from sdr_lab.providers import TTS, make
    from sdr_lab.tts.speakable import speakable

    if not any(character.isalnum() for character in text):
        raise BadInput(f"--say {text!r}: there are no words in it")
    agent = lab.agent()
    voice = make(TTS, lab.choose(agent).tts, lab.settings, agent)
    return b"".join([to_mulaw(sound) async for sound in voice.speak(speakable(text))])


async def _run(lab: Lab, plan: _Plan) -> CallResult:
    import asyncio

    from sdr_lab.commands.transcript import LiveTranscript
    from sdr_lab.simulate.line import SimulatedLine

    agent = plan.agent
    screen = LiveTranscript(console(), plan.is_quiet)
    chosen = await asyncio.to_thread(lab.choose, agent)
    for why in chosen.why:
        screen.note(why)
    config = lab.config(agent, chosen, "simulated", plan.caller.number, plan.variables)
    await lab.check(agent, chosen)
    search = await lab.ready_knowledge(agent, screen.note)
    parts = lab.parts(agent, chosen, search)
    screen.begin(config, plan.condition.name)
    line = SimulatedLine(plan.caller, plan.condition, keeps_sound=False)
    async with asyncio.TaskGroup() as tasks:
        warming = tasks.create_task(lab.warm_up(parts, agent))
        result = await lab.call(line, config, parts, [screen.hear], plan.out)
        warming.cancel()
    return result


def _report(result: CallResult, as_json: bool) -> None:
    from sdr_lab.trace.latency import measure_folder
    from sdr_lab.trace.plots import write_waterfall
    from sdr_lab.trace.report import report, to_dict

    latency = measure_folder(result.folder)
    write_waterfall(result.folder)  # last of the folder's files; raises StorageError
    if as_json:
        print_json(
            {
                "conversation_id": result.conversation_id,
                "folder": str(result.folder),
                "outcome": _plain(result.outcome),
                "latency": to_dict([latency]),
            }
        )
        return
    screen = console()
    screen.print()
    screen.print(report([latency]))
    seconds = result.outcome.duration_ms / 1000
    screen.print(f"\n{seconds:.0f} s, ended by {result.outcome.reason}. The call is in")
    screen.print(f"  {result.folder}/", soft_wrap=True)
    screen.print("  " + "  ".join(sorted(path.name for path in result.folder.iterdir())))


def _plain(outcome: Outcome) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(outcome)
