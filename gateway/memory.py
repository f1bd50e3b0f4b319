"""How the memory of a process that serves lies and is kept: in huge pages, and not walked again by Python's garbage collector.

Knows nothing of what the process does.
"""

import gc
import os
import platform
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gateway.log import Log

YOUNG = 20_000
"""Objects made and still there before the collector looks at them; Python's own number is 700."""

SYSTEM = Path("/sys/kernel/mm/transparent_hugepage")
"""`enabled`: what the kernel puts into huge pages, `[always]` all memory, `[madvise]` what asks for it, `[never]` none;
`hpage_pmd_size`: their bytes (Documentation/admin-guide/mm/transhuge.rst)."""
OURSELVES = Path("/proc/self")
HUGE = 2 * 2**20
"""Bytes; other machines have pages of 32 or 512 MiB, of which a heap would fill a corner."""
LIBRARY = " ".join(platform.libc_ver())
LEAST = (2, 35)
"""The first glibc whose malloc can ask for them (`glibc.malloc.hugetlb`)."""
AHEAD = 64 * 2**20
"""Bytes of addresses by which the heap grows at once: only what lies between two multiples of HUGE can be a huge page."""
HEAPS = 4
"""Of all threads: with a huge page at least in each, glibc's own number, eight a core, would be too many."""
TUNABLES = {"hugetlb": 1, "top_pad": AHEAD, "arena_max": HEAPS}
CHOSEN = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": ":".join(f"glibc.malloc.{name}={value}" for name, value in TUNABLES.items()),
}
OTHERWISE = (*CHOSEN, "LD_PRELOAD")
"""Names with which whoever runs a process chooses its allocator."""
SCRIPT = "mingjing"


def settled() -> None:
    """What start-up made lives as long as the process and is never walked again; what is young is looked at less often.

    A batch of a thousand events holds tens of thousands of objects until its commit, and all the same was walked some fifty
    times on its way there, in vain: a tenth of what taking it costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def in_huge_pages(log: Log) -> None:
    """Starts the process again, the same one with the same arguments, with its heap in huge pages where the system has them.

    A process that wakes for each picture pays for every place of memory that it has not touched since: on a virtual machine
    whose memory is in small pieces, two fifths of what twenty viewers cost. The allocator is chosen when a process starts, so
    there is no other way in. Where that cannot be had the process goes on as it is.
    """
    if CHOSEN.items() <= os.environ.items():
        _named()
    elif _ours(sys.argv[0]) and _itself(sys.executable) and _listens() and (chosen := huge_pages(os.environ)):
        try:
            os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **chosen})  # noqa: S606 - our own words
        except OSError as problem:
            log({"level": "warning", "event": "huge pages", "error": problem.strerror})


def huge_pages(
    environ: Mapping[str, str], library: str = LIBRARY, system: Path = SYSTEM, process: Path = OURSELVES
) -> dict[str, str]:
    """What is to be added to this environment; nothing where it would not help, where it is there already, and where whoever
    runs the process chose an allocator. `library`: of C, with its version."""
    if any(environ.get(name) for name in OTHERWISE) or not _can_ask(library):
        return {}
    try:
        enabled, size = (system / "enabled").read_text(), int((system / "hpage_pmd_size").read_text())
        forbidden = re.search(r"^THP_enabled:\s*0$", (process / "status").read_text(), re.MULTILINE)
    except (OSError, ValueError):  # a system without them, or one that does not say
        return {}
    given = "[always]" in enabled or "[madvise]" in enabled
    return CHOSEN if given and size == HUGE and not forbidden else {}


def _can_ask(library: str) -> bool:
    found = re.match(r"glibc (\d+)\.(\d+)", library)
    return found is not None and (int(found[1]), int(found[2])) >= LEAST


def _ours(program: str) -> bool:
    """Whether this process is the command line, and not a program that calls it."""
    path = Path(program)
    return path.name == SCRIPT or path.parts[-2:] == ("gateway", "__main__.py")


def _itself(executable: str) -> bool:
    """Whether that is the program which runs: Python takes it from the name that it was called by, which may be another's."""
    with suppress(OSError):
        return Path(executable).samefile(OURSELVES / "exe")
    return False


def _listens() -> bool:
    """Whether this Python goes by its environment, and checks no memory (`-X dev`)."""
    return not (sys.flags.ignore_environment or sys.flags.dev_mode)


def _named() -> None:
    """By the name that it had before it was started again, for those who look for it by that."""
    if Path(sys.argv[0]).name == SCRIPT:
        with suppress(OSError):
            (OURSELVES / "comm").write_text(SCRIPT)
