"""The tree of divisions: read from a CSV file, compared with what the registry holds, taken over in one transaction.

Two formats: our own (`code,name,level,parent_code[,statistical_only]`) and the national list with `pseudo_group`
(rows that are no tenants stand in it). What a refusal names is the line of the file. Knows no terminal.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from supervision.faults import Refusal
from supervision.grant import Grant
from supervision.pattern import tenant_path
from supervision.tree import Division, Level, Tree, TreeRefused
from tenants.policy_changes import Ended, end_grants, torn
from tenants.policy_rows import take_policy
from tenants.proposal_rows import Decision, move_proposals, settle, waiting_in
from tenants.registry_tables import grants, tenants
from tenants.sources.source import Session

COLUMNS = ("code", "name", "level", "parent_code")


class RightsInTheWay(Refusal):
    """Rights stand in the way: end or change these first, or say that they are to end."""

    code = "RIGHTS_IN_THE_WAY"


def gansu() -> bytes:
    """The tree that ships: Gansu, 1 + 14 + 86. Facts of the National Bureau of Statistics' list of 2023, zones left out."""
    return files("tenants.facts").joinpath("gansu.csv").read_bytes()


def read_divisions(content: bytes) -> list[Division]:
    """The tenants of a file. Raises TreeRefused with the line; whether they make a tree is for `Tree` to say."""
    lines = list(_lines(_text(content)))
    if not lines:
        raise TreeRefused("the file is empty")
    header = lines[0][1]
    if missing := [name for name in COLUMNS if name not in header]:
        raise TreeRefused(f"line 1: column {missing[0]!r} is missing; it needs {', '.join(COLUMNS)}")
    rows = [(line, _fields(line, header, values)) for line, values in lines[1:]]
    if not rows:
        raise TreeRefused("the file holds no division")
    return (
        _national(rows)
        if "pseudo_group" in header
        else [_division(*row) for row in rows if row[1].get("statistical_only", "0") != "1"]
    )


def _text(content: bytes) -> str:
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TreeRefused(f"line {line}: the file is not UTF-8; save it as UTF-8") from None
    if (at := text.find("\ufeff")) >= 0:
        raise TreeRefused(f"line {text.count(chr(10), 0, at) + 1}: a byte order mark inside the file")
    return text


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for values in reader:
            if not any(value.strip() for value in values):
                raise TreeRefused(f"line {line}: the line is blank")
            yield line, [value.strip() for value in values]
            line = reader.line_num + 1
    except csv.Error as error:
        raise TreeRefused(f"line {line}: {error}") from None


def _fields(line: int, header: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    if len(values) != len(header):
        raise TreeRefused(f"line {line}: {len(values)} fields where the first line names {len(header)}")
    return dict(zip(header, values, strict=True))


def _division(line: int, fields: Mapping[str, str]) -> Division:
    level, name = fields["level"].upper(), fields["name"]
    if level not in Level.__members__:
        raise TreeRefused(f"line {line}: {fields['level']!r} is not a level; use {', '.join(Level).lower()}")
    if not name or len(name) > 100 or any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in name):
        raise TreeRefused(f"line {line}: the name must be 1 to 100 printable characters")
    return Division(fields["code"], name, Level(level), fields["parent_code"] or None, line)


def _national(rows: Sequence[tuple[int, dict[str, str]]]) -> list[Division]:
    """The national list without what is no tenant: pseudo groups, statistical zones, cities repeated as their own county."""
    groups = {fields["code"]: fields["parent_code"] for _, fields in rows if fields["pseudo_group"] == "1"}
    kept = [(line, fields) for line, fields in rows if fields["code"] not in groups and not _no_tenant(fields)]
    return [
        _division(line, fields | {"parent_code": groups.get(fields["parent_code"], fields["parent_code"])}) for line, fields in kept
    ]


def _no_tenant(fields: Mapping[str, str]) -> bool:
    """A zone ends in 70 to 79 (620201 is Jiayuguan's); Dongguan, Zhongshan and Danzhou stand again as their own county."""
    code = fields["code"]
    return fields["level"] == "county" and ("70" <= code[4:] <= "79" or code == "620201" or fields["parent_code"] == code)


@dataclass(frozen=True, slots=True)
class Changes:
    """What an import changed: the codes."""

    added: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.renamed or self.moved or self.dropped)


_ALL = select(tenants.c.code, tenants.c.name, tenants.c.level, tenants.c.parent, tenants.c.path, tenants.c.source, tenants.c.state)
_ADD = insert(tenants).values({name: bindparam(name) for name in ("code", "name", "level", "parent", "path", "state")})
_CHANGE = (
    update(tenants)
    .where(tenants.c.code == bindparam("at"))
    .values({name: bindparam(name) for name in ("name", "level", "parent", "path")})
)
_DROP = delete(tenants).where(tenants.c.code == bindparam("at"))
_GRANTED = select(grants.c.id, grants.c.path)
_REPATH = update(grants).where(grants.c.id == bindparam("at")).values(path=bindparam("path"))


async def import_tree(session: Session, divisions: Iterable[Division], at: datetime, end_torn: bool = False) -> Changes:
    """Makes the registry's tree this one. Grants move along with their tenants, and go with the dropped.

    `end_torn`: takes back delegations that reach beyond their giver's right in the new tree, which else refuse the whole.
    Nothing outside the registry is touched.
    """
    tree = Tree(divisions)
    await take_policy(session)
    held = {row[0]: row for row in await session.fetch(_ALL)}
    changes = compared(tree, held)
    rows = {code: _row(tree, code) for code in tree.paths}
    deepest_last = sorted(changes.added, key=lambda code: tree.paths[code].count("/"))
    await session.run(_ADD, [rows[code] | {"state": "PROVISIONING"} for code in deepest_last])
    changed = {*changes.renamed, *changes.moved}
    await session.run(_CHANGE, [{"at": code} | {k: v for k, v in rows[code].items() if k != "code"} for code in sorted(changed)])
    await session.run(_DROP, [{"at": code} for code in sorted(changes.dropped, key=lambda code: -held[code][4].count("/"))])
    ended = Ended("tenants import", "the tree changed", at)
    await _drop_grants(session, {held[code][4] for code in changes.dropped}, ended)
    await _move_grants(session, {held[code][4]: tree.paths[code] for code in changes.moved}, ended if end_torn else None)
    return changes


def _row(tree: Tree, code: str) -> dict[str, Any]:
    division = tree.divisions[code]
    return {"code": code, "name": division.name, "level": str(division.level), "parent": division.parent, "path": tree.paths[code]}


def compared(tree: Tree, held: Mapping[str, Sequence[Any]]) -> Changes:
    """What would change. Refuses to drop a tenant that has a database; one that was retired may be left out of the file."""
    living = {code: row for code, row in held.items() if row[6] != "RETIRED"}
    dropped = sorted(living.keys() - tree.paths.keys())
    if housed := [code for code in dropped if living[code][5] is not None]:
        raise TreeRefused(f"{', '.join(housed[:5])} would be dropped, and has a database; keep it in the file, or retire it first")
    if back := sorted((held.keys() - living.keys()) & tree.paths.keys()):
        raise TreeRefused(f"line {tree.divisions[back[0]].line}: {back[0]} was retired")
    both = [code for code in tree.paths if code in living]
    renamed = [c for c in both if tree.divisions[c].name != living[c][1] or str(tree.divisions[c].level) != living[c][2]]
    moved = [code for code in both if tree.paths[code] != living[code][4]]
    return Changes(tuple(sorted(tree.paths.keys() - living.keys())), tuple(renamed), tuple(moved), tuple(dropped))


async def _drop_grants(session: Session, paths: Set[str], ended: Ended) -> None:
    """A grant or proposal that stayed would be in force again for whoever gets the code next."""
    if not paths:
        return
    for one in await waiting_in(session, paths):
        await settle(session, one.id, Decision("REJECTED", ended.by, ended.at, ended.because))
    rows = await session.fetch(_GRANTED)
    await end_grants(session, [number for number, path in rows if tenant_path(path) in paths], ended)


async def _move_grants(session: Session, moves: Mapping[str, str], ended: Ended | None) -> None:
    """A grant names a path, so it goes where its tenant goes. `ended`: delegations that cannot follow are taken back; else refused.

    Raises RightsInTheWay.
    """
    if not moves:
        return
    await move_proposals(session, moves)
    if in_the_way := await torn(session, moves):
        if ended is None:
            raise RightsInTheWay(listed_rights(in_the_way))
        await end_grants(session, [row.id for row in in_the_way], ended)
    rows = await session.fetch(_GRANTED)
    found = [(number, path, tenant_path(path)) for number, path in rows]
    await session.run(
        _REPATH, [{"at": n, "path": moves[tenant] + path[len(tenant) :]} for n, path, tenant in found if tenant in moves]
    )


def listed_rights(rows: Sequence[Grant]) -> str:
    """Each row, so that somebody can be asked about it."""
    every = [f"{row.id}: {row.subject} {row.role} {row.path}" for row in rows]
    return "; ".join(every[:20]) + (f" and {len(every) - 20} more" if len(every) > 20 else "")
