"""The same questions to four judges: the oracle, Casbin, the compiled scope, the explanation. And faults to seed into them.

A fault is put in place of a function for the length of a `with`; `agreed` must then fail.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

from authz import compile as compiling
from authz.compile import compile_scope, explain
from supervision import pattern as patterns
from supervision.grant import Grant
from supervision.scope import Part, Places
from tests.authz.oracle import allowed
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
    "an exact grant forgotten": _instead(
        Places, "has", lambda self, path: path.startswith(self.below) or (bool(self.others) and self._otherwise(path))
    ),
    "the last denial decides alone": _instead(compiling.Draft, "add", _last_denial),
}  # fmt: skip
"""At least twelve: what could go wrong in a compiled decision."""
