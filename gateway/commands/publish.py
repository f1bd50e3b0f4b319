"""`mingjing publish`: the public store, once or by schedule."""

import asyncio
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.tenants import Data
from gateway.config import Config, configured
from gateway.house import House, opened
from gateway.log import to_stderr, told
from gateway.metrics import Metrics
from gateway.publishing.run import Publication, Published, current
from gateway.setting import SettingInvalid
from supervision.faults import Fault, Refusal
from tenants.publish_journal import Journal

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class AlreadyPublishing(Refusal):
    """Another publication of this gateway is under way."""

    code = "PUBLICATION_UNDER_WAY"


class ScheduleInvalid(Refusal):
    """The schedule cannot be read: write 30m, 1h or 1d."""

    code = "SCHEDULE_INVALID"


def publish(
    to: Annotated[Path, typer.Option(help="File of the public store; its manifest is written beside it.")],
    subject: Annotated[str, typer.Option("--as", help="Who publishes, as grants name them: needs the role publisher.")],
    every: Annotated[str, typer.Option(help="Publish again and again: 30m, 1h, 1d. Without it: once.")] = "",
    whole: Annotated[bool, typer.Option(help="Read the progress of every case anew, not only of those that changed.")] = False,
    data: Data = None,
) -> None:
    """Write the public store: catalogue, counts of settled months, progress under query codes. Tells nothing that is withheld."""
    config = configured(os.environ, data=data)
    pause = seconds(every) if every else 0
    check_secret(config)
    asyncio.run(publishing(config, subject, to, pause, whole))


def check_secret(config: Config) -> None:
    """A secret made here would give other query codes than the ones that the gateway prints. Raises SettingInvalid."""
    if not config.secret_key_file and not (config.data / "secret.key").exists():
        raise SettingInvalid("MINGJING_SECRET_KEY_FILE names no file: query codes are derived with the secret of the gateway")


async def publishing(config: Config, subject: str, to: Path, pause: int, whole: bool = False) -> None:
    """Publishes once, or again and again with `pause` seconds between; then a fault is told, and the next run tries again."""
    async with opened(patient(config), to_stderr, Metrics(), time.time) as house:
        while True:
            try:
                to_stderr(line(await published(house, subject, to, whole)))
            except Fault as fault:
                if not pause:
                    raise
                to_stderr({"level": "error", "event": "publish", **told(fault)})
            if not pause:
                return
            whole = False
            await asyncio.sleep(pause)


async def published(house: House, subject: str, to: Path, whole: bool) -> Published:
    """One run, alone in its data folder."""
    config = house.config
    with alone(config.data), journal(config) as remembered:
        if whole:
            remembered.forget_progress()
        return await Publication(house, subject, remembered, config.manifest_key(), current(house.clock())).run(to)


def line(done: Published) -> dict[str, object]:
    level = "warning" if done.missing else "info"
    missing = sorted(done.missing)
    return {
        "level": level, "event": "publish", "number": done.number, "periods": done.periods, "cases": done.cases, "missing": missing,
    }  # fmt: skip


def patient(config: Config) -> Config:
    """A publication has more time than a query."""
    return replace(config, patience=config.publish_patience)


@contextmanager
def journal(config: Config) -> Iterator[Journal]:
    """What publishing remembers, open."""
    held = Journal(config.data / "published.db")
    try:
        yield held
    finally:
        held.close()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Raises AlreadyPublishing where another process publishes for this data folder."""
    with (folder / "published.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyPublishing from None
        yield


def seconds(text: str) -> int:
    """Of `30m`, `1h`, `1d`."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in UNITS and 0 < int(number) <= 100_000):
        raise ScheduleInvalid(repr(text))
    return int(number) * UNITS[unit]
