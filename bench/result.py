"""What a measurement found: figures beside their bounds, as one JSON object and one row or more of a table.

Knows no clock and no database.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bench.timing import Timings, ratio


@dataclass(frozen=True, slots=True)
class Check:
    """One ratio and its bound. `what` reads "ours / theirs"."""

    what: str
    ratio: float
    sense: Literal["<=", ">="]
    bound: float

    @property
    def ok(self) -> bool:
        return self.ratio <= self.bound if self.sense == "<=" else self.ratio >= self.bound


def at_most(timings: Timings, side: str, baseline: str, bound: float) -> Check:
    """`side` takes at most `bound` times as long as `baseline`."""
    return Check(f"{side} / {baseline}", ratio(timings, side, baseline), "<=", bound)


def at_least(timings: Timings, side: str, baseline: str, bound: float) -> Check:
    """`side` takes at least `bound` times as long as `baseline`."""
    return Check(f"{side} / {baseline}", ratio(timings, side, baseline), ">=", bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one way of doing it took: `value` in the result's unit, CPU milliseconds of its Python process per call."""

    value: float
    cpu: float | None = None
    memory_mib: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measurement. `side` and `baseline` name the two whose ratio stands for it; `checks` holds every bound."""

    name: str
    unit: str
    side: str
    baseline: str
    n: int
    sides: Mapping[str, Side]
    checks: tuple[Check, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    def as_json(self, commit: str, memory_mib: float) -> dict[str, Any]:
        head = next(check for check in self.checks if check.what == f"{self.side} / {self.baseline}")
        return {
            "name": self.name, "value": self.sides[self.side].value, "unit": self.unit, "baseline": self.sides[self.baseline].value,
            "ratio": head.ratio, "memory_mib": self.sides[self.side].memory_mib or memory_mib, "n": self.n, "commit": commit,
            "bound": f"{head.sense} {head.bound}", "ok": self.ok, "cpu": self.sides[self.side].cpu, "of": head.what,
            "checks": [asdict(check) | {"ok": check.ok} for check in self.checks],
            "sides": {name: asdict(side) for name, side in self.sides.items()}, "notes": dict(self.notes),
        }  # fmt: skip


def compared(name: str, timings: Timings, side: str, baseline: str, checks: tuple[Check, ...]) -> Result:
    """The result of interleaved calls, in milliseconds a call."""
    rounds = len(timings[side].wall)
    return Result(name=name, unit="ms", side=side, baseline=baseline, n=rounds, sides=milliseconds(timings), checks=checks)


def milliseconds(timings: Timings) -> dict[str, Side]:
    return {name: Side(value=t.value * 1000, cpu=t.cpu_value * 1000) for name, t in timings.items()}


HEADINGS = ("measurement", "what", "ratio", "bound", "", "ours", "theirs", "unit", "cpu ms", "MiB")


def table(results: Iterable[Mapping[str, Any]]) -> str:
    """Every bound of every measurement on a row of its own."""
    rows = [HEADINGS, *(row for result in results for row in _rows(result))]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _rows(result: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for check in result["checks"]:
        ours, theirs = (result["sides"].get(side) for side in check["what"].split(" / "))
        yield (
            result["name"], check["what"], f"{check['ratio']:.2f}", f"{check['sense']} {check['bound']:.3g}",
            "ok" if check["ok"] else "MISSED", _figure(ours), _figure(theirs), result["unit"],
            " : ".join("-" if side is None or side["cpu"] is None else f"{side['cpu']:.2f}" for side in (ours, theirs)),
            f"{(ours or {}).get('memory_mib') or result['memory_mib']:.0f}",
        )  # fmt: skip


def _figure(side: Mapping[str, Any] | None) -> str:
    return "-" if side is None else f"{side['value']:,.0f}" if side["value"] >= 1000 else f"{side['value']:.3g}"
