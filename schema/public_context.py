"""What a public request brings to the public schema: the store of this moment, how much may be asked, and a way to look up a code.

One per request, with its loaders. Knows no registry, no tenant's database and no HTTP.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from strawberry.dataloader import DataLoader

from supervision.faults import Refusal
from supervision.sealed import Progress
from tenants.public_store import PublicStore, Row


class PublicRowsExceeded(Refusal):
    """This asks for too many rows at once; ask page by page."""

    code = "PUBLIC_ROWS_EXCEEDED"


class PageInvalid(Refusal):
    """This number of rows cannot be asked for."""

    code = "PUBLIC_PAGE_INVALID"


@dataclass(frozen=True, slots=True)
class PublicBounds:
    """How much one request may ask (`gateway.config` documents each)."""

    public_page: int = 100
    public_rows: int = 5_000


@dataclass(slots=True)
class Spent:
    """What a request did so far."""

    rows: int = 0
    looked: bool = False
    refusal: Refusal | None = None
    """Why codes are not looked up for this address now."""


@dataclass(frozen=True)
class PublicContext:
    """One request. `look`: a query code as typed → how its case stands; raises a Refusal where that is asked too often."""

    store: PublicStore
    publication: Row
    look: Callable[[str], Progress | None]
    bounds: PublicBounds = PublicBounds()
    spent: Spent = field(default_factory=Spent)

    def page(self, first: int | None) -> int:
        """How many rows of a page are asked for. Raises PageInvalid."""
        wanted = min(50, self.bounds.public_page) if first is None else first
        if not 1 <= wanted <= self.bounds.public_page:
            raise PageInvalid(f"`first` is {wanted}; ask for 1 to {self.bounds.public_page}")
        return wanted

    def spend(self, rows: int) -> None:
        """Counts rows that were read. Raises PublicRowsExceeded."""
        self.spent.rows += rows
        if self.spent.rows > self.bounds.public_rows:
            raise PublicRowsExceeded(f"{self.bounds.public_rows} are given at most")

    def progress(self, code: str) -> Progress | None:
        """Looks a code up, and notes that it was."""
        self.spent.looked = True
        try:
            return self.look(code)
        except Refusal as refusal:
            self.spent.refusal = refusal
            raise

    @cached_property
    def tenants(self) -> DataLoader[str, Row | None]:
        return DataLoader(self._tenants)

    @cached_property
    def children(self) -> DataLoader[str, list[Row]]:
        return DataLoader(self._children)

    @cached_property
    def departments(self) -> DataLoader[str, list[Row]]:
        return DataLoader(self._departments)

    @cached_property
    def department(self) -> DataLoader[tuple[str, str], Row | None]:
        return DataLoader(self._department)

    @cached_property
    def details(self) -> DataLoader[tuple[str, int], list[Row]]:
        return DataLoader(self._details)

    async def _tenants(self, codes: list[str]) -> Sequence[Row | None]:
        found = self.store.tenants_by_code(codes)
        return [found.get(code) for code in codes]

    async def _children(self, codes: list[str]) -> Sequence[list[Row]]:
        found = self.store.children(codes)
        return self._counted([found[code] for code in codes])

    async def _departments(self, codes: list[str]) -> Sequence[list[Row]]:
        found = self.store.departments(codes)
        return self._counted([found[code] for code in codes])

    async def _department(self, keys: list[tuple[str, str]]) -> Sequence[Row | None]:
        found = self.store.departments_by_code(keys)
        return [found.get(key) for key in keys]

    async def _details(self, keys: list[tuple[str, int]]) -> Sequence[list[Row]]:
        found: dict[tuple[str, int], list[Row]] = {}
        for name in {name for name, _ in keys}:
            of = self.store.details(name, [number for each, number in keys if each == name])
            found |= {(name, number): rows for number, rows in of.items()}
        return self._counted([found[key] for key in keys])

    def _counted(self, lists: list[list[Row]]) -> list[list[Row]]:
        self.spend(sum(map(len, lists)))
        return lists


def context_of(info: Any) -> PublicContext:
    """The request that a resolver works for."""
    context: PublicContext = info.context
    return context
