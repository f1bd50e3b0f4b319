"""A change of the policy, on record before it is made, and once more where it then was not made. Knows no GraphQL and no SQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from schema.context import Change, Note
from supervision.faults import Failure, Fault


@asynccontextmanager
async def announced(note: Note | None, change: Change) -> AsyncIterator[None]:
    """Around the change itself. Raises what `note` raises, before anything is changed, and what the change raises.

    Whoever is cut off (by the time limit, say) leaves the first entry alone: whether it was made is not known then.
    """
    if note is None:
        yield
        return
    await note(change)
    try:
        yield
    except Exception as problem:  # whatever refused it, but no cancelled request: its time is over; it goes on as it came
        code = problem.code if isinstance(problem, Fault) else Failure.code
        with suppress(Failure):  # whoever writes the record logs it; what is told is why the change was not made
            await note(change._replace(refused=code))
        raise
