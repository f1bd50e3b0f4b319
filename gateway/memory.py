"""How the memory of a process that serves lies and is kept: in huge pages, and not walked again by Python's garbage collector.

Knows nothing of what the process does.
"""

import gc
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

YOUNG = 20_000
"""Objects made and still there before the collector looks at them; Python's own number is 700."""

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
"""What the kernel puts into pages of 2 MiB: `[always]` all memory, `[madvise]` what asks for it, `[never]` none
(Documentation/admin-guide/mm/transhuge.rst)."""
LIBRARY = " ".join(platform.libc_ver())
LEAST = (2, 35)
"""The first glibc whose malloc can ask for it (`glibc.malloc.hugetlb`)."""
AHEAD = 64 * 2**20
"""Bytes of addresses by which the heap grows at once: only what lies between two multiples of 2 MiB can be a huge page."""
CHOSEN = frozenset({"PYTHONMALLOC", "GLIBC_TUNABLES"})
"""Names that say which allocator is meant."""


def settled() -> None:
    """What start-up made lives as long as the process and is never walked again; what is young is looked at less often.

    A batch of a thousand events holds tens of thousands of objects until its commit, and all the same was walked some fifty
    times on its way there, in vain: a tenth of what taking it costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def in_huge_pages() -> None:
    """Starts the process again, the same one with the same arguments, with its heap in huge pages where the system has them.

    A process that wakes for each picture pays for every place of memory that it has not touched since: on a virtual machine
    whose memory is in small pieces, half of what twenty viewers cost. The allocator is chosen when a process starts, so there is
    no other way in.
    """
    if chosen := huge_pages(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **chosen})  # noqa: S606 - our own words


def huge_pages(environ: Mapping[str, str], library: str = LIBRARY, enabled: Path = HUGE_PAGES) -> dict[str, str]:
    """What is to be added to this environment; nothing where it would not help, where it is there already, and where whoever
    runs the process chose an allocator. `library`: of C, with its version."""
    said = enabled.read_text() if enabled.exists() else "[never]"
    if "[never]" in said or not _can_ask(*library.split(" ")) or CHOSEN & environ.keys():
        return {}
    return {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": f"glibc.malloc.hugetlb=1:glibc.malloc.top_pad={AHEAD}"}


def _can_ask(library: str, version: str) -> bool:
    return library == "glibc" and tuple(map(int, version.split("."))) >= LEAST
