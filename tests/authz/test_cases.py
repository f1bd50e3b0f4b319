"""The permission table, run through Casbin, the scope and the explanation."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from authz.compile import compile_scope, explain
from authz.policy import known
from supervision.grant import Grant
from tests.authz.reference import enforcer

LINES = [
    line.split("\t") for line in Path(__file__).with_name("cases.tsv").read_text("utf-8").splitlines() if not line.startswith("#")
]
GRANTS = [
    Grant(subject=s, role=known(role), path=path, not_before=int(begins), expires=int(ends), effect=effect)
    for _, s, role, path, begins, ends, effect in (line for line in LINES if line[0] == "@grant")
]
QUESTIONS = [line for line in LINES if line[0] != "@grant"]
CASBIN = enforcer(GRANTS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: f"{q[0]} {q[1]} {q[2]} at {q[3]}: {q[4]}")
def test_the_table(question: list[str]) -> None:
    who, action, path, at, allowed, because = question
    want, now = allowed == "yes", int(at)
    decision = explain(GRANTS, who, action, path, now)
    assert decision.allowed is want
    assert (f"{decision.because.role} {decision.because.path}" if decision.because else "-") == because
    assert compile_scope(who, GRANTS, 1, now).can(action, path) is want
    assert CASBIN.enforce(who, action, path, str(now)) is want


def deep(grant: Grant) -> bool:
    return grant.path.endswith("*")


FAULTS: dict[str, Callable[[Grant], Grant | None]] = {
    "denials are forgotten": lambda g: g if g.effect == "allow" else None,
    "a grant ends a second late": lambda g: replace(g, expires=g.expires + 1),
    "a grant begins a second early": lambda g: replace(g, not_before=g.not_before - 1),
    "a grant begins a second late": lambda g: replace(g, not_before=g.not_before + 1),
    "a grant ends a second early": lambda g: replace(g, expires=g.expires - 1) if g.expires < 9999 else g,
    "exactly means below too": lambda g: g if deep(g) else replace(g, path=g.path + "*"),
    "below means exactly": lambda g: replace(g, path=g.path.removesuffix("*")),
    "a code is a prefix of another": lambda g: replace(g, path=g.path.replace("/*", "*")),
    "a recusal is only a supervisor's": lambda g: replace(g, role="integrator") if g.role == "recused" else g,
    "everybody is everybody": lambda g: replace(g, subject="liu"),
    "a clerk is a supervisor": lambda g: replace(g, role="supervisor") if g.role == "clerk" else g,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_table_catches_a_seeded_fault(fault: str) -> None:
    seeded = [wrong for grant in GRANTS if (wrong := FAULTS[fault](grant)) is not None]
    caught = [
        question
        for question in QUESTIONS
        if compile_scope(question[0], seeded, 1, int(question[3])).can(question[1], question[2]) is not (question[4] == "yes")
    ]
    assert caught
