"""What rights cost beside Casbin's own `enforce`: a check, a scope compiled, a change that concerns somebody else.

At 100,000 rows of the policy, in the product's registry. Knows no tenants' rows and no HTTP.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import casbin
from sqlalchemy import bindparam, insert

from authz.compile import compile_scope
from bench import rows
from bench.ours import registered
from bench.places import Places
from bench.result import Check, Result, Side
from gateway.rights import Rights
from supervision.grant import Grant
from tenants.registry import Registry
from tenants.registry_tables import grants as table
from tests.authz.reference import enforcer

ROWS, EACH = 100_000, 4
"""Rows of the policy, and about how many of them one person has."""
ROUNDS, CHECKS, COMPILED = 5, 200_000, 200
"""Rounds, each with one call of `enforce`, which takes the better part of a second, and so many of the others."""
CHECKED, COMPILING = 100_000, 500
"""How many times faster than `enforce`."""
SEEN, DRAWN = "supervisor", ("inspector", "clerk", "head", "pii_reader", "auditor")
ACTION, OTHER = "case.view", "somebody else"


NAMES = table.c.keys()
ADD = insert(table).values({name: bindparam(name) for name in NAMES})


def policy() -> list[Grant]:
    """People with a few rights each, here and there in the province; one in ten rows is of one department."""
    random, divisions = Random(1), {division.code: division for division in rows.FEW}
    made: dict[Any, Grant] = {}
    while len(made) < ROWS:
        path, code = "", random.choice(rows.FEW).code
        while code:
            path, code = f"{code}/{path}", divisions[code].parent or ""
        where = f"{path}@D{random.randint(1, rows.DEPARTMENTS):02d}/*" if random.random() < 0.1 else f"{path}*"
        role = SEEN if len(made) % EACH == 0 else random.choice(DRAWN)
        grant = Grant(subject=f"u{len(made) // EACH}", role=role, path=where, reason="bench", granted_by="bench", id=len(made) + 10)
        made.setdefault((grant.subject, grant.role, grant.path), grant)
    return list(made.values())


async def written(registry: Registry, grants: Sequence[Grant]) -> None:
    more = {"granted_at": datetime.now(UTC), "demo": False}
    async with registry.transaction() as session:
        await session.run(ADD, [{name: getattr(grant, name) for name in NAMES if name not in more} | more for grant in grants])
    await registry.refresh()


class Reads:
    """Counts what a registry's store is asked."""

    def __init__(self, registry: Registry) -> None:
        self.asked = 0
        for name in ("fetch", "view"):
            setattr(registry.store, name, self._counted(getattr(registry.store, name)))

    def _counted(self, done: Any) -> Any:
        def ask(*given: Any) -> Any:
            self.asked += 1
            return done(*given)

        return ask


async def unaffected(registry: Registry, who: str) -> int:
    """What the next request of somebody reads after another's right was given: the scope, and whether it stands."""
    rights = Rights(registry, time.time, 100)
    scope, snapshot = await rights.of(who)
    assert await rights.stand(scope, snapshot)
    reads = Reads(registry)
    await registry.grant(Grant(subject=OTHER, role="auditor", path=f"{rows.FEW[0].code}/*", reason="bench", granted_by="bench"))
    reads.asked = 0
    again, snapshot = await rights.of(who)
    assert again is scope
    assert await rights.stand(again, snapshot)
    return reads.asked


async def timed(registry: Registry, casbin_: casbin.Enforcer, who: str, path: str) -> dict[str, list[float]]:
    """Seconds a call, a value a round."""
    mine = await registry.grants_of(who)
    scope, now = compile_scope(who, mine, 1, time.time()), str(int(time.time()))
    assert scope.can(ACTION, path) is casbin_.enforce(who, ACTION, path, now) is True
    found: dict[str, list[float]] = {"enforce": [], "check": [], "compile": [], "compile and read": []}
    for _ in range(ROUNDS):
        began = time.perf_counter()
        casbin_.enforce(who, ACTION, path, now)
        found["enforce"].append(time.perf_counter() - began)
        began = time.perf_counter()
        for _ in range(CHECKS):
            scope.can(ACTION, path)
        found["check"].append((time.perf_counter() - began) / CHECKS)
        began = time.perf_counter()
        for _ in range(COMPILED):
            compile_scope(who, mine, 1, 1e9)
        found["compile"].append((time.perf_counter() - began) / COMPILED)
        began = time.perf_counter()
        for _ in range(COMPILED):
            compile_scope(who, await registry.grants_of(who), 1, 1e9)
        found["compile and read"].append((time.perf_counter() - began) / COMPILED)
    return found


async def measured(places: Places, name: str) -> Result:
    grants = policy()
    with tempfile.TemporaryDirectory(prefix="mingjing-bench-policy-") as folder:
        registry = await registered(Path(folder), rows.FEW, f"sqlite:///{folder}/{{code}}.db")
        await written(registry, grants)
        row = next(grant for grant in reversed(grants) if grant.role == SEEN and "@" not in grant.path)
        found = await timed(registry, enforcer(grants), row.subject, row.path.replace("*", "@D01/#7/"))
        reads = await unaffected(registry, row.subject)
        await registry.close()
    times = {side: statistics.median(seconds) for side, seconds in found.items()}
    checks = (
        Check("enforce / check", times["enforce"] / times["check"], ">=", CHECKED),
        Check("enforce / compile", times["enforce"] / times["compile"], ">=", COMPILING),
        Check("reads / change of another's", float(reads), "<=", 1),
    )
    sides = {side: Side(value=seconds * 1000) for side, seconds in times.items()}
    read = times["enforce"] / times["compile and read"]
    notes = {
        "rows": len(grants),
        "enforce / compile and read": read,
        "of the person": sum(grant.subject == row.subject for grant in grants),
    }
    return Result(name=name, unit="ms", side="enforce", baseline="check", n=ROUNDS, sides=sides, checks=checks, notes=notes)
