"""A real demo for a check: a process of its own, data in the check's own folder, no event arriving; asked over HTTP.

Its tokens are those that it prints. Knows nothing of what is checked.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent


class Served:
    """A demo that runs. `tokens`: tenant → its supervisor's."""

    def __init__(self, printed: str, folder: Path) -> None:
        self.folder = folder
        self.url = re.findall(r"at (http://\S+)/graphql", printed)[0]
        self.tokens = dict(re.findall(r"^  \w+ +(\d{6}) \S+  (\S+)$", printed, re.MULTILINE))
        self.client = httpx.Client(base_url=self.url, timeout=60)
        self.asked = 0

    def ask(self, person: str, query: str, variables: dict[str, Any] | None = None) -> httpx.Response:
        """One query as the supervisor of this tenant."""
        self.asked += 1
        headers = {"Authorization": f"Bearer {self.tokens[person]}"}
        return self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    def data(self, person: str, query: str, variables: dict[str, Any] | None = None) -> Any:
        """The data of an answer without errors."""
        answer = self.ask(person, query, variables).json()
        if "errors" in answer:
            sys.exit(f"{query}\n{variables}\n{answer['errors'][:3]}")
        return answer["data"]


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    """`mingjing demo` until the block ends, with the environment's settings left out."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MINGJING_")}
    command = [sys.executable, "-m", "gateway", "demo", "--port", "0", "--data", str(folder), "--live", "0", *options]
    with (folder.parent / "stderr").open("a") as errors, subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:  # fmt: skip
        try:
            running = Served(printed(process, folder), folder)
            with running.client:
                yield running
        finally:
            process.terminate()


def printed(process: subprocess.Popen[str], folder: Path) -> str:
    """All of its output up to the query to paste."""
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith("  curl "):
            return "".join(lines)
    raise SystemExit(f"the demo ended: {''.join(lines)}{(folder.parent / 'stderr').read_text()}")
