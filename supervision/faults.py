"""Everything that can go wrong, as one tree. Knows no HTTP status and no GraphQL error: the door dresses them.

Fault                       has a `code` that never changes; its docstring is the message, in English;
│                           `args[0]` is the detail: what to do, or what was found
├── Refusal                 the caller's doing: message and detail may be shown
└── Failure                 ours: logged in full, shown as "Internal error" with an id, unless `public`

Each room adds its own leaves below these two, in its own module beside what raises them. The words people
read come from the message catalogues by `code`; the docstring is their English default.
"""

from typing import ClassVar


class Fault(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "FAULT"

    @property
    def message(self) -> str:
        """The first line of the docstring, then the detail if there is one."""
        told = (type(self).__doc__ or "").strip().splitlines()[0]
        return f"{told} {self.detail}".strip()

    @property
    def detail(self) -> str:
        """What was found, or what to do; may be empty."""
        return str(self.args[0]) if self.args else ""


class Refusal(Fault):
    """The request cannot be granted."""

    code = "REFUSED"


class Failure(Fault):
    """Internal error."""

    code = "INTERNAL"
    public: ClassVar[bool] = False


class TenantNotFound(Refusal):
    """No such tenant, or not one you may see."""

    code = "TENANT_NOT_FOUND"


class TenantTimedOut(Failure):
    """The tenant did not answer in time."""

    code = "TENANT_TIMED_OUT"
    public = True


class TenantUnreachable(Failure):
    """The tenant's database cannot be reached."""

    code = "TENANT_UNREACHABLE"
    public = True


class TenantBroken(Failure):
    """The tenant's database answers with an error."""

    code = "TENANT_BROKEN"
    public = True


def first(faults: BaseExceptionGroup[Fault]) -> Fault:
    """What went wrong first among tasks that ran side by side."""
    found = faults.exceptions[0]
    return first(found) if isinstance(found, BaseExceptionGroup) else found
