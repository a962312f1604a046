"""The documents say what the code does."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sdr_lab.config import Settings
from sdr_lab.events import KINDS, Event
from tests.test_architecture import LAYERS

ROOT = Path(__file__).parents[1]
LLAMA_INDEX_PARTS = ("llama-index-readers-file", "llama-index-vector-stores-duckdb")
"""Explained together with their core."""

DOCS = sorted(p for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text("utf-8")


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generator = load_generator()
COMMANDS = dict(generator.commands())


def code_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of fenced shell blocks; a backslash joins two."""
    inside, begun = False, ""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if line.startswith("```"):
            inside = not inside and line.strip() in ("```sh", "```bash")
        elif inside and line.endswith("\\"):
            begun += line.strip().removesuffix("\\")
        elif inside:
            yield number, begun + line.strip()
            begun = ""


def shown_commands(program: str) -> list[tuple[str, list[str]]]:
    """Return every call of a program that the documents show, with its place."""
    shown = []
    for path in DOCS:
        text = path.read_text("utf-8")
        inline = re.findall(rf"`({program} [^`]+)`", text)
        lines = [*inline, *(line for _, line in code_lines(path))]
        shown += [
            (f"{path.relative_to(ROOT)}: {line}", shlex.split(line, comments=True)[1:])
            for line in lines
            if line.startswith(f"{program} ")
        ]
    return shown


def test_written_pages_are_up_to_date():
    expected = generator.pages()
    expected.pop(ROOT / "docs" / "licences.md")  # depends on what is installed; see below

    stale = [
        str(path.relative_to(ROOT))
        for path, text in expected.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]

    assert not stale, f"run `make docs` and commit: {', '.join(stale)}"


def test_every_setting_stands_in_the_readme_with_its_default():
    for name in Settings.names():
        default = Settings.describe(name).default
        assert f"| `{name}` | {f'`{default}`' if default else '–'} |" in README, name


def test_every_event_and_field_stands_in_events_md():
    page = (ROOT / "docs" / "events.md").read_text("utf-8")
    common = {f.name for f in dataclasses.fields(Event)}
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", page, flags=re.M | re.S))

    assert set(sections) == set(KINDS)
    for name, kind in KINDS.items():
        fields = {f.name for f in dataclasses.fields(kind)} - common
        assert set(re.findall(r"^\| `(\w+)` \|", sections[name], flags=re.M)) == fields, name


def test_every_command_and_option_stands_in_commands_md():
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")

    for name, command in COMMANDS.items():
        assert f"\n## {name}\n" in page
        assert command.help, f"{name} has no help"
        for parameter in command.params:
            assert parameter.name == "help" or getattr(parameter, "help", None), (
                f"{name}: {parameter.name} has no help"
            )


@pytest.mark.parametrize(("place", "words"), shown_commands("sdr-lab"))
def test_commands_that_are_shown_exist(place: str, words: list[str]):
    words = [word for word in words if word != "COMMAND"]
    rest = words[2:] if words[0] == "--set" else words
    if not rest or rest[0].startswith("--"):
        return  # `sdr-lab --help`, or an option of the program itself
    three, two, one = (f"sdr-lab {' '.join(rest[:n])}" for n in (3, 2, 1))
    name = next((known for known in (three, two) if known in COMMANDS), one)
    is_group = rest[1:] in ([], ["…"]) and any(c.startswith(f"{one} ") for c in COMMANDS)
    assert is_group or name in COMMANDS, place
    if not is_group:
        known = {option for p in COMMANDS[name].params for option in p.opts} | {"--help"}
        used = {word.split("=")[0] for word in rest if word.startswith("--")}
        assert used <= known, f"{place}: unknown {used - known}"


@pytest.mark.parametrize(("place", "words"), shown_commands("make"))
def test_make_targets_that_are_shown_exist(place: str, words: list[str]):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.M))

    assert words[0] in targets, place


def test_every_make_target_is_phony_and_those_for_users_are_in_the_readme():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.M))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.M)

    assert phony is not None
    assert targets == set(phony[1].split())
    assert {"make demo", "make test", "make check", "make help"} <= set(
        re.findall(r"make \w+", README)
    )


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path):
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.S)
    broken = [
        target
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text)
        if "://" not in target and not (path.parent / target).exists()
    ]

    assert not broken


def test_every_pinned_package_has_a_licence():
    page = (ROOT / "docs" / "licences.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| ([\w.-]+) \| ([^|]+) \|", page, flags=re.M))

    missing = [name for name in generator.pinned() if rows.get(name, "?").strip() == "?"]
    assert not missing, f"run `make docs`; without a licence in docs/licences.md: {missing}"


def test_every_dependency_is_pinned_and_explained():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    names = {re.split(r"[\[<>=]", requirement)[0] for requirement in wanted}
    pins = {name.lower().replace("_", "-") for name in generator.pinned()}
    reasons = (ROOT / "docs" / "decisions" / "0008-dependencies.md").read_text("utf-8").lower()

    for name in names:
        plain = name.lower().replace("_", "-")
        assert plain in pins, f"{name} is not pinned in constraints.txt"
        told = "llama-index-core" if plain in LLAMA_INDEX_PARTS else plain
        assert told in reasons, f"{name} is not in decision 0008"


def test_contributing_shows_the_layers_of_the_architecture_test():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    shown = re.search(r"^```\ncli\n.*?^```", text, flags=re.M | re.S)

    assert shown is not None
    rows = [set(line.split()) for line in shown[0].splitlines()[1:-1]]
    assert rows[::-1] == LAYERS


def test_the_build_names_no_address():
    address = re.compile(r"https?://|\bindex-url\s*=", flags=re.I)
    files = [ROOT / "Makefile", ROOT / "constraints.txt", ROOT / "pyproject.toml"]

    assert [p.name for p in files if address.search(p.read_text("utf-8"))] == []
