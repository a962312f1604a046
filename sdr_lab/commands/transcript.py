"""A call's transcript on the screen, as it happens."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING

from sdr_lab.events import (
    AgentStopped,
    Event,
    Interrupted,
    PassagesFound,
    ProviderFailed,
    ToolFinished,
    ToolProposed,
    TurnDropped,
    TurnOver,
    Withdrawn,
)

if TYPE_CHECKING:
    from rich.console import Console

    from sdr_lab.records import CallConfig


WIDEST = 100
"""Characters of a tool's answer that are shown."""


class LiveTranscript:
    """Prints what is heard when it is over; what a barge-in cut off is struck out."""

    def __init__(self, screen: Console, quiet: bool) -> None:
        self._screen = screen
        self._quiet = quiet

    def note(self, text: str) -> None:
        """Say something about the call."""
        self._print(0, "", text, "dim")

    def begin(self, config: CallConfig, condition: str) -> None:
        """Say who calls whom, over what."""
        agent = config.agent
        article = "an" if condition[:1] in "aeiou" else "a"
        self._print(
            0,
            "",
            f"{agent.name} (version {agent.version}) answers on {article} {condition} line: "
            f"{config.stt} → {config.llm} → {config.tts}",
            "bold",
        )

    def hear(self, event: Event) -> None:
        """Take an event of the call."""
        match event:
            case TurnOver():
                self._print(event.at_ms, "Caller", event.text, "cyan")
            case AgentStopped() if event.text:
                self._print(event.at_ms, "Agent", event.text)
            case Interrupted():
                from sdr_lab.call.heard import unheard

                rest = unheard(event.planned, event.heard)
                self._print(event.at_ms, "Agent", event.heard, cut_off=rest)
            case Withdrawn():
                self._print(event.at_ms, "", "the caller goes on: answer withdrawn", "dim")
            case TurnDropped() if event.text:
                self._print(event.at_ms, "", f"{event.why}: {event.text}", "dim")
            case PassagesFound() if event.passages:
                best = event.passages[0]
                self._print(event.at_ms, "", f"found {best['source']}", "dim")
            case ToolProposed():
                self._print(event.at_ms, "", f"asks before {event.name}", "magenta")
            case ToolFinished():
                what = "ran" if event.ok else "refused"
                content = shorten(event.content, WIDEST, placeholder="…")
                self._print(event.at_ms, "", f"{event.name} {what}: {content}", "magenta")
            case ProviderFailed():
                self._print(event.at_ms, "", f"{event.stage} failed: {event.error}", "red")
            case _:
                return

    def _print(self, at_ms: int, who: str, text: str, style: str = "", cut_off: str = "") -> None:
        if self._quiet:
            return
        from rich.text import Text

        clock = f"{at_ms // 60_000:02d}:{at_ms % 60_000 / 1000:04.1f} " if at_ms else ""
        line = Text(clock, "dim") + Text(f"{who:>6} ", "bold") + Text(text, style)
        if cut_off:
            on_paper = f" [cut off: {cut_off}]"
            line += (
                Text(f" {cut_off}", "strike dim") if self._screen.is_terminal else Text(on_paper)
            )
        self._screen.print(line)
