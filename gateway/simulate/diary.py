"""The diary of one case: what happened, told one event after another at moments in office hours.

Moves time on by working days; knows nothing of what a case is or of what can go wrong.
"""

from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any

from gateway.simulate.offices import WINDOW, Office, Power
from supervision.calendar import Calendar
from supervision.catalogue_file import Officer
from supervision.events import Event

CHINA = timezone(timedelta(hours=8))
OPENS, CLOSES = time(8, 30), time(17, 40)


class Diary:
    """`now`: the moment that the diary has come to, in China's time; it only moves forward."""

    def __init__(self, rng: Random, calendar: Calendar, office: Office, power: Power, no: str, begins: datetime) -> None:
        self.rng = rng
        self.calendar = calendar
        self.office = office
        self.power = power
        self.no = no
        self.now = begins
        self.events: list[Event] = []
        self._counts = rng.random() < 0.7

    def tell(self, kind: type[Any], who: Officer | None = None, **said: Any) -> None:
        """An event of this kind, now. Most senders number their events (`seq`), some do not."""
        n = len(self.events) + 1
        seq = n if self._counts else None
        officer = who.code if who else None
        self.events.append(kind(id=f"{self.no}.{n:02d}", case=self.no, occurred_at=self.now, seq=seq, officer=officer, **said))

    def soon(self) -> None:
        """Some minutes later; after office hours that is the next working day."""
        later = self.now + timedelta(minutes=self.rng.randint(3, 50), seconds=self.rng.randint(0, 59))
        self.now = later if later.time() < CLOSES and later.date() == self.now.date() else self._within(self.after(1))

    def on(self, day: date) -> None:
        """At some time of that day (the next working day, when it is none); soon, when that day is already here."""
        if day <= self.now.date():
            self.soon()
        else:
            self.now = self._within(day if self.calendar.is_working_day(day) else self.calendar.add_working_days(day, 1))

    def toward(self, day: date, share: float) -> None:
        """About that share of the way to a day."""
        span = (day - self.now.date()).days * share * self.rng.uniform(0.6, 1.2)
        self.on(min(day, self.now.date() + timedelta(days=round(span))))

    def after(self, days: int) -> date:
        """So many working days from now."""
        return self.calendar.add_working_days(self.now.date(), days)

    def officer(self, post: str) -> Officer:
        """One of the first two who hold this post in the item's department."""
        return self.rng.choice(self.office.staff[self.power.item.department, post][:2])

    def window(self) -> Officer:
        return self.officer(WINDOW)

    def _within(self, day: date) -> datetime:
        seconds = self.rng.randint(0, 9 * 3600)
        return datetime.combine(day, OPENS, CHINA) + timedelta(seconds=seconds)
