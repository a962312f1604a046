"""Classes of the user's own, which settings and agents name as `package.module:Class`."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from sdr_lab.errors import BadInput, NotFound

OWN_CLASS = "package.module:Class"


def is_own_class(name: str) -> bool:
    """True when a name means a class of the user's own; no built-in name holds a colon."""
    return ":" in name


def load_class(name: str, what: str) -> Any:
    """Import what `package.module:Class` names; nothing is made of it yet.

    Args:
        name: Module and class with a colon between.
        what: Begins every error: the kind of thing, or the setting that holds the name.

    Raises:
        NotFound: there is no such module, or nothing of that name in it.
        BadInput: the module is there but can't be imported.
    """
    module_name, colon, class_name = name.partition(":")
    if not (module_name and colon and class_name):
        raise NotFound(f"{what} {name!r}: unknown; allowed: {OWN_CLASS}")
    module = _module(module_name, f"{what} {name!r}")
    try:
        return getattr(module, class_name)
    except AttributeError:
        there = ", ".join(_classes_in(module)) or "no class at all"
        raise NotFound(
            f"{what} {name!r}: {module_name} has no {class_name}; it has: {there}"
        ) from None


def _module(name: str, given: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        todo = "put the folder it lies in on PYTHONPATH, or install its package"
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            todo = f"install what {name} needs"
        raise NotFound(f"{given}: can't import {name}: {error}; {todo}") from error
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"{given}: can't import {name}: {told}; correct that module") from error


def _classes_in(module: ModuleType) -> list[str]:
    """Return the classes that are written in a module, without those that it imports."""
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
