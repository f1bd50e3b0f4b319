"""A newcomer: a fresh clone, `make demo`, the pasted query, a second start, `make test`; nothing installed by hand.

Clones the last commit, not the working tree.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from acceptance._figures import Figures, scratch
from tests.postgres import free_port

ROOT = Path(__file__).parent.parent
SUMMARY = "{ cases { totalCount } tenants(first: 200) { totalCount } }"


class Demo:
    """What a running `make demo` printed."""

    def __init__(self, printed: str) -> None:
        self.tokens = dict(re.findall(r"^  \w+ +(\d{6}) \S+  (\S+)$", printed, re.MULTILINE))
        self.pasted = shlex.split(printed.splitlines()[-1])
        self.url = next(word for word in self.pasted if word.startswith("http"))

    def paste(self) -> Any:
        """The printed query, as its curl would send it."""
        headers = dict(word.split(": ", 1) for option, word in pairwise(self.pasted) if option == "-H")
        return httpx.post(self.url, content=self.pasted[-1], headers=headers).json()

    def counts(self, token: str) -> tuple[int, int]:
        """Cases and tenants that this person sees."""
        data = httpx.post(self.url, json={"query": SUMMARY}, headers={"Authorization": f"Bearer {token}"}).json()["data"]
        return data["cases"]["totalCount"], data["tenants"]["totalCount"]


@contextmanager
def demo(clone: Path) -> Iterator[Demo]:
    """`make demo` until the block ends: no terminal, and Ctrl-C at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MINGJING_", "VIRTUAL_ENV"))}
    command = ["make", "demo", f"PORT={free_port()}"]
    with subprocess.Popen(
        command, cwd=clone, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:  # fmt: skip
        try:
            yield Demo(printed(process))
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)


def printed(process: subprocess.Popen[str]) -> str:
    """All of its output up to the query to paste."""
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith("  curl "):
            return "".join(lines)
    sys.exit(f"make demo ended: {''.join(lines)}")


def arrived(running: Demo, token: str, since: int, within: float) -> bool:
    """Whether a case more is there before long."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if running.counts(token)[0] > since:
            return True
        time.sleep(0.5)
    return False


def main() -> None:
    figures = Figures()
    with scratch("newcomer") as folder:
        clone = folder / "mingjing"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        began = time.perf_counter()
        with demo(clone) as running:
            figures.at_most("make demo, installation included", time.perf_counter() - began, 180)
            seen = {code: running.counts(token) for code, token in running.tokens.items()}
            province, city, county = running.tokens
            figures.equal("tenants that the three see", [tenants for _, tenants in seen.values()], [101, 9, 1])
            figures.equal("databases", len(list((clone / "var/demo/tenants").glob("*.db"))), 101)
            figures.equal(
                "cases in thousands", seen[province][0] >= 2000 and seen[province][0] > seen[city][0] > seen[county][0] > 0, True
            )
            figures.say("cases", " ".join(f"{code}: {cases:,}" for code, (cases, _) in seen.items()))
            pasted = running.paste()
            figures.equal("the pasted query, errors", pasted.get("errors", []), [])
            figures.equal("the pasted query, rows", len(pasted["data"]["cases"]["nodes"]), 5)
            figures.equal("more arrives", arrived(running, running.tokens[province], seen[province][0], 30), True)
        began = time.perf_counter()
        with demo(clone) as running:
            figures.at_most("second start", time.perf_counter() - began, 15)
            figures.equal("its data was kept", running.counts(running.tokens[province])[0] >= seen[province][0], True)
        began = time.perf_counter()
        tested = subprocess.run(["make", "test"], cwd=clone, check=False)
        figures.equal("make test, exit code", tested.returncode, 0)
        figures.say("make test", f"{time.perf_counter() - began:.0f} s")
    figures.end()


if __name__ == "__main__":
    main()
