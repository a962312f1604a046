"""`interrupts preset`: chosen settings with a name, and giving them to an agent or to `.env`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as changed_record
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdr_lab.commands.interrupt_options import AgentKey, Detector, Pairs, chosen_settings
from sdr_lab.commands.terminal import JSON_HELP, print_json, print_table
from sdr_lab.commands.workspace import workspace
from sdr_lab.errors import BadInput

if TYPE_CHECKING:
    from sdr_lab.lab import Lab
    from sdr_lab.tune.preset import Preset, Presets

app = typer.Typer(help="Chosen settings of detectors, by name.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a preset.")]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


def presets_of(lab: Lab) -> Presets:
    """Return the presets of a workspace."""
    from sdr_lab.tune.preset import Presets

    return Presets(lab.home)


@app.command("list")
def list_presets(ctx: typer.Context, as_json: Json = False) -> None:
    """List the presets."""
    with workspace(ctx) as lab:
        presets = presets_of(lab)
        found = [presets.get(name) for name in presets.names()]
    if as_json:
        print_json([_record(preset) for preset in found])
        return
    print_table(
        ("name", "detector", "saved", "recall", "false a minute", "calls"),
        [
            (
                preset.name,
                preset.detector,
                str(preset.provenance.get("date", "")),
                *_figures(preset.provenance),
            )
            for preset in found
        ],
    )
    if not found:
        typer.echo("No presets yet: sdr-lab interrupts sweep DIR … --save NAME", err=True)


@app.command()
def show(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Print a preset: its settings and where they come from."""
    with workspace(ctx) as lab:
        preset = presets_of(lab).get(name)
    if as_json:
        print_json(_record(preset))
        return
    rows = [(key, _text(value)) for key, value in preset.settings.items()]
    print_table(("setting", "value"), rows, title=preset.name)
    _print_provenance(preset.provenance)


@app.command()
def save(
    ctx: typer.Context,
    name: Name,
    detector: Detector = "",
    pairs: Pairs = None,
    agent: AgentKey = "",
    table: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take the chosen row of a sweep's table."),
    ] = None,
    row: Annotated[
        int | None, typer.Option(help="Another row of it (its column `setting`).")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a preset of that name.")
    ] = False,
) -> None:
    """Keep settings under a name: from a sweep's table, or given with --set."""
    from datetime import datetime

    from sdr_lab.tune.preset import preset_of
    from sdr_lab.tune.sweep_table import read_outcome, settings_of_row

    now = datetime.now().astimezone()
    if table is not None:
        if detector or pairs or agent:
            raise BadInput("give --from, or --detector, --set and --agent; not both")
        settings = settings_of_row(table, row)
        # figures of the chosen row are no figures of another one
        preset = preset_of(name, settings, now, read_outcome(table) if row is None else None)
    else:
        if row is not None:
            raise BadInput("--row needs --from FILE, a table that `interrupts sweep --out` wrote")
        preset = preset_of(name, chosen_settings(ctx, detector, pairs, agent), now)
    with workspace(ctx) as lab:
        path = presets_of(lab).save(preset, replace)
    typer.echo(f"{name}: {preset.detector}, {path}")


@app.command()
def diff(
    ctx: typer.Context,
    old: Annotated[str, typer.Argument(metavar="NAME", help="A preset.")],
    new: Annotated[str, typer.Argument(metavar="[NAME]", help="Another one.")] = "",
    agent: Annotated[
        str, typer.Option("--agent", help="Compare with what this agent uses instead.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show what differs between two presets, or between a preset and an agent."""
    from sdr_lab.tune.preset import differences

    if bool(new) == bool(agent):
        raise BadInput("give a second preset or --agent ID")
    with workspace(ctx) as lab:
        mine = presets_of(lab).get(old)
        theirs = presets_of(lab).get(new).settings if new else _used_by(lab, agent, mine)
    found = differences(mine.settings, theirs)
    if as_json:
        print_json([{"setting": d.name, "old": d.old, "new": d.new} for d in found])
        return
    if not found:
        typer.echo(f"{old} and {new or agent} are the same")
        return
    print_table(
        ("setting", old, new or f"agent {agent}"),
        [(d.name, _text(d.old), _text(d.new)) for d in found],
    )


@app.command("apply")
def apply_preset(
    ctx: typer.Context,
    name: Name,
    agent: Annotated[str, typer.Option(help="Give it to this agent, as a new version.")] = "",
    env: Annotated[bool, typer.Option("--env", help="Print it as lines of .env instead.")] = False,
    into: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --env: set them in this file; the rest stays."),
    ] = None,
    author: Annotated[str, typer.Option(help="Who made the version.")] = "",
) -> None:
    """Use a preset: in a new version of an agent (old ones are kept), or as lines of .env."""
    if bool(agent) == env:
        raise BadInput("give --agent ID or --env")
    if into is not None and not env:
        raise BadInput("--into belongs to --env")
    with workspace(ctx) as lab:
        preset = presets_of(lab).get(name)
        if agent:
            typer.echo(_give(lab, agent, preset, author))
            return
    if into is None:
        for key, value in preset.env_lines().items():
            typer.echo(f"{key}={value}")
        return
    from sdr_lab.tune.preset_env import update_env

    update_env(into, preset.env_lines())
    typer.echo(f"{into}: {len(preset.settings)} settings of preset {name}")


def _give(lab: Lab, key: str, preset: Preset, author: str) -> str:
    """Make a new version of an agent; say what was done."""
    from sdr_lab.config import call_settings
    from sdr_lab.tune.preset import merged

    if key.endswith((".yaml", ".yml")):
        raise BadInput(f"--agent {key}: is a file; save it first: sdr-lab agents save {key}")
    agent = lab.agent(key)
    overrides = merged(agent.interrupt, preset)
    call_settings(lab.settings, changed_record(agent, interrupt=overrides))  # refuses what can't be
    note = f"preset {preset.name}"
    saved = lab.agents.update(agent.id, {"interrupt": overrides}, author=author, note=note)
    if saved.version == agent.version:
        return f"{saved.id} uses {preset.name} already; it stays at version {saved.version}"
    return f"{saved.id} is at version {saved.version}: {note}"


def _used_by(lab: Lab, key: str, preset: Preset) -> Mapping[str, Any]:
    """Return what an agent uses of all that the preset or its own detector looks at."""
    from sdr_lab.config import call_settings
    from sdr_lab.tune.preset import relevant

    used = call_settings(lab.settings, lab.agent(key)).interrupt
    return {name: getattr(used, name) for name in {*preset.settings, *relevant(used)}}


def _record(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "settings": dict(preset.settings),
        "provenance": dict(preset.provenance),
    }


def _figures(provenance: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the honest figures, if there are any."""
    held = provenance.get("held_out")
    figures = held["figures"] if held else provenance.get("figures", {})
    calls = provenance.get("corpus", {}).get("calls", "")
    return _text(figures.get("recall")), _text(figures.get("false_per_min")), _text(calls)


def _print_provenance(provenance: Mapping[str, Any]) -> None:
    corpus = provenance.get("corpus", {})
    facts = {key: provenance.get(key) for key in ("date", "sdr_lab", "source", "objective")}
    facts |= {f"corpus {key}": corpus.get(key) for key in ("path", "id", "calls", "audio_s")}
    typer.echo()
    print_table(("from", ""), [(key, str(value)) for key, value in facts.items() if value])
    if "figures" not in provenance:
        return
    held = provenance.get("held_out") or {"figures": {}, "intervals": {}}
    here, others = provenance["figures"], held["figures"]
    rows = [
        (name, _text(here[name]), _text(others.get(name)), _span(held["intervals"].get(name)))
        for name in here
    ]
    typer.echo()
    print_table(("", "on these calls", "on calls it was not chosen on", "95 %"), rows)
    for note in provenance.get("notes", ()):
        typer.echo(note)


def _span(span: Sequence[float] | None) -> str:
    return f"{span[0]:g} to {span[1]:g}" if span else ""


def _text(value: Any) -> str:
    return "–" if value is None else str(value)
