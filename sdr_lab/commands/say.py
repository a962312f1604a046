"""`say`: hear a line as it sounds on the phone."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import wave
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdr_lab.commands.terminal import JSON_HELP, load_settings, print_json
from sdr_lab.errors import BadInput, StorageError, reason_of

if TYPE_CHECKING:
    from sdr_lab.lab import Lab

PLAYERS = (
    ("paplay",),
    ("aplay", "-q"),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)
"""Programs that play a WAV file, the first that is there is used."""

RATE_HZ = 8000


def say(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="What the agent would write.")],
    voice: Annotated[str, typer.Option(help="A voice of the engine; default: its own.")] = "",
    tts: Annotated[str | None, typer.Option(help="Text to speech.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The WAV file; default: say.wav in the workspace.")
    ] = None,
    play: Annotated[
        bool | None, typer.Option("--play/--no-play", help="Default: on a terminal.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Speak a line as a caller would hear it: made speakable, through µ-law at 8 kHz.

    Writes a WAV file and plays it when the machine has a player.
    """
    from sdr_lab.lab import Lab
    from sdr_lab.tts.speakable import clean_markdown_for_tts, speakable

    lab = Lab(load_settings(ctx, tts_provider=tts))
    spoken = speakable(clean_markdown_for_tts(text))
    if not any(character.isalnum() for character in spoken):
        raise BadInput(f"got {text!r}: there are no words in it")
    name, mulaw = asyncio.run(_spoken(lab, spoken, voice))
    target = out or lab.home / "say.wav"
    _write(target, mulaw)
    seconds = len(mulaw) / RATE_HZ
    if as_json:
        print_json({"text": spoken, "tts": name, "seconds": seconds, "file": target})
    else:
        typer.echo(f"{spoken}\n{seconds:.1f} s by {name}: {target}")
    if sys.stdout.isatty() if play is None else play:
        _play(target)


async def _spoken(lab: Lab, spoken: str, voice: str) -> tuple[str, bytes]:
    """Return the engine's name and the line as µ-law."""
    from sdr_lab.audio.resample import to_mulaw
    from sdr_lab.providers import TTS, choose, make
    from sdr_lab.records import Agent

    nobody = Agent("say", "say", 1, "", "", llm_provider="playbook")
    name = choose(lab.settings.changed("say", llm_provider="playbook"), nobody).tts
    engine = make(TTS, name, lab.settings, nobody)
    return name, b"".join([to_mulaw(sound) async for sound in engine.speak(spoken, voice)])


def _write(target: Path, mulaw: bytes) -> None:
    """Write what µ-law leaves of the sound as 16-bit PCM, which every player takes."""
    from sdr_lab.audio.codec import mulaw_to_pcm

    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as whole, wave.open(whole, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(mulaw_to_pcm(mulaw).astype("<i2").tobytes())
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(f"can't write {target}: {reason_of(error)}") from error


def _play(path: Path) -> None:
    for program, *options in PLAYERS:
        if shutil.which(program):
            subprocess.run([program, *options, str(path)], check=False)
            return
    typer.echo("no player found (paplay, aplay, afplay, ffplay)", err=True)
