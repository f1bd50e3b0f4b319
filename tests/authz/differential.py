"""The same questions to four judges: the oracle, Casbin, the compiled scope, the explanation. And faults to seed into them.

A fault is put in place of a function for the length of a `with`; `agreed` must then fail. Nothing else here is put in the place of
anything: without a fault the four judges are the real ones.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

from authz import compile as compiling
from authz.compile import compile_scope, explain
from supervision import pattern as patterns
from supervision.grant import Grant
from supervision.scope import Part, Places, Scope
from tenants.read.engine import Engine
from tenants.read.request import Asking, Grouped, Groups
from tests.authz.listing import PLACES as LISTED
from tests.authz.listing import Lists
from tests.authz.oracle import Extent, Held, Place, allowed
from tests.authz.policies import grant, path_text, policy, question
from tests.authz.reference import enforcer


def agreed(seeds: Iterable[int], questions: int) -> Counter[bool]:
    """How many were allowed and how many not. Raises AssertionError where two disagree, with the seed."""
    seen: Counter[bool] = Counter()
    for seed in seeds:
        r = Random(seed)
        rows = policy(r)
        grants = [grant(row, n) for n, row in enumerate(rows, 1)]
        casbin = enforcer(grants)
        for _ in range(questions):
            subject, action, place, now = question(r, rows)
            want, path = allowed(rows, subject, action, place, now), path_text(place)
            answers = {
                "casbin": casbin.enforce(subject, action, path, str(now)),
                "scope": compile_scope(subject, grants, 1, now).can(action, path),
                "explain": explain(grants, subject, action, path, now).allowed,
            }
            assert set(answers.values()) == {want}, (seed, subject, action, path, now, want, answers)
            seen[want] += 1
    return seen


async def listed(lists: Lists, seeds: Iterable[int]) -> Counter[str]:
    """Lists and counts by SQL against the oracle, case by case. Raises AssertionError where they disagree, with the seed."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        r = Random(seed)
        rows = policy(r)
        grants = [grant(row, n) for n, row in enumerate(rows, 1)]
        subject, action, _, now = question(r, rows)
        scope = compile_scope(subject, grants, 1, now)
        want = {
            place
            for place in LISTED
            if allowed(rows, subject, action, place, now) and not perhaps_recused(rows, subject, action, place, now)
        }
        assert await lists.shown(scope, action) == want, (seed, subject, action, now)
        assert await lists.counted(scope, action) == len(want), (seed, subject, action, now)
        assert all(scope.can(action, path_text(place)) for place in want)
        seen["cases"] += len(want)
        seen["decisions"] += len(LISTED)
        seen["shown" if want else "empty"] += 1
    return seen


async def every(lists: Lists, seeds: Sequence[int]) -> None:
    """All the judges, of single questions and of lists."""
    agreed(seeds, questions=20)
    await listed(lists, seeds[: len(seeds) // 2])


def perhaps_recused(rows: list[Held], subject: str, action: str, place: Place, now: int) -> bool:
    """A case that has no department yet may be of one from which somebody is recused: it is not listed."""
    denials = [replace(row, allow=True) for row in rows if not row.allow and row.extent in (Extent.DEPARTMENT, Extent.LINE)]
    return place.department is None and any(
        allowed([row], subject, action, Place(place.tenant, str(row.of)), now) for row in denials
    )


def _instead(holder: Any, name: str, other: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: patch.object(holder, name, other)


def _without_slash(self: Places, path: str) -> bool:
    return path.startswith(tuple(root.rstrip("/") for root in self.below)) or path in self.here or self._otherwise(path)


def _late(self: Grant, now: float) -> bool:
    return self.not_before <= now <= self.expires


def _early(self: Grant, now: float) -> bool:
    return self.not_before - 1 <= now < self.expires


def _just_after(self: Grant, now: float) -> bool:
    return self.not_before < now < self.expires


def _no_expiry(self: Grant, now: float) -> bool:
    return self.not_before <= now


def _last_denial(self: compiling.Draft, row: Grant, pattern: Any) -> None:
    self.rows.append(row)
    if row.effect == "deny":
        self.denied = {pattern}
    else:
        self.allowed.add(pattern)


def _first_only(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(paths))[:1]


@contextmanager
def _denials_of_recusal_only() -> Iterator[None]:
    own = compiling.Draft.add

    def add(self: Any, row: Grant, pattern: Any) -> None:
        if row.effect == "allow" or row.role == "recused":
            own(self, row, pattern)

    with patch.object(compiling.Draft, "add", add):
        yield


@contextmanager
def _shallow_lines() -> Iterator[None]:
    own = patterns.covers_path

    def covers(pattern: Any, path: str) -> bool:
        return own(pattern._replace(deep=False) if pattern.what.startswith("@") else pattern, path)

    with patch("supervision.scope.covers_path", covers):
        yield


@contextmanager
def _everybody() -> Iterator[None]:
    own = compiling.compile_scope
    with patch(
        "tests.authz.differential.compile_scope",
        lambda subject, grants, version, now: own(subject, [replace(g, subject=subject) for g in grants], version, now),
    ):
        yield


def _without_lines(self: Places, tenant: str) -> set[str]:
    return {path[len(tenant) + 1 : -1] for path in self.below if path.startswith(f"{tenant}@") and path.count("@") == 1}


@contextmanager
def _forgetful_counts() -> Iterator[None]:
    """What is summed is summed over everything."""
    own = Engine.groups

    async def groups(self: Engine, asked: Groups, asking: Asking) -> Grouped:
        everything = Part(Places(below=("",)))
        return await own(self, asked, replace(asking, scope=Scope("all", 1, 9e9, {asked.action: everything})))

    with patch.object(Engine, "groups", groups):
        yield


FAULTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "a dropped slash": _instead(Places, "has", _without_slash),
    "denials ignored": _instead(Part, "has", lambda self, path: self.allowed.has(path)),
    "only recusals deny": _denials_of_recusal_only,
    "<= for < at the end": _instead(Grant, "live", _late),
    "begun a second early": _instead(Grant, "live", _early),
    "begun a second late": _instead(Grant, "live", _just_after),
    "expiry ignored": _instead(Grant, "live", _no_expiry),
    "only the first subtree kept": _instead(compiling, "topmost", _first_only),
    "patterns beyond prefixes ignored": _instead(Places, "_otherwise", lambda self, path: False),
    "a line of duty ends at its own tenant": _shallow_lines,
    "everybody is everybody": _everybody,
    "a reach that forgets a denied case": _instead(Places, "cases", lambda self, tenant: set()),
    "a reach that forgets lines of duty": _instead(Places, "departments", _without_lines),
    "a count that forgets the rights": _forgetful_counts,
    "an exact grant forgotten": _instead(
        Places, "has", lambda self, path: path.startswith(self.below) or (bool(self.others) and self._otherwise(path))
    ),
    "the last denial decides alone": _instead(compiling.Draft, "add", _last_denial),
}  # fmt: skip
"""At least twelve: what could go wrong in a compiled decision."""
