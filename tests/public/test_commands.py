"""`publish` and `store` on the command line: keys made, a store written, checked, carried, refused."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.commands.publish import AlreadyPublishing, ScheduleInvalid, alone, seconds
from tests.public.world import World

ROOT = Path(__file__).parents[2]


def mingjing(*arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "MINGJING_LANGUAGE": "en", **given}
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_a_store_is_signed_inside_and_checked_outside_with_the_public_key_alone(world: World, tmp_path: Path) -> None:
    keys, outside = tmp_path / "keys", tmp_path / "outside.db"
    made = mingjing("store", "keys", str(keys))
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE((keys / "manifest.key").stat().st_mode) == 0o600
    again = mingjing("store", "keys", str(keys))
    assert (again.returncode, "left as they are" in again.stderr) == (2, True)

    inside = {"MINGJING_DATA": str(world.config.data), "MINGJING_MANIFEST_KEY_FILE": str(keys / "manifest.key")}
    ran = mingjing("publish", "--to", str(outside), "--as", "publisher", **inside)
    assert ran.returncode == 0, ran.stderr
    assert '"event":"publish"' in ran.stderr
    trust = {"MINGJING_MANIFEST_TRUST_FILE": str(keys / "manifest.pub"), "MINGJING_DATA": "/nowhere"}
    checked = mingjing("store", "check", str(outside), **trust)
    assert (checked.returncode, "as signed" in checked.stdout) == (0, True), checked.stderr
    outside.write_bytes(outside.read_bytes() + b"\0")
    spoiled = mingjing("store", "check", str(outside), **trust)
    assert (spoiled.returncode, "not the one that its manifest vouches for" in spoiled.stderr) == (2, True)


def test_a_key_that_others_can_read_signs_nothing(world: World, tmp_path: Path) -> None:
    mingjing("store", "keys", str(tmp_path))
    (tmp_path / "manifest.key").chmod(0o644)
    given = {"MINGJING_DATA": str(world.config.data), "MINGJING_MANIFEST_KEY_FILE": str(tmp_path / "manifest.key")}
    ran = mingjing("publish", "--to", str(tmp_path / "store.db"), "--as", "publisher", **given)
    assert (ran.returncode, "readable by others" in ran.stderr) == (2, True)
    assert not (tmp_path / "store.db").exists()


def test_a_second_publication_at_the_same_time_is_refused(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(AlreadyPublishing), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


@pytest.mark.parametrize(("text", "found"), [("30m", 1800), ("1h", 3600), ("2d", 172_800), ("5s", 5)])
def test_a_schedule_is_read(text: str, found: int) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize("text", ["", "h", "0h", "-1h", "1w", "1.5h", "١h", "999999h"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleInvalid):
        seconds(text)
