"""The walls of the house: who may import whom, where each library lives, how long things may be, what a commit may not say.

Every guard is a function over text or names, run twice: over the repository, and over a fault seeded for it.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

BELOW = {
    "supervision": "",
    "migrations": "supervision tenants",
    "tenants": "supervision",
    "authz": "supervision",
    "media": "supervision",
    "schema": "supervision tenants authz",
    "gateway": "supervision tenants authz schema media",
}
"""Room → the rooms downstairs that it may import."""

LIVES_IN = {
    **dict.fromkeys(("msgspec", "chinese_calendar"), "supervision"),
    **dict.fromkeys(("casbin", "jwt"), "authz"),
    **dict.fromkeys(("sqlalchemy", "sqlite3"), "tenants migrations"),
    **dict.fromkeys(("aiortc", "aioice", "av", "pylibsrtp"), "media"),
    **dict.fromkeys(("strawberry", "graphql"), "schema"),
    **dict.fromkeys(("starlette", "uvicorn", "typer", "rich", "prometheus_client", "defusedxml", "httpx"), "gateway"),
    **dict.fromkeys(("orjson", "cryptography"), " ".join(BELOW)),
    "asyncpg": "tenants",
    "alembic": "migrations tenants",
}
"""Library → its one room; sqlite3 is the one library of Python's own that is held to a room."""

OURS = ("mingjing", "tests", "bench", "acceptance")


def imported(source: str) -> Iterator[str]:
    """The top-level names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else (node.module or "").partition(".")[0]


def climbing(room: str, source: str) -> set[str]:
    """Imports of rooms that are not downstairs, or by a relative path."""
    names = set(imported(source)) - {room}
    return {name for name in names if name == "." or name in OURS or (name in BELOW and name not in BELOW[room].split())}


def strayed(room: str, source: str) -> set[str]:
    """Imports of libraries that do not live in this room, or in none."""
    libraries = {n for n in imported(source) if n in LIVES_IN or not (n in sys.stdlib_module_names or n in BELOW or n == ".")}
    return {name for name in libraries if room not in LIVES_IN.get(name, "").split()}


def too_long(source: str) -> list[str]:
    """A file over 400 lines, a function over 50."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f"{node.name}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    lengths_over = [f"{name}: {length} lines" for name, length in lengths.items() if length > 50]
    lines = len(source.splitlines())
    return lengths_over + ([f"{lines} lines"] if lines > 400 else [])


def unexplained(name: str, source: str) -> bool:
    """A module without a docstring; an `__init__.py` that is not empty."""
    return bool(source) if name == "__init__.py" else not ast.get_docstring(ast.parse(source))


def shadowing(providers: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Installed distributions that bring a top-level name of ours, or the abandoned `casbin` beside `pycasbin`."""
    rooms = {name: made for name, made in providers.items() if name in BELOW and set(made) - {"mingjing"}}
    old = {name: made for name, made in providers.items() if name == "casbin" and set(made) - {"pycasbin"}}
    return rooms | old


OLDEST = {"pycasbin": "2.8", "simpleeval": "1.0.8"}
"""What Casbin's policy is judged with → the oldest release without the holes that are known of it."""


def unsafe(installed: Mapping[str, str]) -> list[str]:
    """Of the distributions that are installed (name → version): the old `casbin`, and what is older than it may be, or absent."""
    versions = {re.sub(r"[-_.]+", "-", name).lower(): Version(version) for name, version in installed.items()}
    old = [name for name, oldest in OLDEST.items() if name not in versions or versions[name] < Version(oldest)]
    return old + ["casbin"] * ("casbin" in versions)


LIVE = re.compile(
    r"(load|clear|save|set)_(\w+_)?(policy|model|watcher|adapter|effector)|(start|stop)_auto_load_policy|reload(_policy)?|"
    r"(add|remove|update|delete)_(filtered_)?(named_)?(grouping_)?(policy|policies)(_ex)?|build_(incremental_)?role_links|"
    r"(add|delete)_(roles?|permissions?)_for_user(_in_domain)?|delete_(role|permission|user)"
)
"""What changes an enforcer of Casbin under whoever is asking it: recused people were allowed in 717 of 12,415 checks."""
BUILDS = "tests/authz/reference.py"
"""The one module that fills enforcers: each of its own, before anybody has it."""


def reloading(source: str) -> set[str]:
    """Names that change a live enforcer, as attributes, as functions or as texts for `getattr`."""
    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    names |= {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return set(filter(LIVE.fullmatch, names))


MACHINE = re.compile("|".join(("/" + "work/", "/" + r"root/(?!\.\.)", "/" + r"home/\w+/", "/" + "opt/", "/tmp" + "/mj")))
REGISTRIES = re.compile("|".join((r"pypi\." + "org", "python" + r"hosted\.", "npm" + r"js\.", "npm" + "mirror", "/simp" + "le/")))


def telling(text: str) -> list[str]:
    """Paths of the machine it was written on, and hosts of package registries."""
    return [found.group() for pattern in (MACHINE, REGISTRIES) for found in pattern.finditer(text)]


def unlisted(folders: set[str], project: Mapping[str, Mapping[str, Mapping[str, list[str]]]]) -> set[str]:
    """Packages that stand in the tree or in pyproject.toml, but not in both."""
    return folders ^ set(project["tool"]["setuptools"]["packages"])


def unlocked(project: Mapping[str, Mapping[str, list[str]]], lock: str) -> set[str]:
    """Dependencies of pyproject.toml that the lock does not hold."""
    wanted = {re.split(r"[^\w.-]", line)[0].lower() for line in project["project"]["dependencies"]}
    return wanted - set(re.findall(r"^([\w.-]+)==\S+(?: ; .*)? \\\n    --hash=sha256:", lock, re.MULTILINE))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


FILES = tracked()
MODULES = [path for path in FILES if path.suffix == ".py"]
INSIDE = [path for path in MODULES if path.relative_to(ROOT).parts[0] in BELOW]


@pytest.mark.parametrize("path", INSIDE, ids=named)
def test_imports_go_downstairs_and_libraries_stay_in_their_rooms(path: Path) -> None:
    room, source = path.relative_to(ROOT).parts[0], path.read_text()
    assert climbing(room, source) == set()
    assert strayed(room, source) == set()


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    source = path.read_text()
    assert too_long(source) == []
    assert not unexplained(path.name, source)


def test_nothing_installed_takes_the_name_of_a_room() -> None:
    assert shadowing(packages_distributions()) == {}


def test_what_is_installed_to_judge_the_policy_is_safe() -> None:
    """The old `casbin` installs into the folder of `pycasbin` and overwrites it in silence."""
    assert unsafe({found.metadata["Name"]: found.version for found in distributions()}) == []


@pytest.mark.parametrize("path", [path for path in MODULES if named(path) != BUILDS], ids=named)
def test_no_live_enforcer_is_reloaded(path: Path) -> None:
    assert reloading(path.read_text()) == set()


def test_no_file_names_this_machine_or_a_registry() -> None:
    told = {named(path): telling(path.read_bytes().decode(errors="replace")) for path in FILES}
    assert {name: found for name, found in told.items() if found} == {}


def test_the_package_list_and_its_data_are_complete() -> None:
    assert (
        unlisted({".".join(path.relative_to(ROOT).parts[:-1]) for path in INSIDE if path.name == "__init__.py"}, PROJECT) == set()
    )
    patterns = [*PROJECT["tool"]["setuptools"]["package-data"]["*"], "*.py"]
    data = [path for path in FILES if path.relative_to(ROOT).parts[0] in BELOW]
    assert [named(path) for path in data if not any(fnmatch(path.name, pattern) for pattern in patterns)] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_hold_every_dependency_by_hash(lock: str) -> None:
    assert unlocked(PROJECT, (ROOT / lock).read_text()) == set()


SEEDED = {
    "upstairs": climbing("tenants", "from schema.root import schema"),
    "next door": climbing("authz", "def f():\n    import tenants.tables"),
    "relative": climbing("schema", "from . import root"),
    "a test": climbing("gateway", "import tests.conftest"),
    "library": strayed("schema", "import sqlalchemy.orm"),
    "unknown library": strayed("gateway", "import requests"),
    "standard library": strayed("gateway", "import sqlite3"),
    "long function": too_long("def f():\n" + "    pass\n" * 50),
    "long file": too_long("pass\n" * 401),
    "no docstring": unexplained("app.py", "import os"),
    "init": unexplained("__init__.py", "from authz.policy import *"),
    "shadow": shadowing({"schema": ["schema"]}),
    "old casbin": shadowing({"casbin": ["casbin", "pycasbin"]}),
    "casbin beside": unsafe(OLDEST | {"Casbin": "1.43.0"}),
    "simpleeval of old": unsafe(OLDEST | {"simpleeval": "1.0.7"}),
    "simpleeval before its release": unsafe(OLDEST | {"simpleeval": "1.0.8rc1"}),
    "no simpleeval": unsafe({"pycasbin": "2.8.0"}),
    "pycasbin of old": unsafe(OLDEST | {"pycasbin": "1.36.3"}),
    "loaded again": reloading("def f(enforcer):\n    enforcer.load_policy()"),
    "loaded in part": reloading("async def f(enforcer):\n    await enforcer.load_filtered_policy(x)"),
    "loaded by itself": reloading("synced.start_auto_load_policy(5)"),
    "emptied": reloading("enforcer.clear_policy()"),
    "added to": reloading("again = enforcer.add_named_grouping_policies_ex"),
    "taken from": reloading("getattr(enforcer, 'remove_filtered_policy')(0, 'liu')"),
    "changed": reloading("enforcer.update_policy(a, b)"),
    "a role added": reloading("enforcer.add_role_for_user('liu', 'supervisor')"),
    "reloaded": reloading("policy.reload()"),
    "path": telling("see /" + "work/main/app.py"),
    "host": telling("https://pypi." + "org/project"),
    "package": unlisted({"gateway", "gateway.new"}, {"tool": {"setuptools": {"packages": ["gateway"]}}}),
    "lock": unlocked({"project": {"dependencies": ["rich>=1"]}}, "rich==15.0.0\n"),
}


@pytest.mark.parametrize("fault", SEEDED)
def test_every_guard_catches_the_fault_it_is_for(fault: str) -> None:
    assert SEEDED[fault]


def test_no_guard_cries_over_what_is_right() -> None:
    right = '"""What it is for."""\nimport os\nfrom tenants.tables import cases\nimport strawberry\nimport orjson\n'
    assert (climbing("schema", right), strayed("schema", right), too_long(right)) == (set(), set(), [])
    assert not unexplained("root.py", right)
    assert shadowing({"schema": ["mingjing"], "casbin": ["pycasbin"]}) == {}
    assert unsafe({"pycasbin": "2.10.0", "SimpleEval": "1.0.10", "casbin-other": "1"}) == []
    assert reloading("enforcer = casbin.Enforcer(model, adapter)\nenforcer.enforce('liu')\nadd_grant(policy_version)") == set()
    assert unlocked({"project": {"dependencies": ["rich>=1"]}}, "rich==15.0.0 \\\n    --hash=sha256:00\n") == set()
