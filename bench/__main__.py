"""`python -m bench [NAME …]`: runs the measurements, prints one table, writes bench/results.json.

Exit code 1 where a bound is missed, 2 where a name is unknown. Results of measurements that were not run are kept.
"""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import orjson

from bench.one import MEASUREMENTS, WITHOUT_DATA
from bench.places import Places, opened
from bench.result import table

NOWHERE = Places("", "", Path())
RESULTS = Path(__file__).parent / "results.json"


def main(arguments: Sequence[str]) -> int:
    names = chosen(arguments)
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        print(f"unknown: {' '.join(unknown)}; there are {' '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    commit, found = revision(), {}
    with nullcontext(NOWHERE) if set(names) <= WITHOUT_DATA else opened() as places:
        for n, name in enumerate(names, 1):
            print(f"[{n}/{len(names)}] {name}", file=sys.stderr, flush=True)
            found[name] = run(name, places, commit)
    write(found)
    print(table(result for result in found.values() if "checks" in result))
    missed = [name for name in names if not found[name]["ok"]]
    print(f"missed: {' '.join(missed)}" if missed else "every bound holds")
    return 1 if missed else 0


def chosen(arguments: Sequence[str]) -> list[str]:
    """`NAME`, `only=NAME` or `only=NAME,NAME`, where a name may stand for several (TOGETHER); nothing: all of them."""
    names = [name for argument in arguments for name in argument.removeprefix("only=").replace(",", " ").split()]
    return list(dict.fromkeys(one for name in names for one in TOGETHER.get(name, (name,)))) or list(MEASUREMENTS)


TOGETHER = {"policy": ("policy", "policy-masks-postgres", "policy-masks-sqlite", "audit-postgres", "audit-sqlite")}


def revision() -> str:
    """The commit that is measured, marked where the tree differs from it."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    return f"{commit}-dirty" if _git("status", "--porcelain", "--untracked-files=no") else commit


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def run(name: str, places: Places, commit: str) -> dict[str, Any]:
    """One measurement in a process of its own. One that fails is told as such, and the others go on."""
    command = [sys.executable, "-m", "bench.one", name, places.few, places.many, str(places.files), commit]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        return {"name": name, "ok": False, "failed": done.returncode, "commit": commit}
    return orjson.loads(done.stdout)  # type: ignore[no-any-return]


def write(found: dict[str, dict[str, Any]]) -> None:
    before = {result["name"]: result for result in orjson.loads(RESULTS.read_bytes())} if RESULTS.exists() else {}
    held = before | found
    RESULTS.write_bytes(orjson.dumps([held[name] for name in MEASUREMENTS if name in held], option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
