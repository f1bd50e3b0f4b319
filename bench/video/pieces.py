"""Memory in small pieces, as on a machine that has run for long: `python -m bench.video.pieces GIB`, until its input ends.

Takes so many GiB in pages of 4 KiB and gives every fourth back in any order, so what others take next lies all over the
machine's memory. Says "ready" then. Linux. Knows nothing of what is measured in it.
"""

import mmap
import random
import sys

PAGE = mmap.PAGESIZE
GIVEN_BACK = 4
SEED = 1


def main(gib: str) -> None:
    pages = int(float(gib) * 2**30) // PAGE
    with mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(pages):
            memory[page * PAGE] = 1
        for page in random.Random(SEED).sample(range(pages), pages // GIVEN_BACK):
            memory.madvise(mmap.MADV_DONTNEED, page * PAGE, PAGE)
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
