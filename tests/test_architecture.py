"""The rules of the house, checked on the source: who may import whom, and what no file may do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sdr_lab"

LAYERS: list[set[str]] = [
    {"event", "events", "thresholds", "records", "errors", "own_class", "config"}
    | {"phase_overrides", "setting_types", "settings_table"},
    {"audio"},
    {"turns"},
    {"stt", "llm", "tts", "knowledge", "agents", "store"},
    {"call"},
    {"providers"},
    {"simulate", "trace", "telephony"},
    {"replay"},
    {"tune"},
    {"evaluate"},
    {"workspace", "shelf"},
    {"lab", "doctor", "logs"},
    {"live"},
    {"api", "ui"},
    {"commands"},
    {"cli"},
]
"""Bottom first. A module may import from lower layers and from itself, never from siblings."""

FOUNDATION = LAYERS[0]
"""The one layer whose members may import each other (config reads records and errors)."""

HEAVY = {
    "torch",
    "llama_index",
    "sentence_transformers",
    "transformers",
    "faster_whisper",
    "piper",
    "xllamacpp",
    "matplotlib",
    "sqlalchemy",
    "alembic",
    "duckdb",
    "onnxruntime",
}
"""Libraries that cost more than 50 ms to import: only inside the function that needs them."""

LATE = ("store", "knowledge.retriever", "knowledge.duckdb_store")
"""Parts that are about a heavy library and import it at once (subclasses need it at import).
Everybody else must import them late, too: the rule below follows imports through the package."""

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv"}


@dataclass(frozen=True)
class Module:
    path: Path
    root: Path

    @property
    def place(self) -> str:
        return str(self.path.relative_to(self.root.parent))

    @property
    def part(self) -> str:
        """The folder or file right under the package."""
        return self.path.relative_to(self.root).parts[0].removesuffix(".py")

    @property
    def name(self) -> str:
        """Dotted, within the package: `tts.piper`, `tts` for its `__init__.py`."""
        parts = self.path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), filename=self.place)


@dataclass(frozen=True)
class Import:
    name: str
    line: int
    when: str
    """`import` (runs when the module is imported), `call` (inside a function), `typing`."""


def modules(root: Path = PACKAGE) -> list[Module]:
    return [Module(path, root) for path in sorted(root.rglob("*.py"))]


@cache
def imports(module: Module) -> list[Import]:
    package = [module.root.name, *module.path.relative_to(module.root).parts[:-1]]
    return list(_imports(module.tree(), package, "import"))


def _imports(node: ast.AST, package: list[str], when: str) -> Iterator[Import]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        when = "call"
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.body:
            yield from _imports(child, package, "typing")
        for child in node.orelse:
            yield from _imports(child, package, when)
        return
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, node.lineno, when) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        source = ".".join([*base, *([node.module] if node.module else [])])
        yield from (Import(f"{source}.{alias.name}", node.lineno, when) for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, package, when)


def layer_of(part: str) -> int:
    return next((i for i, layer in enumerate(LAYERS) if part in layer), -1)


def wrong_layers(root: Path = PACKAGE) -> list[str]:
    offenders = []
    for module in modules(root):
        if module.part == "__init__":
            continue
        mine = layer_of(module.part)
        if mine < 0:
            offenders.append(f"{module.place}: {module.part} has no place in LAYERS")
        for found in imports(module):
            names = found.name.split(".")
            if names[0] != root.name or len(names) < 2 or names[1] == module.part:
                continue
            theirs = layer_of(names[1])
            foundation = {module.part, names[1]} <= FOUNDATION
            if theirs >= mine and not foundation:
                kind = "its sibling" if theirs == mine else "what lies above it"
                offenders.append(f"{module.place}:{found.line} imports {kind}: {found.name}")
    return offenders


def is_late(name: str) -> bool:
    return any(name == late or name.startswith(f"{late}.") for late in LATE)


def early_heavy_imports(root: Path = PACKAGE) -> list[str]:
    """Name modules that load a heavy library when they are imported, directly or by others."""
    known = {module.name: module for module in modules(root)}
    offenders = []
    for module in modules(root):
        if not is_late(module.name):
            chain = _heavy_chain(module, known, set())
            if chain:
                offenders.append(f"{module.place}:{chain}")
    return offenders


def _heavy_chain(module: Module, known: dict[str, Module], seen: set[str]) -> str:
    """Return how a module comes to a heavy library, empty when it does not."""
    seen.add(module.name)
    for found in imports(module):
        if found.when != "import":
            continue
        if found.name.split(".")[0] in HEAVY:
            return f"{found.line} imports {found.name} at import time"
        inner = found.name.removeprefix(f"{module.root.name}.")
        target = known.get(inner) or known.get(inner.rpartition(".")[0])
        if target is not None and target.name not in seen:
            chain = _heavy_chain(target, known, seen)
            if chain:
                return f"{found.line} imports {target.place}:{chain}"
    return ""


def gpl_imports(root: Path = PACKAGE) -> list[str]:
    home = Path("tts") / "piper.py"
    return [
        f"{module.place}:{found.line} imports piper (GPL-3.0) outside tts/piper.py"
        for module in modules(root)
        for found in imports(module)
        if found.name.split(".")[0] == "piper" and module.path.relative_to(root) != home
    ]


def environment_readers(root: Path = PACKAGE) -> list[str]:
    offenders = []
    for module in modules(root):
        if module.part == "config":
            continue
        for node in ast.walk(module.tree()):
            if isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT:
                offenders.append(f"{module.place}:{node.lineno} uses {ast.unparse(node)}")
        offenders += [
            f"{module.place}:{found.line} imports {found.name}"
            for found in imports(module)
            if found.name in {f"os.{name}" for name in ENVIRONMENT}
        ]
    return offenders


def bare_tasks(root: Path = PACKAGE) -> list[str]:
    offenders = []
    for module in modules(root):
        for node in ast.walk(module.tree()):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            owner, _, method = name.rpartition(".")
            bare = method == "ensure_future" or (
                method == "create_task" and (owner in ("", "asyncio") or "loop" in owner)
            )
            if bare:
                offenders.append(f"{module.place}:{node.lineno} calls {name}; use a TaskGroup")
    return offenders


def long_files(root: Path = PACKAGE) -> list[str]:
    counts = {m.place: len(m.path.read_text("utf-8").splitlines()) for m in modules(root)}
    return [f"{place}: {n} lines" for place, n in counts.items() if n > MAX_FILE_LINES]


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def long_functions(root: Path = PACKAGE) -> list[str]:
    return [
        f"{module.place}:{node.lineno} {node.name}: {_length(node)} lines"
        for module in modules(root)
        for node in ast.walk(module.tree())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _length(node) > MAX_FUNCTION_LINES
        and "versions" not in module.path.parts  # migrations: one list of tables, by alembic
    ]


RULES = {
    "imports point down": wrong_layers,
    "heavy libraries are imported where they are needed": early_heavy_imports,
    "piper is imported in tts/piper.py only": gpl_imports,
    "only config.py reads the environment": environment_readers,
    "tasks belong to a task group": bare_tasks,
    "files are short": long_files,
    "functions are short": long_functions,
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_package_keeps(rule):
    offenders = rule()

    assert not offenders, "\n" + "\n".join(offenders)


def test_evaluation_scripts_are_short():
    assert not long_files(ROOT / "eval")


BAD = {
    "audio/up.py": ("from sdr_lab.turns import floor", wrong_layers, "what lies above it"),
    "stt/side.py": ("import sdr_lab.llm.ollama", wrong_layers, "its sibling"),
    "stt/hint.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sdr_lab.call import line",
        wrong_layers,
        "what lies above it",
    ),
    "stt/late.py": ("def f():\n    from ..tts import piper", wrong_layers, "its sibling"),
    "muddle.py": ("x = 1", wrong_layers, "no place"),
    "llm/early.py": ("from torch import nn", early_heavy_imports, "torch.nn"),
    "trace/sql.py": ("import sqlalchemy.orm", early_heavy_imports, "sqlalchemy"),
    "trace/by.py": ("from sdr_lab.store.rows import X", early_heavy_imports, "store/rows.py:1"),
    "tts/other.py": ("def f():\n    import piper.voice", gpl_imports, "GPL"),
    "call/env.py": ("import os\nx = os.environ['HOME']", environment_readers, "os.environ"),
    "call/get.py": ("from os import getenv", environment_readers, "os.getenv"),
    "call/task.py": ("import asyncio\nasyncio.create_task(f())", bare_tasks, "TaskGroup"),
    "call/loop.py": ("loop.create_task(f())", bare_tasks, "loop.create_task"),
    "call/long.py": ("x = 1\n" * 401, long_files, "401 lines"),
    "call/deep.py": ("def f():\n" + "    x = 1\n" * 60, long_functions, "f: 61 lines"),
}
GOOD = {
    "call/a.py": "from sdr_lab.audio import codec\nfrom sdr_lab.call.b import x",
    "call/b.py": "async def f():\n    async with TaskGroup() as g:\n        g.create_task(x())",
    "store/c.py": "import sqlalchemy",
    "store/folder.py": "x = 1",
    "trace/late.py": "from sdr_lab.store.folder import x\ndef f():\n    import sdr_lab.store.c",
    "tts/piper.py": "def f():\n    import piper",
    "config.py": "import os\nfrom sdr_lab.records import Agent\nx = os.environ",
    "commands/d.py": "from sdr_lab import __version__",
}


@pytest.mark.parametrize("name", BAD)
def test_each_rule_names_its_offender(tmp_path: Path, name: str):
    source, rule, message = BAD[name]
    root = tmp_path / "sdr_lab"
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(source)
    (root / "store").mkdir(exist_ok=True)
    (root / "store" / "rows.py").write_text("from sqlalchemy import X")

    offenders = rule(root)

    assert len(offenders) == 1
    assert offenders[0].startswith(f"sdr_lab/{name}")
    assert message in offenders[0]


def test_what_is_allowed_is_not_named(tmp_path: Path):
    root = tmp_path / "sdr_lab"
    for name, source in GOOD.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(source)

    assert [offender for rule in RULES.values() for offender in rule(root)] == []
