"""What may be handed on, and through which row: never more than the giver holds, never for longer. Pure: rows in, a row out."""

from collections.abc import Iterable

from authz.policy import actions
from supervision.faults import Refusal
from supervision.grant import Grant


class DelegationExceeds(Refusal):
    """This is more than you hold: ask for less, or for a shorter time."""

    code = "DELEGATION_EXCEEDS"


def through(own: Iterable[Grant], wanted: Grant, now: float) -> Grant:
    """The first of the giver's own rows that holds all of `wanted` for all of its time. Raises DelegationExceeds.

    A row that is handed on without an end would outlive its reason: a delegation has one. What denies the giver anything of
    it, at any time in its span, stands against it.
    """
    rows = [row for row in own if now < row.expires]
    pattern = wanted.pattern
    if pattern is None or wanted.effect != "allow":
        raise DelegationExceeds("only what is allowed can be handed on")
    against = next((row for row in rows if row.effect == "deny" and denies(row, wanted)), None)
    if against is not None:
        raise DelegationExceeds(f"row {against.id} denies you {against.path}")
    holding = (row for row in rows if row.effect == "allow" and holds(row, wanted))
    found = next(holding, None)
    if found is None:
        raise DelegationExceeds(f"no row of yours holds {wanted.role} {wanted.path} from {wanted.not_before} to {wanted.expires}")
    return found


def holds(row: Grant, wanted: Grant) -> bool:
    """Whether a row allows all that another would, in every action, place and moment."""
    mine, theirs = row.pattern, wanted.pattern
    lasts = row.not_before <= wanted.not_before and wanted.expires <= row.expires
    return lasts and actions(wanted.role) <= actions(row.role) and mine is not None and theirs is not None and mine.covers(theirs)


def denies(row: Grant, wanted: Grant) -> bool:
    """Whether a denial takes something of it, at some moment of its time."""
    mine, theirs = row.pattern, wanted.pattern
    together = row.not_before < wanted.expires and wanted.not_before < row.expires
    concerned = not actions(row.role).isdisjoint(actions(wanted.role))
    return together and concerned and mine is not None and theirs is not None and mine.meets(theirs)


def handed_on(rows: Iterable[Grant], numbers: Iterable[int]) -> list[Grant]:
    """The rows of these numbers and every delegation that hands one of them on, however far, the first granted first."""
    by_giver: dict[int | None, list[Grant]] = {}
    found: dict[int, Grant] = {}
    for row in rows:
        by_giver.setdefault(row.through, []).append(row)
        found[row.id] = row
    going = [found[number] for number in dict.fromkeys(numbers) if number in found]
    for row in going:  # grows as it goes
        going += [one for one in by_giver.get(row.id, ()) if one not in going]
    return sorted(going, key=lambda row: row.id)


def cut_by(rows: Iterable[Grant], denial: Grant) -> list[Grant]:
    """The delegations that a denial of their giver ends, with what was handed on through them."""
    every = list(rows)
    own = {row.id for row in every if row.subject == denial.subject}
    return handed_on(every, [row.id for row in every if row.through in own and meets(row, denial)])


def meets(row: Grant, denial: Grant) -> bool:
    """Whether a denial would take something of what a row allows, at some time, whatever the role."""
    mine, theirs = row.pattern, denial.pattern
    together = row.not_before < denial.expires and denial.not_before < row.expires
    return together and mine is not None and theirs is not None and mine.meets(theirs)
