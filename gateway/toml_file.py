"""A file of TOML tables that tells a gateway of others: read whole or refused, and which machines it may be told of by http.

Knows no member of any table.
"""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from supervision.faults import Refusal


def read_tables(file: Path, invalid: type[Refusal]) -> dict[str, Any]:
    """Raises `invalid`, which names the file, and the line where there is one."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as problem:
        raise invalid(f"{file} cannot be read: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise invalid(f"{file}: {problem}") from None


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine: nobody stands between."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
