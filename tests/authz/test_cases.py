"""The permission table, run through Casbin, the scope and the explanation."""

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
