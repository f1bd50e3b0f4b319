"""Which private names of aiortc, aioice and pylibsrtp a source relies on, found in its syntax. `test_canary.py` must name each.

A name is theirs where their own source has it, and ours uses it on an object that is not ours: on anything but `self`, in a
class built on one of theirs, or as a text handed to a call (`getattr`, a patch). Also what Python makes of `__name` in a class.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import getsourcefile
from pathlib import Path
from typing import Any

LIBRARIES = ("aiortc", "aioice", "pylibsrtp")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name.strip("_") != ""


@cache
def theirs() -> dict[str, frozenset[Path]]:
    """Private names of the libraries, and the files that have them. `_Class__name` where a class hides a name so."""
    found: dict[str, set[Path]] = {}
    for library in LIBRARIES:
        spec = find_spec(library)
        assert spec is not None
        for file in Path(str(spec.origin)).parent.rglob("*.py"):
            for name in _names(ast.parse(file.read_text())):
                found.setdefault(name, set()).add(file)
    return {name: frozenset(files) for name, files in found.items()}


def _names(tree: ast.AST, owner: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        inside = node.name.lstrip("_") if isinstance(node, ast.ClassDef) else owner
        name = _named(node)
        if name.startswith("__") and not name.endswith("__") and inside:
            yield f"_{inside}{name}"
        elif is_private(name):
            yield name
        yield from _names(node, inside)


def _named(node: ast.AST) -> str:
    """The name that a piece of syntax defines or asks for."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    return node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else ""


def relied_on(source: str, module: str = "") -> set[str]:
    """`module`: the source's own name, by which its classes are looked at where they are built on others of ours."""
    return set(_relied_on(ast.parse(source), frozenset(), module))


def _relied_on(tree: ast.AST, base_files: frozenset[Path], module: str) -> Iterator[str]:
    """`base_files`: of the library classes that the class around is built on."""
    for node in ast.iter_child_nodes(tree):
        inside = _bases(node, module) if isinstance(node, ast.ClassDef) else base_files
        name = _named(node)
        own = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_self(node)
        if name in theirs() and (theirs()[name] & base_files if own else isinstance(node, ast.Attribute)):
            yield name
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in LIBRARIES:
            yield from (alias.name for alias in node.names if is_private(alias.name))
        if isinstance(node, ast.Call):
            yield from (text for text in _texts(node) if text in theirs())
        yield from _relied_on(node, inside, module)


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _texts(call: ast.Call) -> list[str]:
    return [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _bases(made: ast.ClassDef, module: str) -> frozenset[Path]:
    """The files of those classes of the libraries that this one is built on, directly or by way of ours."""
    files = set()
    for base in made.bases:
        found = _found(ast.unparse(base), module)
        for one in getattr(found, "__mro__", ()):
            if one.__module__.partition(".")[0] in LIBRARIES:
                files.add(Path(str(getsourcefile(one))))
    return frozenset(files)


def _found(name: str, module: str) -> Any:
    """What a name means in a module of ours; nothing where it is no name of it, but one inside a function."""
    if not module:
        return None
    import_module(module)
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
