"""The catalogue of powers (权力清单): what a department may do, on what basis, in which steps, within which limit.

An item has versions; the one in force when a case was applied for counts. Knows no case and no database.
A catalogue that contradicts the law is taken as it is: `findings` says what is wrong with it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from supervision.events import Code, Days, Fen, Key, Moment, Text


class PowerKind(StrEnum):
    """Kinds of administrative power."""

    PERMIT = "PERMIT"  # 行政许可, 行政审批
    PENALTY = "PENALTY"  # 行政处罚
    COMPULSION = "COMPULSION"  # 行政强制
    COLLECTION = "COLLECTION"  # 行政征收
    PAYMENT = "PAYMENT"  # 行政给付
    ADJUDICATION = "ADJUDICATION"  # 行政裁决
    CONFIRMATION = "CONFIRMATION"  # 行政确认
    REWARD = "REWARD"  # 行政奖励
    INSPECTION = "INSPECTION"  # 行政检查
    RECONSIDERATION = "RECONSIDERATION"  # 行政复议
    TRADING = "TRADING"  # 公共资源交易
    FUNDS = "FUNDS"  # 公共资金
    DUTY = "DUTY"  # 监管职责
    SERVICE = "SERVICE"  # 公共服务
    OTHER = "OTHER"  # 其他


OF_OFFICE = frozenset(
    {PowerKind.PENALTY, PowerKind.COMPULSION, PowerKind.COLLECTION, PowerKind.INSPECTION, PowerKind.FUNDS, PowerKind.DUTY}
)
"""Kinds that the department begins by itself (依职权): nothing is accepted, so the clock runs from the filing (立案)."""


class LimitUnit(StrEnum):
    """What a time limit counts."""

    WORKING_DAY = "WORKING_DAY"
    CALENDAR_DAY = "CALENDAR_DAY"


class Limit(NamedTuple):
    """A time limit."""

    days: int
    unit: LimitUnit


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A step of an item (环节), in the order of the item's steps."""

    code: Key
    name: Text
    post: Text | None = None
    limit_days: Days | None = None
    required: bool = True


class FeeStandard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What an item may cost (收费标准)."""

    code: Code
    name: Text
    amount: Fen
    basis: Text | None = None


class MaterialForm(StrEnum):
    """How a material is handed in."""

    ORIGINAL = "ORIGINAL"  # 原件
    COPY = "COPY"  # 复印件
    ELECTRONIC = "ELECTRONIC"  # 电子件


class Material(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What an applicant hands in (申请材料), in the order of the item's materials."""

    code: Code
    name: Text
    form: MaterialForm = MaterialForm.COPY
    copies: Annotated[int, Meta(ge=0, le=100)] = 1
    required: bool = True
    note: Text | None = None


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One version of a power item (权力事项). `effective_from` None: since ever."""

    code: Code
    name: Text
    kind: PowerKind
    department: Code
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 1
    legal_basis: Text | None = None
    statutory_days: Days | None = None
    promised_days: Days | None = None
    limit_unit: LimitUnit = LimitUnit.WORKING_DAY
    effective_from: Moment | None = None
    steps: tuple[Step, ...] = ()
    fees: tuple[FeeStandard, ...] = ()
    materials: tuple[Material, ...] = ()

    def __post_init__(self) -> None:
        for what, entries in (("steps", self.steps), ("fees", self.fees), ("materials", self.materials)):
            if doubled := _doubled(entry.code for entry in entries):
                raise ValueError(f"item {self.code!r}: {what} has {doubled!r} twice")

    @property
    def limit(self) -> Limit | None:
        """What the clock runs by: the promised limit where there is one, else the statutory."""
        days = self.statutory_days if self.promised_days is None else self.promised_days
        return None if days is None else Limit(days, self.limit_unit)


def _doubled(codes: Iterable[str]) -> str | None:
    seen: set[str] = set()
    return next((code for code in codes if code in seen or seen.add(code)), None)  # type: ignore[func-returns-value]


def in_force(versions: Sequence[Item], applied_at: datetime | None) -> Item | None:
    """The version of an item that counts for a case: the latest in force when it was applied for.

    A case older than the catalogue counts by the earliest version: its limit must not depend on when the catalogue came.
    """
    if applied_at is None or not versions:
        return None
    begun = [item for item in versions if item.effective_from is None or item.effective_from <= applied_at]
    return max(begun, key=_since) if begun else min(versions, key=_since)


def _since(item: Item) -> tuple[float, int]:
    return (float("-inf") if item.effective_from is None else item.effective_from.timestamp()), item.version


def findings(item: Item) -> tuple[str, ...]:
    """What prior supervision (事前监察) finds in an item, as codes; none of it keeps the item out."""
    found = {
        "LEGAL_BASIS_MISSING": not item.legal_basis,
        "LIMIT_MISSING": item.limit is None,
        "PROMISED_ABOVE_STATUTORY": None not in (item.promised_days, item.statutory_days)
        and (item.promised_days or 0) > (item.statutory_days or 0),
    }
    return tuple(code for code, is_so in found.items() if is_so)
