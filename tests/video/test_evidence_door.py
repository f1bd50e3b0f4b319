"""The door to clips: to whom, in parts too, on record, and never a byte of one that was changed. And when their time is over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.commands import evidence as command
from gateway.commands.evidence import EvidenceWrong, expired, verified
from gateway.video.retention import Wrong
from supervision.faults import TenantNotFound
from tests.audit.places import house
from tests.door.test_commands import mingjing
from tests.video.keeping import EVIDENCE, SHORT, became, fetched, file_of, kept, marked, refusals, told, watching
from tests.video.test_doors import audit, code_of
from tests.video.watching import Clock, Served, served

DAY = 86_400.0


@pytest.fixture
async def at(tmp_path: Path, film: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, film, **SHORT) as found:
        yield found


async def test_a_clip_is_fetched_whole_and_in_parts(at: Served) -> None:
    found = await kept(at)
    url, content = found["url"], file_of(at, found).read_bytes()
    whole = await fetched(at, url)
    assert (whole.status_code, whole.content) == (200, content)
    assert (whole.headers["content-type"], whole.headers["etag"]) == ("video/mp4", f'"{found["sha256"]}"')
    assert whole.headers["content-disposition"] == 'attachment; filename="evidence-620102-1.mp4"'
    assert (whole.headers["cache-control"], whole.headers["accept-ranges"]) == ("no-store", "bytes")
    part = await fetched(at, url, range="bytes=100-199")
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(content)}"
    assert (await fetched(at, url, range="bytes=-50")).content == content[-50:]
    assert (await fetched(at, url, range=f"bytes={len(content)}-")).status_code == 416
    head = await fetched(at, url, method="HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(content)))
    assert (await fetched(at, url, method="POST")).status_code == 405


async def test_who_may_not_see_it_gets_nothing(at: Served) -> None:
    found = await kept(at)
    url = found["url"]
    for who, answer in {
        "manager": (403, "ACTION_REFUSED"), "chief": (403, "ACTION_REFUSED"), "elsewhere": (404, "EVIDENCE_NOT_FOUND"),
        "jyj": (404, "EVIDENCE_NOT_FOUND"), "shy": (404, "EVIDENCE_NOT_FOUND"), "nobody": (404, "EVIDENCE_NOT_FOUND"),
    }.items():  # fmt: skip
        assert code_of(await fetched(at, url, who)) == answer, who
    for place in ("620102-99", "620200-1", "x", "620102-01", "..%2f620102-1"):
        assert code_of(await fetched(at, f"/video/evidence/{place}"))[0] == 404, place
    assert code_of(await at.client.get(url)) == (401, "TOKEN_MISSING")
    assert code_of(await at.client.get(url, headers={"authorization": "Bearer x"})) == (401, "TOKEN_INVALID")
    assert sorted(one["actor"] for one in await refusals(at, 2)) == ["chief", "manager"]
    token = at.token("province")
    at.clock.offset += 5
    await at.done("chief", 'endSessions(subject: "province", reason: "lost her telephone") { ended { id } }')
    assert code_of(await at.client.get(url, headers={"authorization": f"Bearer {token}"})) == (401, "SESSION_ENDED")


async def test_what_is_not_kept_cannot_be_fetched(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, video_evidence_after=60.0) as at:
        await watching(at)
        number = (await marked(at))["id"].rpartition(":")[2]
        assert code_of(await fetched(at, f"/video/evidence/620102-{number}")) == (409, "EVIDENCE_NOT_KEPT")


def one_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def gone(file: Path) -> None:
    file.unlink()


CHANGES: dict[Callable[[Path], None], str] = {
    one_bit: "EVIDENCE_CHANGED",
    cut_short: "EVIDENCE_CHANGED",
    gone: "EVIDENCE_MISSING",
}


async def test_of_a_clip_that_was_changed_nothing_is_sent(at: Served) -> None:
    found = await kept(at)
    file = file_of(at, found)
    content = file.read_bytes()
    for change, code in CHANGES.items():
        file.write_bytes(content)
        assert (await fetched(at, found["url"])).content == content
        change(file)
        assert code_of(await fetched(at, found["url"])) == (500, code), change
        assert code_of(await fetched(at, found["url"], range="bytes=0-9")) == (500, code), change
        assert await verified(at.config, ()) == [Wrong("620102", 1, code)]
    said = [one["told"] for one in await refusals(at, 2 * len(CHANGES))]
    assert len(said) == 2 * len(CHANGES)
    assert f"EVIDENCE_CHANGED, not downloaded Evidence 1, SHA-256 {found['sha256']}" in said


async def test_evidence_goes_when_its_time_is_over_and_not_before(tmp_path: Path, film: Path) -> None:
    clock = Clock()
    async with served(tmp_path, film, clock, video_evidence_every=0.1, video_evidence_days=30, **SHORT) as at:
        found = await kept(at)
        clock.offset += 29 * DAY
        assert (await fetched(at, found["url"])).status_code == 200
        assert (await told(at, found["id"]))["state"] == "KEPT"
        clock.offset += 2 * DAY
        stands = await became(at, found["id"], "DELETED")
        assert (stands["url"], stands["sha256"], stands["note"]) == (None, found["sha256"], found["note"])
        assert stands["deletedAt"] > stands["keepUntil"]
        assert not file_of(at, found).exists()
        assert code_of(await fetched(at, found["url"])) == (409, "EVIDENCE_NOT_KEPT")
        entries = await audit(at, EVIDENCE, "CHANGED")
        (entry,) = [one for one in entries if one["actor"] == "gateway:gw" and one["told"].startswith("deleted")]
        assert (entry["outcome"], entry["reason"], entry["entity"]) == ("CHANGED", "retention", "evidence")
        assert entry["told"].startswith(f"deleted Evidence 1, SHA-256 {found['sha256']}: kept until ")


async def test_a_command_deletes_it_too_on_record(tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(-31 * DAY)
    async with served(tmp_path, film, clock, video_evidence_days=30, **SHORT) as at:
        found = await kept(at)
        config = at.config
    assert await verified(config, ["620102"]) == []
    assert await expired(config, ["620100"]) == 0
    with pytest.raises(TenantNotFound):
        await expired(config, ["999999"])
    assert file_of(at, found).exists()
    assert await expired(config, ()) == 1
    assert not file_of(at, found).exists()
    assert await expired(config, ()) == 0
    async with house(config) as place:
        last = (await place.entries("620102"))[-1].deed
        assert await place.findings("620102") == []
    assert (last.actor.partition(":")[0], last.action, last.told[:18]) == ("cli", "hall.evidence", "deleted Evidence 1")


async def test_a_clip_that_cannot_be_taken_away_stays_on_record_and_keeps_no_other(tmp_path: Path, film: Path) -> None:
    clock = Clock(-31 * DAY)
    async with served(tmp_path, film, clock, video_evidence_days=30, **SHORT) as at:
        await watching(at)
        first, second = [await became(at, (await marked(at))["id"], "KEPT") for _ in range(2)]
        config = at.config
    stuck = file_of(at, first)
    stuck.unlink()
    stuck.mkdir()
    assert await expired(config, ()) == 1
    assert (stuck.exists(), file_of(at, second).exists()) == (True, False)
    async with house(config) as place:
        deeds = [entry.deed for entry in await place.entries("620102")]
    said = [(deed.outcome, deed.told[:22]) for deed in deeds if deed.actor.startswith("cli:")]
    assert said == [
        ("CHANGED", "deleted Evidence 1, SH"), ("CHANGED", "deleted Evidence 2, SH"), ("REFUSED", "not deleted Evidence 1"),
    ]  # fmt: skip
    stuck.rmdir()
    assert await expired(config, ()) == 1


async def test_a_tenant_whose_log_cannot_be_written_keeps_its_evidence(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(-31 * DAY)
    async with served(tmp_path, film, clock, video_evidence_days=30, **SHORT) as at:
        found = await kept(at)
        config = at.config

    async def unwritable(_: Any, deeds: Any) -> set[str]:
        return set(deeds)

    monkeypatch.setattr(command.Auditing, "record", unwritable)
    assert await expired(config, ()) == 0
    assert file_of(at, found).exists()


def test_the_command_line_says_what_is_wrong(tmp_path: Path, film: Path) -> None:
    async def prepare() -> Any:
        async with served(tmp_path, film, **SHORT) as at:
            return file_of(at, await kept(at))

    file = asyncio.run(prepare())
    assert mingjing("evidence", "verify", data=tmp_path).returncode == 0
    gone(file)
    result = mingjing("evidence", "verify", data=tmp_path)
    assert (result.returncode, result.stdout) == (1, "620102\tEvidence 1\tEVIDENCE_MISSING\n")
    assert EvidenceWrong.code in result.stderr
    assert mingjing("evidence", "expire", data=tmp_path).stdout == "0 deleted\n"
