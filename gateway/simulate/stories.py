"""How a case goes: applications, and penalties, from their first event to their last, each with the quirks it drew.

Pure: dice, a calendar and an office in, events out. Knows no now: what lies in the future is told as well.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import TypeAlias

from gateway.simulate.diary import Diary
from gateway.simulate.offices import CHIEF, ENFORCING, WINDOW, Office, Power, post_of
from gateway.simulate.people import applicant
from supervision import events as e
from supervision.calendar import Calendar
from supervision.catalogue import LimitUnit, Step
from supervision.catalogue_file import Officer

GRANTED: Mapping[str, str] = {
    "PERMIT": "APPROVED",
    "FUNDS": "APPROVED",
    "COLLECTION": "COLLECTED",
    "COMPULSION": "LIFTED",
    "RECONSIDERATION": "UPHELD",
    "TRADING": "UPHELD",
    "DUTY": "ANSWERED",
    "PENALTY": "PENALISED",
}
"""Kind of power → the outcome when nothing speaks against it."""

CHANNELS = ("WINDOW", "WINDOW", "ONLINE", "ONLINE", "ONLINE", "MOBILE", "POST")
MATERIALS = ("营业执照复印件", "法定代表人身份证明", "场所使用证明", "平面布局图", "委托书", "验收报告")
REASONS = ("不属于本机关职权范围", "申请材料与实际情况不符", "不符合法定条件", "场所不符合要求")
REVIEWS = ("REVIEW", "LEGAL_REVIEW")
CIRCUMSTANCES = ("MINOR", "ORDINARY", "SERIOUS")
AGAINST = frozenset({"rejected", "rejected_silently"})

Quirks: TypeAlias = frozenset[str]


def story(
    rng: Random, calendar: Calendar, office: Office, power: Power, quirks: Quirks, no: str, begins: datetime
) -> list[e.Event]:
    """The events of one case, in the order in which they happened."""
    diary = Diary(rng, calendar, office, power, no, begins)
    if power.item.kind in ("PENALTY", "COMPULSION"):
        enforcement(diary, quirks)
    else:
        application(diary, quirks)
    return diary.events


def application(diary: Diary, quirks: Quirks) -> None:
    """Applied for, accepted or not, handled, decided, closed, delivered, rated."""
    if not entry(diary, quirks):
        return
    if "withdrawn" in quirks:
        diary.on(diary.after(diary.rng.randint(1, 3)))
        diary.tell(e.Withdrawn, note="申请人申请撤回")
        return
    finish = stopped(diary, quirks, finishing(diary, quirks))
    if "forgotten" not in quirks:
        handled(diary, quirks, finish)
        charged(diary, quirks)
        ended(diary, quirks, finish)
        delivered(diary)


def entry(diary: Diary, quirks: Quirks) -> bool:
    """The application, materials asked for, and whether it was accepted."""
    window = diary.window()
    diary.tell(e.Applied, window, **described(diary))
    if quirks & {"refused", "refused_silently"}:
        diary.on(diary.after(diary.rng.randint(0, 4)))
        diary.tell(e.Refused, window, reason=diary.rng.choice(REASONS) if "refused" in quirks else None)
        return False
    for _ in range(2 if "materials_twice" in quirks else 1 if quirks & {"materials", "materials_never"} else 0):
        materials(diary, window, supplied="materials_never" not in quirks)
    diary.on(diary.after(diary.rng.choice((0, 0, 0, 1, 2))))
    diary.tell(e.Accepted, window)
    return True


def described(diary: Diary) -> dict[str, object]:
    """What an application says: item, title, channel, applicant; the limit as the sender states it, where there is none by law."""
    power, rng, office = diary.power, diary.rng, diary.office
    said: dict[str, object] = {"department": power.item.department, "item": power.item.code, "title": power.item.name}
    said["channel"] = rng.choice(CHANNELS) if power.item.kind not in ("PENALTY", "COMPULSION") else None
    said["applicant"] = applicant(rng, office.code, office.name)
    planned = datetime.combine(diary.after(limit_of(power)), datetime.min.time(), diary.now.tzinfo)
    if power.item.limit is None:
        said["due_at"] = planned + timedelta(days=1)
    elif rng.random() < 0.4:
        said["planned_at"] = planned
    return said


def materials(diary: Diary, window: Officer, supplied: bool) -> None:
    """Materials requested and, usually, supplied some days later."""
    diary.on(diary.after(diary.rng.randint(0, 3)))
    diary.tell(e.MaterialsRequested, window, materials=tuple(diary.rng.sample(MATERIALS, diary.rng.randint(1, 3))))
    if supplied:
        diary.on(diary.after(diary.rng.randint(1, 8)))
        diary.tell(e.MaterialsSupplied, window)


def limit_of(power: Power) -> int:
    """Days of the limit that its clock runs by; 15 where it has none."""
    return power.item.limit.days if power.item.limit else 15


def finishing(diary: Diary, quirks: Quirks) -> date:
    """The day on which the decision is to fall: well within the limit, on its last day, or past it."""
    power, rng, began = diary.power, diary.rng, diary.now.date()
    limit = limit_of(power)
    calendar_days = power.item.limit_unit == LimitUnit.CALENDAR_DAY
    due = began + timedelta(days=limit) if calendar_days else diary.after(limit)
    if quirks & {"late", "tacit"}:
        return diary.calendar.add_working_days(due, rng.randint(1, max(2, limit // 3)))
    if "near_limit" in quirks:
        while not diary.calendar.is_working_day(due):
            due -= timedelta(days=1)
        return due
    share = rng.triangular(0.05, 0.8, 0.35)
    return began + timedelta(days=int(limit * share)) if calendar_days else diary.after(int(limit * share))


def stopped(diary: Diary, quirks: Quirks, finish: date) -> date:
    """A special procedure: the clock stands, and the decision falls as many working days later."""
    if not quirks & {"special", "special_overrun"}:
        return finish
    limit = diary.rng.randint(5, 15)
    took = limit + diary.rng.randint(2, 8) if "special_overrun" in quirks else diary.rng.randint(2, limit)
    diary.soon()
    officer = diary.officer(post_of(diary.power.item.steps[0]))
    diary.tell(e.ClockStopped, officer, procedure=diary.power.special, limit_days=limit)
    diary.on(diary.after(took))
    diary.tell(e.ClockResumed, officer)
    return diary.calendar.add_working_days(finish, took)


def handled(diary: Diary, quirks: Quirks, finish: date) -> None:
    """The steps of the item, in order, each by its post, except where a quirk has it otherwise."""
    steps = list(diary.power.item.steps)
    if "step_skipped" in quirks:
        steps.pop(diary.rng.randrange(len(steps)))
    if "steps_swapped" in quirks:
        steps.reverse()
    for left, step in zip(range(len(steps), 0, -1), steps, strict=True):
        diary.toward(finish, 1 / (left + 1))
        diary.tell(e.StepDone, doer(diary, quirks, step), step=step.code, post=step.post, opinion=opinion(step, quirks))


def doer(diary: Diary, quirks: Quirks, step: Step) -> Officer:
    """Who does a step."""
    staff = diary.office.staff
    if "one_person" in quirks:
        return staff[diary.power.item.department, post_of(diary.power.item.steps[0])][0]
    if "wrong_post" in quirks and step is diary.power.item.steps[-1]:
        return diary.officer(WINDOW)
    if "no_certificate" in quirks and step.post in ENFORCING:
        return staff[diary.power.item.department, step.post][2]
    return diary.officer(post_of(step))


def opinion(step: Step, quirks: Quirks) -> str:
    against = quirks & (AGAINST | {"against_review"})
    return "不同意" if step.code in REVIEWS and against else "同意"


def charged(diary: Diary, quirks: Quirks) -> None:
    """The item's fee, charged and paid; wrong or without a basis where a quirk has it so."""
    fee, rng = next(iter(diary.power.item.fees), None), diary.rng
    if "fee_baseless" in quirks:
        amount, said = rng.randint(50, 800) * 100, {}
    elif fee is not None:
        amount = round(fee.amount * rng.choice((0.5, 1.2, 1.5, 2))) if "fee_wrong" in quirks else fee.amount
        said = {"fee": fee.code, "basis": fee.basis}
    else:
        return
    diary.soon()
    diary.tell(e.FeeCharged, diary.window(), amount=amount, **said)
    diary.soon()
    diary.tell(e.FeePaid, amount=amount, fee=said.get("fee"))


def ended(diary: Diary, quirks: Quirks, finish: date) -> None:
    """The decision and the closing, in this order unless a quirk turns it round."""
    chief = doer(diary, quirks, diary.power.item.steps[0]) if "one_person" in quirks else diary.officer(CHIEF)
    diary.on(finish)
    if "closed_first" in quirks:
        diary.tell(e.Closed, chief)
        diary.soon()
    decided(diary, quirks, chief)
    if diary.power.tier is not None and not quirks & AGAINST:
        imposed(diary, quirks, chief)
    if "closed_first" not in quirks:
        diary.soon()
        diary.tell(e.Closed, chief)


def decided(diary: Diary, quirks: Quirks, chief: Officer) -> None:
    if "tacit" in quirks:
        diary.tell(e.Decided, outcome="TACIT_APPROVAL", reason="逾期未作出决定,视为准予")
    elif quirks & AGAINST:
        diary.tell(e.Decided, chief, outcome="REJECTED", reason=diary.rng.choice(REASONS) if "rejected" in quirks else None)
    else:
        diary.tell(e.Decided, chief, outcome=GRANTED[diary.power.item.kind])


def delivered(diary: Diary) -> None:
    """The result reaches the applicant, who may rate it."""
    diary.on(diary.after(diary.rng.choice((0, 1, 1, 2, 5))))
    diary.tell(e.Delivered)
    if diary.rng.random() < 0.35:
        diary.soon()
        diary.tell(e.Rated, rating=diary.rng.choices((1, 2, 3, 4, 5), (2, 2, 6, 25, 65))[0])


def enforcement(diary: Diary, quirks: Quirks) -> None:
    """Filed, investigated, reviewed, decided; a penalty imposed, delivered, paid or contested; closed."""
    officer = doer(diary, quirks, diary.power.item.steps[0])
    diary.tell(e.Applied, officer, **described(diary))
    diary.soon()
    diary.tell(e.Accepted, officer)
    finish = finishing(diary, quirks)
    if "forgotten" not in quirks:
        handled(diary, quirks, finish)
        ended(diary, quirks, finish)


def imposed(diary: Diary, quirks: Quirks, chief: Officer) -> None:
    """The amount, its delivery, and whether it was paid or contested."""
    tier, rng = diary.power.tier or (0, 0), diary.rng
    which = rng.randrange(3)
    third = (tier[1] - tier[0]) // 3
    amount = tier[0] + which * third + rng.randrange(third + 1)
    if "outside_tier" in quirks:
        amount = rng.choice((tier[0] // 2, tier[1] + tier[1] // 2))
    amount = amount // 100 * 100
    diary.soon()
    diary.tell(e.PenaltyImposed, chief, amount=amount, basis=diary.power.item.legal_basis, circumstances=CIRCUMSTANCES[which])
    diary.on(diary.after(rng.randint(1, 5)))
    diary.tell(e.Delivered)
    if "unpaid" not in quirks:
        diary.on(diary.after(rng.randint(0, 10)))
        diary.tell(e.FeePaid, amount=amount // 2 if "paid_short" in quirks else amount)
    if "appealed" in quirks:
        diary.on(diary.after(rng.randint(3, 30)))
        diary.tell(e.Appealed, body="FY-SFJ-01")
        diary.on(diary.after(rng.randint(15, 40)))
        diary.tell(e.AppealDecided, outcome=rng.choice(("MAINTAINED", "MAINTAINED", "MAINTAINED", "REVOKED")))
