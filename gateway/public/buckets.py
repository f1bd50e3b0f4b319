"""How often query codes are looked up: a bucket of tokens for each address, and one for all. The time is passed in.

An address of IPv6 is a household's network (/64): one has as many of the others as one likes.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from gateway.setting import SettingInvalid
from supervision.faults import Refusal

Network: TypeAlias = IPv4Network | IPv6Network
NOBODY = "?"
"""Whose address cannot be read: all of these share one bucket."""


class LookupsExceeded(Refusal):
    """Too many query codes were looked up; try again later."""

    code = "LOOKUPS_EXCEEDED"

    def __init__(self, after: float = 0.0) -> None:
        super().__init__()
        self.after = after


@dataclass(slots=True)
class Bucket:
    """Fills by `rate` tokens a second up to `burst`."""

    rate: float
    burst: float
    held: float
    at: float

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0 where there is one."""
        self.held = min(self.burst, self.held + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)
        return 0.0 if self.held >= 1 else (1 - self.held) / self.rate


@dataclass(frozen=True, slots=True)
class Rates:
    """The settings of look-ups (`gateway.config` documents each)."""

    progress_burst: int
    progress_rate: float
    progress_burst_all: int
    progress_rate_all: float
    progress_addresses: int


@dataclass(slots=True)
class Buckets:
    """All of them. What an address is refused does not count against the others."""

    rates: Rates
    everyone: Bucket = field(init=False)
    known: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.everyone = Bucket(self.rates.progress_rate_all, self.rates.progress_burst_all, self.rates.progress_burst_all, 0.0)

    def take(self, address: str, now: float) -> None:
        """One look-up. Raises LookupsExceeded."""
        rates = self.rates
        mine = self.known.pop(address, None) or Bucket(rates.progress_rate, rates.progress_burst, rates.progress_burst, now)
        self.known[address] = mine
        if len(self.known) > rates.progress_addresses:
            self.known.popitem(last=False)
        if wait := max(mine.wait(now), 0.0) or self.everyone.wait(now):
            raise LookupsExceeded(wait)
        mine.held -= 1
        self.everyone.held -= 1


def networks(named: Iterable[str]) -> tuple[Network, ...]:
    """The proxies that are trusted. Raises SettingInvalid."""
    try:
        return tuple(ip_network(one, strict=False) for one in named)
    except ValueError as problem:
        raise SettingInvalid(f"MINGJING_TRUSTED_PROXIES: {problem}") from None


def asking(peer: str | None, forwarded: str, trusted: Sequence[Network]) -> str:
    """Who asks: the nearest address that is no trusted proxy. What lies beyond it anybody could have written."""
    chain = [*(part.strip() for part in forwarded[-1_024:].split(",") if part.strip()), peer or ""]
    for named in reversed(chain):
        if (found := _key(named)) == NOBODY or not any(ip_address(named) in network for network in trusted):
            return found
    return _key(chain[0])


def _key(named: str) -> str:
    try:
        address = ip_address(named)
    except ValueError:
        return NOBODY
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network(f"{address}/64", strict=False))
    return str(address)
