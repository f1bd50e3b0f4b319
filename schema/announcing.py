"""A change of the policy or of a hall, on record before it is made, and once more where it then was not made.

Knows no GraphQL and no SQL.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from schema.context import Change, Note
from supervision.faults import Failure, Refusal


@asynccontextmanager
async def announced(note: Note | None, change: Change) -> AsyncIterator[None]:
    """Around the change itself. Raises what `note` raises, before anything is changed, and what the change raises.

    A refusal comes before the commit: it has the second entry. A failure of ours, and a request whose time is over, leave the
    first entry alone: whether the change was made is not known then.
    """
    if note is None:
        yield
        return
    await note(change)
    try:
        yield
    except Refusal as refused:
        with suppress(Failure):  # whoever writes the record logs it; what is told is why the change was not made
            await note(change._replace(refused=refused.code))
        raise
