"""What bounds the looks at issuers' keys. A table of its own, so that settings need no HTTP client."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """Seconds, and bytes of one document.

    `refresh`, `again`: between two looks, by the clock and because of a key that is not known; `within`: for one look;
    `stale`: for which the last good keys are believed when no look succeeds.
    """

    refresh: float = 300.0
    again: float = 10.0
    within: float = 5.0
    stale: float = 86_400.0
    bytes: int = 262_144
