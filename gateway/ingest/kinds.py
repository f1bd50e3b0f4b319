"""Which kinds of event a sender may send: all of a source, or those that its grants name."""

from collections.abc import Set

from authz.policy import CASE_INGEST
from supervision.faults import Refusal
from supervision.scope import Scope
from supervision.wire import kinds
from tenants.receipts import Arrival


class EventKindNotGranted(Refusal):
    """You may not send events of this kind; ask the policy administrator for it, or send them as another source."""

    code = "EVENT_KIND_NOT_GRANTED"


def granted(scope: Scope, source: str) -> frozenset[str]:
    """The kinds that may be sent as this source, whose path is given; all of them where the source is granted whole."""
    return frozenset(kind for kind in kinds() if scope.can(CASE_INGEST, f"{source}!{kind}/"))


def within(kinds: Set[str], arrival: Arrival) -> Arrival:
    """The arrival itself, or refused where its kind was not granted."""
    event = arrival.event
    if event is None or (kind := type(event).__struct_config__.tag) in kinds:
        return arrival
    return arrival._replace(event=None, fault=EventKindNotGranted(f"({kind})"))
