"""How much one body, one line and one batch may be. Knows no environment: gateway.config makes these."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestLimits:
    """Bytes, unless the name says otherwise."""

    body_bytes: int = 256 * 1024 * 1024
    """As it comes over the wire."""
    unpacked_bytes: int = 2 * 1024 * 1024 * 1024
    """After gzip."""
    gzip_ratio: int = 250
    """Unpacked ÷ packed, looked at after the first mebibyte: real events reach 10 to 40."""
    line_bytes: int = 1024 * 1024
    quarantine_bytes: int = 64 * 1024
    """How much of a refused line is kept."""
    batch_lines: int = 1000
    batch_bytes: int = 4 * 1024 * 1024
    flush_after: float = 0.2
    """Seconds after which a batch that is not full is written, when no more has come."""
    idle_seconds: float = 60.0
    """A body of which nothing comes for so long has broken off."""
