"""A tenant's catalogue as a file: departments, officers and power items, in TOML. Knows no database."""

import tomllib
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from supervision.catalogue import Item
from supervision.events import Code, Text
from supervision.faults import Refusal


class CatalogueRefused(Refusal):
    """The catalogue cannot be taken."""

    code = "CATALOGUE_INVALID"


class Department(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A department (部门)."""

    code: Code
    name: Text


class Officer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Somebody who handles cases (经办人)."""

    code: Code
    department: Code
    name: Text
    post: Text | None = None
    certificate: Text | None = None
    """执法证号."""


class Catalogue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tenant's departments are, who works in them, and what they may do."""

    departments: tuple[Department, ...] = ()
    officers: tuple[Officer, ...] = ()
    items: tuple[Item, ...] = ()


def read_catalogue(content: bytes) -> Catalogue:
    """The catalogue of a TOML file. Raises CatalogueRefused with the place."""
    try:
        return catalogue(tomllib.loads(content.decode()))
    except UnicodeDecodeError:
        raise CatalogueRefused("The file is not UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueRefused(f"The file is not TOML: {error}.") from None


def catalogue(tables: dict[str, Any]) -> Catalogue:
    """The catalogue of tables as TOML gives them. Raises CatalogueRefused with the place."""
    try:
        found = msgspec.convert(tables, Catalogue)
    except msgspec.ValidationError as error:
        raise CatalogueRefused(f"({error})") from None
    _check_once("department", (d.code for d in found.departments))
    _check_once("officer", (o.code for o in found.officers))
    _check_once("item", (f"{item.code} version {item.version}" for item in found.items))
    return found


def _check_once(what: str, codes: Iterable[str]) -> None:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise CatalogueRefused(f"The {what} {code} stands twice.")
        seen.add(code)
