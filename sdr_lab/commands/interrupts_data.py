"""`interrupts import`, `export` and `label`: recordings and what people say about them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sdr_lab.commands.interrupt_options import Folder, Swap, count, opened, progress, warn
from sdr_lab.commands.terminal import JSON_HELP, print_json, print_table
from sdr_lab.commands.workspace import workspace
from sdr_lab.errors import BadInput, NotFound

if TYPE_CHECKING:
    from sdr_lab.tune.labels import CallLabels, Label

By = Annotated[str, typer.Option("--by", help="Who labels; default: your login name.")]
Kind = Annotated[
    str,
    typer.Option(
        "--type",
        help="interruption, backchannel, nonverbal, noise, side_speech or echo.",
    ),
]


def register(app: typer.Typer) -> None:
    app.command("import")(import_)
    app.command()(export)
    app.command()(label)


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Recordings with two channels; or two mono files of one call, caller first.",
        ),
    ],
    into: Annotated[Path, typer.Option(metavar="DIR", help="Folder of call folders.")],
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Audacity label track or labels.json; default: the .txt beside the recording.",
        ),
    ] = None,
    caller_channel: Annotated[
        Literal["auto", "left", "right"],
        typer.Option(help="Whose is whose; auto: left, unless sound or labels speak against it."),
    ] = "auto",
    swap: Annotated[bool, typer.Option("--swap", help="Short for --caller-channel right.")] = False,
    kind: Annotated[
        str, typer.Option("--type", help="What labels are that do not say; their text is a note.")
    ] = "",
    by: By = "",
    name: Annotated[
        str, typer.Option("--id", help="Name of the call; default: the file's name.")
    ] = "",
) -> None:
    """Make call folders of recordings: WAV, FLAC, Twilio dual-channel, two .ulaw files.

    Any rate and coding is converted to 8 kHz µ-law. Label texts begin with a type, such as
    `interruption: he asks the price`; `agent` marks when the agent speaks.
    """
    from sdr_lab.tune.importing import import_call, sources_of
    from sdr_lab.tune.labels import check_kind

    if swap and caller_channel == "left":
        raise BadInput("--swap and --caller-channel left contradict each other; give one")
    if kind:
        check_kind(kind, "--type")
    side = "right" if swap else caller_channel
    sources = sources_of(files, labels, side, by or login_name())
    if name and len(sources) > 1:
        raise BadInput(f"--id {name}: one name for {len(sources)} calls; import them one by one")
    for source in sources:
        done = import_call(replace(source, kind=kind), into, name)
        for note in done.notes:
            warn(note)
        typer.echo(f"{done.folder}: {done.duration_ms / 1000:.1f} s, {count(done.labels, 'label')}")


def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder.")],
    to: Annotated[
        Literal["corpus", "folders", "audacity", "wav"],
        typer.Option(
            help="corpus: truth.json and calls/*.wav; folders: call folders; audacity: label "
            "tracks beside WAV; wav: two mono files a call."
        ),
    ] = "corpus",
    swap: Swap = None,
) -> None:
    """Write labelled calls in another layout."""
    from sdr_lab.tune import exporting

    calls = opened(folder, swap)
    with progress("export", len(calls)) as step:
        exporting.export(calls, out, to, step)
    typer.echo(f"{out}: {count(len(calls), 'call')}")


def label(
    ctx: typer.Context,
    call: Annotated[
        str, typer.Argument(metavar="CALL", help="Call folder, conversation id or call SID.")
    ],
    kind: Kind = "",
    onset: Annotated[float | None, typer.Option(help="Where it begins (s).")] = None,
    offset: Annotated[float | None, typer.Option(help="Where it ends (s).")] = None,
    note: Annotated[str, typer.Option(help="Anything worth knowing.")] = "",
    by: By = "",
    remove: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Remove the label of this number.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """List the labels of a call, add one, or remove one."""
    from sdr_lab.tune.review import labels_of_call, locked

    folder = folder_of(ctx, call)
    is_new = bool(kind) or onset is not None or offset is not None
    if is_new and remove is not None:
        raise BadInput("give a label to add or --remove, not both")
    if is_new:
        if not kind or onset is None or offset is None:
            raise BadInput("a label needs --type, --onset and --offset")
        fresh = _new_label(kind, (onset, offset), by, note)
        with locked(folder):
            known = _added(folder, fresh)
    elif remove is not None:
        with locked(folder):
            known = _removed(folder, remove)
    else:
        known = labels_of_call(folder)
    _print_labels(known, as_json)


def folder_of(ctx: typer.Context, key: str) -> Path:
    """Return a call folder from its path, or from a conversation id or call SID.

    Raises:
        NotFound: there is none, or it holds no recording.
    """
    from sdr_lab.tune.corpus import AUDIO, TRUTH

    path = Path(key)
    if not path.is_dir():
        with workspace(ctx) as lab:
            path = lab.calls.get(key).folder or path
    if (path / TRUTH).is_file():
        raise BadInput(
            f"{path}: a corpus with {TRUTH}, whose calls can't be labelled one by one; "
            f"`sdr-lab interrupts export {path} --to folders --out DIR` makes call folders of it"
        )
    if not (path / AUDIO).is_file():
        raise NotFound(f"{path}: no {AUDIO} in it; give the folder of a recorded call")
    return path


def login_name() -> str:
    """Return the name of the user, from the system's list of users; empty when it has none."""
    import os

    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return ""


def _new_label(kind: str, times_s: tuple[float, float], by: str, note: str) -> Label:
    from sdr_lab.tune.labels import LONGEST_MS, Label, check_kind, ms_of

    for name, value in zip(("--onset", "--offset"), times_s, strict=True):
        if not abs(value) <= LONGEST_MS / 1000:  # NaN compares false
            raise BadInput(f"{name}: got {value:g}, allowed: seconds from the beginning")
    onset_ms, offset_ms = map(ms_of, times_s)
    return Label(check_kind(kind, "--type"), onset_ms, offset_ms, by or login_name(), note.strip())


def _added(folder: Path, fresh: Label) -> CallLabels:
    from sdr_lab.tune.corpus import AUDIO
    from sdr_lab.tune.labels import LABELS, check_labels, write_labels
    from sdr_lab.tune.review import labels_of_call
    from sdr_lab.tune.two_channels import read_length

    known = labels_of_call(folder)
    labels = sorted((*known.labels, fresh), key=lambda x: (x.onset_ms, x.offset_ms))
    check_labels(labels, read_length(folder / AUDIO), str(folder))
    known = replace(known, labels=tuple(labels))
    write_labels(folder / LABELS, known)
    return known


def _removed(folder: Path, number: int) -> CallLabels:
    from sdr_lab.tune.labels import LABELS, write_labels
    from sdr_lab.tune.review import labels_of_call

    path = folder / LABELS
    known = labels_of_call(folder)
    if number > len(known.labels):
        raise NotFound(f"{path}: no label {number}; it has {len(known.labels)}")
    labels = [x for i, x in enumerate(known.labels, start=1) if i != number]
    known = replace(known, labels=tuple(labels))
    write_labels(path, known)
    return known


def _print_labels(known: CallLabels, as_json: bool) -> None:
    from sdr_lab.tune.labels import label_row, s_of

    if as_json:
        print_json([label_row(x) for x in known.labels])
        return
    rows = [
        (str(i), f"{s_of(x.onset_ms):.3f}", f"{s_of(x.offset_ms):.3f}", x.kind, x.by, x.note)
        for i, x in enumerate(known.labels, start=1)
    ]
    print_table(("", "onset (s)", "offset (s)", "type", "by", "note"), rows)
    if not rows:
        typer.echo("No labels yet: --type T --onset S --offset S", err=True)
