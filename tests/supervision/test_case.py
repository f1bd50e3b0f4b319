"""The fold: states by table, and any order or portion of arrival gives the same case."""

import random
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision import events as e
from supervision.calendar import Calendar
from supervision.case import EFFECTS, FEN_SUM_MOST, Case, Fee, Sent, State, Stop, fold, follows, place, set_clock, step
from supervision.catalogue import Item, LimitUnit, PowerKind
from supervision.clock import DEFAULT_RULE, LightRule, day_of, light, light_rule
from supervision.wire import kinds
from tests.supervision.stories import SOURCE, beijing, event, told

CALENDAR, DAYS = Calendar(), LimitUnit.CALENDAR_DAY
PERMIT = Item(code="XK1", name="许可", kind=PowerKind.PERMIT, department="GAJ", statutory_days=20, promised_days=5)
PENALTY = Item(
    code="CF1", name="处罚", kind=PowerKind.PENALTY, department="GAJ", statutory_days=90, limit_unit=LimitUnit.CALENDAR_DAY
)
LIMITLESS = Item(code="XK2", name="许可", kind=PowerKind.PERMIT, department="GAJ")

STATES = """
    applied 03-02                                                                             | APPLIED             | -
    applied 03-02, materials_requested 03-03                                                  | MATERIALS_REQUESTED | -
    applied 03-02, materials_requested 03-03, materials_supplied 03-04                        | APPLIED             | -
    applied 03-02, materials_requested 03-03, accepted 03-04                                  | ACCEPTED            | -
    applied 03-02, accepted 03-03                                                             | ACCEPTED            | -
    applied 03-02, accepted 03-03, step_done 03-04                                            | ACCEPTED            | -
    applied 03-02, accepted 03-03, clock_stopped 03-04                                        | SUSPENDED           | -
    applied 03-02, accepted 03-03, clock_stopped 03-04, materials_supplied 03-05              | SUSPENDED           | -
    applied 03-02, accepted 03-03, clock_stopped 03-04, materials_requested 03-05             | MATERIALS_REQUESTED | -
    applied 03-02, accepted 03-03, clock_stopped:A 03-04, clock_stopped:B 03-05, clock_resumed 03-06   | ACCEPTED   | -
    applied 03-02, accepted 03-03, clock_stopped:A 03-04, clock_stopped:B 03-05, clock_resumed:A 03-06 | SUSPENDED  | -
    applied 03-02, clock_stopped 03-04, accepted 03-05                                        | SUSPENDED           | -
    applied 03-02, clock_resumed 03-04, materials_supplied 03-05                              | APPLIED             | -
    applied 03-02, refused 03-03                                                              | REFUSED             | 03-03
    applied 03-02, refused 03-03, accepted 03-04                                              | REFUSED             | 03-03
    applied 03-02, refused 03-03, closed 03-04, delivered 03-05                               | REFUSED             | 03-03
    applied 03-02, refused 03-03, accepted 03-04, decided 03-05                               | DECIDED             | 03-03
    applied 03-02, accepted 03-03, withdrawn 03-04                                            | WITHDRAWN           | 03-04
    applied 03-02, withdrawn 03-04, refused 03-05, closed 03-06                               | WITHDRAWN           | 03-04
    applied 03-02, accepted 03-03, decided 03-04                                              | DECIDED             | 03-04
    applied 03-02, accepted 03-03, decided 03-04, withdrawn 03-05                             | DECIDED             | 03-04
    applied 03-02, accepted 03-03, decided 03-04, clock_stopped 03-05, materials_requested 03-06 | DECIDED          | 03-04
    applied 03-02, accepted 03-03, clock_stopped 03-04, decided 03-05                         | DECIDED             | 03-05
    applied 03-02, accepted 03-03, decided 03-04, closed 03-05                                | CLOSED              | 03-04
    applied 03-02, accepted 03-03, closed 03-05, decided 03-06                                | CLOSED              | 03-05
    applied 03-02, accepted 03-03, closed 03-05, refused 03-06                                | CLOSED              | 03-05
    applied 03-02, closed 03-05, closed 03-06                                                 | CLOSED              | 03-05
    applied 03-02, accepted 03-03, decided 03-04, delivered 03-05                             | DELIVERED           | 03-04
    applied 03-02, accepted 03-03, decided 03-04, delivered 03-05, closed 03-06               | DELIVERED           | 03-04
    applied 03-02, accepted 03-03, delivered 03-05                                            | ACCEPTED            | -
    applied 03-02, accepted 03-03, delivered 03-05, closed 03-06                              | DELIVERED           | 03-06
    applied 03-02, accepted 03-03, closed 03-05, appealed 03-06, rated 03-07                  | CLOSED              | 03-05
    accepted 03-03                                                                            | INCOMPLETE          | -
    accepted 03-03, closed 03-05, delivered 03-06                                             | INCOMPLETE          | 03-05
    accepted 03-03, closed 03-05, delivered 03-06, applied 03-07                              | DELIVERED           | 03-05
    refused 03-03, applied 03-07                                                              | REFUSED             | 03-03
    materials_requested 03-03, applied 03-07                                                  | MATERIALS_REQUESTED | -
"""


@pytest.mark.parametrize("line", STATES.strip().splitlines())
def test_the_state_and_the_end_of_the_clock(line: str) -> None:
    story, state, ended = (cell.strip() for cell in line.split("|"))
    case = fold("1", told(story))
    assert case.state == State(state)
    assert case.ended_at == (None if ended == "-" else beijing(ended))


CLOCKS = """
    applied 11-16, accepted 11-16                                             | permit    | -     | 11-24 | no
    applied 11-16                                                             | permit    | -     | -     | no
    applied 11-16                                                             | permit    | 11-30 | 11-30 | no
    applied 11-16, accepted 11-16                                             | permit    | 11-30 | 11-24 | no
    applied 11-16, accepted 11-16                                             | limitless | 11-30 | 11-30 | no
    applied 11-16, accepted 11-16                                             | limitless | -     | -     | no
    applied 11-16, accepted 11-16                                             | -         | 11-30 | 11-30 | no
    applied 08-01                                                             | penalty   | -     | 10-31 | no
    applied 08-01, accepted 08-03                                             | penalty   | -     | 11-02 | no
    applied 11-16, accepted 11-16, accepted 11-20                             | permit    | -     | 11-24 | no
    applied 11-16, accepted 11-16, clock_stopped 11-18                        | permit    | 11-30 | -     | yes
    applied 11-16, materials_requested 11-16                                  | permit    | 11-30 | -     | yes
    applied 11-16, accepted 11-16, clock_stopped 11-18, clock_resumed 11-19   | permit    | -     | 11-26 | no
    applied 11-16, materials_requested 11-12, accepted 11-16                  | permit    | -     | 11-24 | no
    applied 11-16, accepted 11-16, clock_stopped 11-18, decided 11-19         | permit    | -     | 11-26 | no
    applied 11-16, accepted 11-16, decided 11-19, clock_stopped 11-20         | permit    | -     | 11-24 | no
    applied 11-16, accepted 11-16, clock_stopped 11-18, decided 11-19, clock_resumed 11-26 | permit | - | 11-26 | no
    applied 11-16, accepted 11-16, clock_stopped:A 11-17, clock_stopped:B 11-18, clock_resumed:A 11-18, clock_resumed:B 11-19 \
                                                                              | permit    | -     | 11-27 | no
    accepted 11-16                                                            | permit    | -     | -     | no
    accepted 11-16, clock_stopped 11-18                                       | permit    | -     | -     | no
    accepted 11-16, applied 11-18                                             | permit    | -     | 11-24 | no
"""
ITEMS = {"permit": PERMIT, "penalty": PENALTY, "limitless": LIMITLESS, "-": None}


@pytest.mark.parametrize("line", CLOCKS.strip().replace("\\\n", "").splitlines())
def test_whose_limit_counts_and_from_when(line: str) -> None:
    story, item, stated, due, stopped = (cell.strip() for cell in line.split("|"))
    case = fold("1", told(story))
    case.stated_due_at = None if stated == "-" else beijing(f"{stated} 00:00")
    set_clock(case, ITEMS[item], CALENDAR, DEFAULT_RULE)
    assert case.due_at == case.red_at == (None if due == "-" else beijing(f"{due} 00:00"))
    assert case.stopped is (stopped == "yes") is (case.stopped_at is not None)
    assert (case.warn_at is None) is (case.due_at is None)


def test_a_case_is_stopped_since_its_first_open_stop() -> None:
    case = fold("1", told("applied 03-02, materials_requested 03-03, clock_stopped 03-04"))
    set_clock(case, PERMIT, CALENDAR, DEFAULT_RULE)
    assert case.stopped_at == beijing("03-03")
    assert case.stops == [Stop("MATERIALS", beijing("03-03")), Stop("HEARING", beijing("03-04"))]


def test_a_procedure_that_is_over_ends_its_own_stop() -> None:
    case = fold("1", told("applied 03-02, clock_stopped:A 03-03, clock_stopped:B 03-04, clock_resumed:A 03-05"))
    set_clock(case, PERMIT, CALENDAR, DEFAULT_RULE)
    assert case.stops == [Stop("A", beijing("03-03"), beijing("03-05")), Stop("B", beijing("03-04"))]
    assert case.stopped_at == beijing("03-04")


def test_what_a_case_closed_late_looks_like_is_the_tenants_choice() -> None:
    """Yellow is past the limit (11-24), red five working days later (12-01); the case was decided between the two."""
    case = fold("1", told("applied 11-16, accepted 11-16, decided 11-25"))
    for closed_late, expected in (("GREEN", "GREEN"), ("RED", "RED")):
        rule = light_rule(f'{{"yellow": {{"past": 0}}, "red": {{"past": 5}}, "closedLate": "{closed_late}"}}')
        set_clock(case, PERMIT, CALENDAR, rule)
        now = beijing("12-20")
        found = light(incomplete=False, stopped=False, warn_at=case.warn_at, red_at=case.red_at, ended_at=case.ended_at, now=now)
        assert found == expected


def test_the_first_of_a_kind_gives_the_moment_and_the_latest_the_words() -> None:
    sent: list[e.Event] = [
        e.Applied(
            id="1", case="1", occurred_at=beijing("03-01"), department="A", item="X1", title="old", channel="DESK",
            applicant=e.Applicant(name="张三", phone="138"), planned_at=beijing("03-20"),
        ),
        e.Applied(
            id="2", case="1", occurred_at=beijing("03-02"), department="B", item="X2", title="new",
            applicant=e.Applicant(name="李四"), due_at=beijing("03-30"), officer="O1",
        ),
        e.Decided(id="3", case="1", occurred_at=beijing("03-03"), outcome="APPROVED", reason="why", officer="O2"),
        e.Decided(id="4", case="1", occurred_at=beijing("03-04"), outcome="DENIED"),
        e.Closed(id="5", case="1", occurred_at=beijing("03-05"), note="done"),
        e.Closed(id="6", case="1", occurred_at=beijing("03-06"), outcome="VOID"),
    ]  # fmt: skip
    case = fold("1", [(SOURCE, one) for one in sent])
    assert (case.applied_at, case.department, case.item, case.title) == (beijing("03-01"), "B", "X2", "new")
    assert (case.channel, case.applicant_name, case.applicant_phone) == ("DESK", "李四", "138")
    assert (case.stated_due_at, case.planned_at, case.officer) == (beijing("03-30"), beijing("03-20"), "O2")
    assert (case.decided_at, case.closed_at, case.ended_at) == (beijing("03-03"), beijing("03-05"), beijing("03-03"))
    assert (case.outcome, case.reason) == ("VOID", "why")


def test_sums_steps_ratings_and_counts() -> None:
    story = """applied 03-01, fee_charged:300 03-02, fee_paid:100 03-03, fee_paid:150 03-04, penalty_imposed:900 03-05,
               penalty_imposed:500 03-06, appealed 03-07, appeal_decided 03-08, appealed 03-09, step_done:A 03-10,
               step_done:B 03-11, rated:2 03-12, rated:4 03-13"""
    case = fold("1", told(story))
    assert (case.charged, case.paid, case.penalty, case.appeals) == (300, 250, 500, 2)
    assert (case.step, case.last_step_at, case.rating) == ("B", beijing("03-11"), 4)
    assert (case.events, case.first_event_at, case.last_event_at) == (13, beijing("03-01"), beijing("03-13"))
    assert case.fees == [
        Fee("CHARGED", None, 300, None, beijing("03-02")),
        Fee("PAID", None, 100, None, beijing("03-03")),
        Fee("PAID", None, 150, None, beijing("03-04")),
    ]


def test_sums_never_outgrow_their_column() -> None:
    at = beijing("03-01")
    case = Case("1", charged=FEN_SUM_MOST - 5, paid=FEN_SUM_MOST - 5)
    step(case, SOURCE, event("fee_charged", "1", at, "1000"))
    step(case, SOURCE, event("fee_paid", "2", at, "1000"))
    assert case.charged == case.paid == FEN_SUM_MOST


def test_the_order_is_moment_then_seq_with_nulls_last_then_id_then_source() -> None:
    at, later = beijing("03-01"), beijing("03-02")
    ordered: list[Sent] = [
        ("z", event("rated", "z", at, "1", seq=0)),
        ("z", event("rated", "y", at, "1", seq=3)),
        ("a", event("rated", "z", at, "1", seq=3)),
        ("a", event("rated", "a", at, "1")),
        ("b", event("rated", "a", at, "1")),
        ("a", event("rated", "b", at, "1")),
        ("a", event("rated", "a", later, "1", seq=0)),
    ]
    backwards = ordered[::-1]
    assert sorted(backwards, key=lambda one: place(*one)) == ordered
    case = Case("1")
    for one in ordered:
        assert follows(case, *one)
        step(case, *one)
        assert not any(follows(case, *before) for before in ordered[: ordered.index(one) + 1])


def test_a_step_out_of_order_is_not_taken() -> None:
    case = fold("1", told("applied 03-02"))
    with pytest.raises(ValueError, match="does not follow"):
        step(case, SOURCE, event("accepted", "x", beijing("03-01")))
    assert case == fold("1", told("applied 03-02"))


def test_every_kind_of_event_has_its_effect() -> None:
    assert set(EFFECTS) == set(get_args(e.Event))


moments = st.integers(0, 40).map(lambda hours: datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hours * 7))
details = {"clock_stopped": ["A", "B"], "clock_resumed": ["", "A", "B"], "applied": ["XK1", "CF1", "XK2"], "fee_paid": ["1", "2"]}


@st.composite
def stories(draw: st.DrawFn) -> list[Sent]:
    names = draw(st.lists(st.sampled_from(kinds()), max_size=14))
    return [
        (
            draw(st.sampled_from(["a", "b"])),
            event(
                kind, f"e{n}", draw(moments), draw(st.sampled_from(details.get(kind, [""]))), draw(st.none() | st.integers(0, 2))
            ),
        )
        for n, kind in enumerate(names)
    ]


def clocked(case: Case, rule: LightRule = DEFAULT_RULE) -> Case:
    set_clock(case, {"XK1": PERMIT, "CF1": PENALTY, "XK2": LIMITLESS}.get(case.item or ""), CALENDAR, rule)
    return case


@given(stories(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_case(sent: list[Sent], chance: random.Random) -> None:
    expected = fold("1", sent)
    shuffled = sent.copy()
    chance.shuffle(shuffled)
    assert fold("1", shuffled) == expected


@given(stories(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_any_portions_of_arrival_give_the_same_case(sent: list[Sent], chance: random.Random, size: int) -> None:
    """As ingest does it: what follows is stepped, anything late folds the case anew, the clock is set when it may have moved."""
    shuffled = sent.copy()
    chance.shuffle(shuffled)
    case, seen = clocked(Case("1")), list[Sent]()
    for start in range(0, len(shuffled), size):
        for one in sorted(shuffled[start : start + size], key=lambda one: place(*one)):
            seen.append(one)
            if not follows(case, *one):
                case = clocked(fold("1", seen))
            elif step(case, *one):
                clocked(case)
    assert case == clocked(fold("1", sent))


@given(stories())
def test_the_clock_moves_only_when_a_step_says_so(sent: list[Sent]) -> None:
    case = clocked(Case("1"))
    for one in sorted(sent, key=lambda one: place(*one)):
        if step(case, *one):
            clocked(case)
        before = Case(*(getattr(case, name) for name in case.__struct_fields__))
        assert clocked(case) == before


OPEN = {State.APPLIED, State.MATERIALS_REQUESTED, State.ACCEPTED, State.SUSPENDED}


@given(stories())
def test_what_always_holds_of_a_case(sent: list[Sent]) -> None:
    case = clocked(fold("1", sent))
    assert (case.state is State.INCOMPLETE) is (case.applied_at is None)
    assert case.applied_at is None or (case.state in OPEN) is (case.ended_at is None)
    assert case.stopped is (case.state in (State.SUSPENDED, State.MATERIALS_REQUESTED))
    assert not case.stopped or (case.warn_at, case.due_at, case.red_at) == (None, None, None)
    assert case.state is not State.INCOMPLETE or (case.due_at, case.stopped, case.provisional) == (None, False, False)
    ends = (case.decided_at, case.refused_at, case.withdrawn_at, case.closed_at)
    assert case.ended_at == min((end for end in ends if end is not None), default=None)
    assert [stop.stopped_at for stop in case.stops] == sorted(stop.stopped_at for stop in case.stops)


@given(stories())
def test_the_limit_of_a_permit_is_five_working_days_on_which_the_clock_ran(sent: list[Sent]) -> None:
    """Looks at every day after acceptance; the fold itself is trusted for the stops, tested above."""
    case = clocked(fold("1", sent))
    if case.due_at is None or case.item != "XK1":
        return
    assert case.accepted_at is not None
    end = case.ended_at or datetime.max.replace(tzinfo=UTC)
    spans = [(stop.stopped_at, min(stop.resumed_at or end, end)) for stop in case.stops]
    day, left = (case.accepted_at + timedelta(hours=8)).date(), 5
    while left:
        day += timedelta(1)
        begins = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
        stood = any(since < begins + timedelta(1) and until > begins and since < until for since, until in spans)
        left -= CALENDAR.is_working_day(day) and not stood
    assert day_of(case.due_at) == day.toordinal() + 1
