"""A place in the tree of rights, and the patterns that rows of the policy are written in. Text in, values out.

A path is `620000/620100/620102/@GAJ/#7/`: tenants from the root down, a department, a case by its id (`~wabo/!applied/`: an
ingest source, a kind of event); every segment ends in a slash, so no code is ever a prefix of another. Knows no policy.

| pattern       | covers                                                                       |
|---------------|------------------------------------------------------------------------------|
| `*`           | everything                                                                   |
| `X/*`         | X and everything of it and below it                                          |
| `X/@/*`       | X and everything of its own (departments, cases, sources), no tenant below   |
| `X/`          | X itself: its name and that it is there, no row of it                        |
| `X/@D/*`      | department D of X and its cases                                              |
| `X/*/@D/*`    | department D of X and of every tenant below: a line of duty (条线)            |
| `X/#7/*`      | case 7 of X, whatever department it is with                                  |
| `X/~s/*`      | the ingest source s of X; `X/~s/!applied/`: its events of that kind          |
"""

import re
from functools import lru_cache
from typing import NamedTuple

SEGMENT = r"[0-9A-Za-z_-]{1,128}"
FORM = re.compile(
    rf"(?P<root>(?:[0-9]{{6,12}}/)*)"
    rf"(?:(?P<all>\*)|(?P<own>@/\*)|(?P<deep>\*/)?@(?P<department>{SEGMENT})/(?:#(?P<its>[0-9]{{1,18}})/\*?|\*)"
    rf"|#(?P<case>[0-9]{{1,18}})/\*|~(?P<source>{SEGMENT})/(?:\*|!(?P<kind>[a-z_]{{1,64}})/))?"
)


class Pattern(NamedTuple):
    """`root`: a tenant's path, empty for the whole forest. `deep`: the tenants below it too. `what`: of each of them.

    `what` is "" for everything, "." for the tenant itself, `@D/`, `#7/`, `~s/` or `~s/!kind/`.
    """

    root: str
    deep: bool
    what: str

    def covers(self, other: "Pattern") -> bool:
        """Whether everything that the other pattern covers is covered by this one."""
        inside = other.root.startswith(self.root) if self.deep else not other.deep and other.root == self.root
        parts_of_it = self.what not in ("", ".") and other.what.startswith(self.what)
        return inside and (self.what in ("", other.what) or parts_of_it)

    def meets(self, other: "Pattern") -> bool:
        """Whether there may be a place that both cover. A case may be with any department."""
        if not (self._reaches(other.root) or other._reaches(self.root)):
            return False
        mine, theirs = self.what, other.what
        kinds = {mine[:1], theirs[:1]}
        return not (mine and theirs) or kinds == {"@", "#"} or mine.startswith(theirs) or theirs.startswith(mine)

    def _reaches(self, root: str) -> bool:
        return root.startswith(self.root) if self.deep else root == self.root


@lru_cache(8192)
def parsed(text: str) -> Pattern | None:
    """The pattern that a text says; None where it says none."""
    found = FORM.fullmatch(text)
    if found is None or not (text and (found["root"] or found["all"])):
        return None
    root, case = found["root"], found["its"] or found["case"]
    if case is not None:
        return None if found["deep"] else Pattern(root, False, f"#{int(case)}/")
    if found["department"] is not None:
        return Pattern(root, bool(found["deep"]), f"@{found['department']}/")
    if found["source"] is not None:
        return Pattern(root, False, f"~{found['source']}/" + (f"!{found['kind']}/" if found["kind"] else ""))
    return Pattern(root, bool(found["all"]), "" if found["all"] or found["own"] else ".")


def under(path: str, text: str) -> bool:
    """Whether a pattern covers a path. A text that says no pattern covers nothing."""
    pattern = parsed(text)
    return pattern is not None and covers_path(pattern, path)


def covers_path(pattern: Pattern, path: str) -> bool:
    """Whether a pattern covers a path, told apart into its tenant and what is of that tenant."""
    tenant = tenant_path(path)
    if not pattern._reaches(tenant):
        return False
    inside = path[len(tenant) :]
    if pattern.what == ".":
        return inside == ""
    if pattern.what.startswith("#"):
        return inside.endswith("/" + pattern.what) or inside == pattern.what
    return inside.startswith(pattern.what)


def tenant_path(path: str) -> str:
    """The tenants that a path or a pattern begins with; empty where it begins with none."""
    return path[: len(path) - len(path.lstrip("0123456789/"))]


def case_of(inside: str) -> int | None:
    """The id of the case that the end of a path names, where it names one."""
    last = inside.rstrip("/").rpartition("/")[2]
    return int(last[1:]) if last.startswith("#") and last[1:].isdecimal() else None
