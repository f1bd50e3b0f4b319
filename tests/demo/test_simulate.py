"""What a simulation sends: the same for the same seed, within office hours, with every irregularity that the domain knows."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta

import pytest

from gateway.simulate.delivery import Line, sent
from gateway.simulate.diary import CHINA
from gateway.simulate.offices import ENFORCING, Office, Power, office
from gateway.simulate.people import dice
from gateway.simulate.quirks import QUIRKS, can_happen, drawn
from gateway.simulate.stories import story
from gateway.simulate.world import Present, Volume, history
from supervision import events as e
from supervision.calendar import Calendar
from supervision.case import State, fold, set_clock
from supervision.catalogue import findings
from supervision.clock import LightRule
from supervision.faults import Refusal
from supervision.tree import Level
from supervision.wire import decode

CALENDAR = Calendar()
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
COUNTY = office(1, "620102", "城关区", Level.COUNTY)
CITY = office(1, "620100", "兰州市", Level.CITY)
BEGINS = datetime(2026, 3, 2, 9, 30, tzinfo=CHINA)
Told = list[e.Event]


def test_the_same_seed_gives_the_same_lines_and_another_seed_others() -> None:
    volume = Volume(cases=40, days=60)
    first, again = (history(office(7, "620102", "城关区", Level.COUNTY), CALENDAR, 7, volume, NOW) for _ in range(2))
    assert first == again
    assert first.past != history(office(8, "620102", "城关区", Level.COUNTY), CALENDAR, 8, volume, NOW).past


def test_a_past_ends_now_and_what_is_to_come_belongs_to_open_cases() -> None:
    past, ahead = history(COUNTY, CALENDAR, 1, Volume(cases=80, days=60), NOW)
    assert past == sorted(past, key=lambda line: line.at)
    assert all(line.at <= NOW for line in past)
    assert ahead
    assert all(line.at > NOW for lines in ahead for line in lines)


def test_things_happen_in_office_hours_of_working_days() -> None:
    for event in of_many(frozenset()):
        local = event.occurred_at.astimezone(CHINA)
        assert CALENDAR.is_working_day(local.date())
        assert time(8, 30) <= local.time() <= time(17, 40)


def test_a_case_without_quirks_is_in_order_and_green() -> None:
    for power in COUNTY.powers:
        events = tale(power, frozenset())
        assert events == sorted(events, key=lambda event: event.occurred_at)
        case = fold(events[0].case, [("approval", event) for event in events])
        assert case.state in (State.CLOSED, State.DELIVERED)
        set_clock(case, power.item, CALENDAR, LightRule())
        assert case.red_at is None or (case.ended_at is not None and case.ended_at < case.red_at)


def test_a_catalogue_holds_the_faults_that_prior_supervision_looks_for() -> None:
    offices = [office(1, f"6201{n:02d}", "某县", Level.COUNTY) for n in range(2, 30)]
    found = Counter(code for place in offices for power in place.powers for code in findings(power.item))
    assert set(found) == {"LEGAL_BASIS_MISSING", "LIMIT_MISSING", "PROMISED_ABOVE_STATUTORY"}
    assert sum(found.values()) < 0.15 * sum(len(place.powers) for place in offices)


def test_every_irregularity_is_drawn_about_as_often_as_its_share_says() -> None:
    rng = dice("shares")
    powers = [power for power in (*COUNTY.powers, *CITY.powers) for _ in range(400)]
    counted = Counter(name for power in powers for name in drawn(rng, power))
    assert set(counted) == set(QUIRKS)
    for name, quirk in QUIRKS.items():
        share = counted[name] / sum(can_happen(name, power) for power in powers)
        assert 0.4 * quirk.share < share < 1.6 * quirk.share, name


def test_no_case_has_two_quirks_that_exclude_each_other() -> None:
    rng = dice("groups")
    for power in COUNTY.powers * 200:
        groups = [QUIRKS[name].group for name in drawn(rng, power)]
        assert len(groups) == len(set(groups))


# --- each quirk shows in what is told -------------------------------------------------------------------------------


def power_for(quirk: str) -> Power:
    return next(power for power in (*COUNTY.powers, *CITY.powers) if can_happen(quirk, power) and power.item.limit)


def tale(power: Power, quirks: frozenset[str], seed: int = 0) -> Told:
    place = COUNTY if power in COUNTY.powers else CITY
    return story(dice(seed, power.item.code), CALENDAR, place, power, quirks, "620102-XX-1", BEGINS)


def of_many(quirks: frozenset[str]) -> list[e.Event]:
    return [event for power in COUNTY.powers for seed in range(5) for event in tale(power, quirks, seed)]


def kinds(events: Told) -> list[type]:
    return [type(event) for event in events]


def only(events: Told, kind: type) -> list[e.Event]:
    return [event for event in events if type(event) is kind]


def clocked(power: Power, events: Told) -> tuple[datetime | None, datetime | None]:
    """(ended, due) as the product's own clock has them."""
    case = fold(events[0].case, [("approval", event) for event in events])
    set_clock(case, power.item, CALENDAR, LightRule())
    return case.ended_at, case.due_at


def is_late(power: Power, events: Told) -> bool:
    ended, due = clocked(power, events)
    return ended is not None and due is not None and ended >= due


def is_near(power: Power, events: Told) -> bool:
    ended, due = clocked(power, events)
    return ended is not None and due is not None and timedelta(0) < due - ended < timedelta(days=4)


def paid(events: Told) -> int:
    return sum(event.amount for event in events if isinstance(event, e.FeePaid))


def certified(place: Office) -> set[str]:
    return {who.code for staff in place.staff.values() for who in staff if who.certificate}


def steps_done(events: Told) -> list[str]:
    return [event.step for event in events if isinstance(event, e.StepDone)]


def amount(events: Told, kind: type) -> int:
    return next(event.amount for event in events if type(event) is kind)


Shown = Callable[[Power, Told], bool]
SHOWN: dict[str, Shown] = {
    "near_limit": is_near,
    "late": is_late,
    "forgotten": lambda _, told: not {e.Decided, e.Closed} & set(kinds(told)),
    "tacit": lambda power, told: is_late(power, told) and only(told, e.Decided)[0].outcome == "TACIT_APPROVAL",
    "refused": lambda _, told: kinds(told) == [e.Applied, e.Refused] and bool(told[-1].reason),
    "refused_silently": lambda _, told: kinds(told) == [e.Applied, e.Refused] and told[-1].reason is None,
    "materials": lambda _, told: kinds(told)[1:3] == [e.MaterialsRequested, e.MaterialsSupplied],
    "materials_twice": lambda _, told: len(only(told, e.MaterialsRequested)) == 2,
    "materials_never": lambda _, told: (
        kinds(told)[1] is e.MaterialsRequested
        and e.MaterialsSupplied not in kinds(told)
        and only(told, e.Decided)[0].outcome == "APPROVED"
    ),
    "withdrawn": lambda _, told: kinds(told)[-1] is e.Withdrawn,
    "special": lambda _, told: e.ClockStopped in kinds(told) and not overran(told),
    "special_overrun": lambda _, told: overran(told),
    "step_skipped": lambda power, told: len(steps_done(told)) < len(power.item.steps),
    "steps_swapped": lambda power, told: steps_done(told) == [step.code for step in power.item.steps][::-1],
    "one_person": lambda _, told: len({event.officer for event in told if isinstance(event, e.StepDone | e.Decided)}) == 1,
    "wrong_post": lambda power, told: only(told, e.StepDone)[-1].officer in at_window(power),
    "closed_first": lambda _, told: kinds(told).index(e.Closed) < kinds(told).index(e.Decided),
    "rejected": lambda _, told: only(told, e.Decided)[0].outcome == "REJECTED" and bool(only(told, e.Decided)[0].reason),
    "rejected_silently": lambda _, told: only(told, e.Decided)[0].outcome == "REJECTED" and not only(told, e.Decided)[0].reason,
    "against_review": lambda _, told: (
        only(told, e.StepDone)[-1].opinion == "不同意" and only(told, e.Decided)[0].outcome != "REJECTED"
    ),
    "fee_wrong": lambda power, told: amount(told, e.FeeCharged) != power.item.fees[0].amount,
    "fee_baseless": lambda _, told: only(told, e.FeeCharged)[0].basis is None,
    "outside_tier": lambda power, told: not power.tier[0] <= amount(told, e.PenaltyImposed) <= power.tier[1],
    "no_certificate": lambda _, told: any(done.officer not in certified(COUNTY) for done in told if enforced(done)),
    "unpaid": lambda _, told: e.PenaltyImposed in kinds(told) and paid(told) == 0,
    "paid_short": lambda _, told: 0 < paid(told) < amount(told, e.PenaltyImposed),
    "appealed": lambda _, told: (
        [e.Appealed, e.AppealDecided] == [kind for kind in kinds(told) if kind in (e.Appealed, e.AppealDecided)]
    ),
}
"""Quirk → whether a story shows it."""


def overran(told: Told) -> bool:
    stop, resumed = only(told, e.ClockStopped)[0], only(told, e.ClockResumed)[0]
    took = CALENDAR.working_days_between(stop.occurred_at.date(), resumed.occurred_at.date())
    return took > stop.limit_days


def at_window(power: Power) -> set[str]:
    return {who.code for who in COUNTY.staff[power.item.department, "窗口人员"]}


def enforced(event: e.Event) -> bool:
    return isinstance(event, e.StepDone) and event.post in ENFORCING


@pytest.mark.parametrize("quirk", SHOWN)
def test_a_quirk_shows_in_its_story_and_in_no_plain_one(quirk: str) -> None:
    power = power_for(quirk)
    for seed in range(20):
        assert SHOWN[quirk](power, tale(power, frozenset({quirk}), seed)), seed
    plain = [tale(power, frozenset(), seed) for seed in range(20)]
    assert sum(shows(quirk, power, told) for told in plain) <= (2 if quirk in ("near_limit", "one_person") else 0)


def shows(quirk: str, power: Power, told: Told) -> bool:
    """A detector that finds none of its events in a plain story has found no quirk."""
    try:
        return SHOWN[quirk](power, told)
    except (IndexError, StopIteration):
        return False


# --- and in what is sent ---------------------------------------------------------------------------------------------


def lines_of(quirk: str, seed: int) -> tuple[Told, list[Line]]:
    events = tale(COUNTY.powers[0], frozenset(), seed)
    return events, sent(dice(seed), events, "approval", frozenset({quirk}))


def ids(lines: Sequence[Line]) -> list[str]:
    return [decode(line.body).id for line in lines]


@pytest.mark.parametrize("seed", range(20))
def test_a_delivery_goes_wrong_as_its_quirk_says(seed: int) -> None:
    told, lines = lines_of("none", seed)
    assert ids(lines) == [event.id for event in told]

    told, lines = lines_of("early_missing", seed)
    assert 0 < len(told) - len(lines) <= 2
    assert not isinstance(decode(lines[0].body), e.Applied)

    told, lines = lines_of("out_of_order", seed)
    assert sorted(ids(lines)) == [event.id for event in told] != ids(lines)

    told, lines = lines_of("duplicate", seed)
    assert len(lines) == len(told) + 1
    assert len({line.body for line in lines}) == len(told)

    told, lines = lines_of("conflict", seed)
    assert len({line.body for line in lines}) == len(told) + 1
    assert len(set(ids(lines))) == len(told)

    told, lines = lines_of("unknown_item", seed)
    assert decode(lines[0].body).item not in {power.item.code for power in COUNTY.powers}


def test_garbage_is_refused_for_several_reasons() -> None:
    reasons = Counter(refusal_of(line) for seed in range(60) for line in lines_of("garbage", seed)[1])
    assert set(reasons) == {"", "NOT_JSON", "TIME_WITHOUT_ZONE", "NUMBER_OUT_OF_RANGE", "EVENT_KIND_UNKNOWN"}
    assert sum(number for reason, number in reasons.items() if reason) == 60


def refusal_of(line: Line) -> str:
    try:
        decode(line.body)
    except Refusal as refusal:
        return refusal.code
    return ""


# --- live -------------------------------------------------------------------------------------------------------------


def test_live_lines_happen_now_carry_old_cases_on_and_begin_new_ones() -> None:
    ahead = history(COUNTY, CALENDAR, 1, Volume(cases=60, days=40), NOW).ahead
    old = {decode(lines[0].body).case for lines in ahead}
    present = Present([COUNTY, CITY], CALENDAR, 1, "r1")
    present.resume("620102", ahead)
    seen: dict[str, list[e.Event]] = defaultdict(list)
    for second in range(400):
        moment = NOW + timedelta(seconds=second)
        tenant, line = present.next(moment)
        assert line.at == moment
        if not refusal_of(line):
            event = decode(line.body)
            seen[tenant].append(event)
            assert event.occurred_at <= moment
            assert event.id.endswith("r1")
    cases = {event.case for events in seen.values() for event in events}
    assert set(seen) == {"620102", "620100"}
    assert cases & old
    assert cases - old
    assert Counter(map(type, seen["620102"]))[e.Closed] > 0


def test_two_runs_share_no_event_ids() -> None:
    def run(stamp: str) -> set[str]:
        present = Present([COUNTY], CALENDAR, 1, stamp)
        lines = [present.next(NOW)[1] for _ in range(200)]
        return {decode(line.body).id for line in lines if not refusal_of(line)}

    assert run("a").isdisjoint(run("b"))
