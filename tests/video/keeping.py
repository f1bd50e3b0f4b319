"""Evidence as tests ask for it: a moment marked, waited for, fetched, and read as a film."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from tests.video.test_doors import audit
from tests.video.watching import Served, Viewer

FIELDS = (
    "id viewing markedBy note markedAt state beginsAt endsAt bytes pictures lostPictures sha256 sound short failure keepUntil"
    " deletedAt url camera { code } tenant { code }"
)
SHORT: dict[str, Any] = {"video_evidence_after": 1.0}
MARK = 'markMoment(viewing: "{}", note: "{}") {{ id viewing markedAt until keepUntil }}'


async def watching(at: Served, who: str = "province", camera: str = "", count: int = 40) -> Viewer:
    """Somebody who has seen so many pictures."""
    viewer = await at.watch(await at.open(who, camera))
    await viewer.seen(count)
    return viewer


async def marked(at: Served, who: str = "province", what: str = "", note: str = "窗口无人值守") -> Any:
    return await at.done(who, MARK.format(what or at.camera, note))


async def told(at: Served, id_: str, who: str = "province") -> Any:
    answer = await at.ask(who, f'{{ node(id: "{id_}") {{ ... on Evidence {{ {FIELDS} }} }} }}')
    assert "errors" not in answer, answer
    return answer["data"]["node"]


async def became(at: Served, id_: str, state: str, who: str = "province") -> Any:
    """The evidence, once it stands so."""
    async with asyncio.timeout(40):
        while (found := await told(at, id_, who))["state"] != state:  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.05)
    return found


async def kept(at: Served, who: str = "province") -> Any:
    """Evidence of somebody who watches, marks and stays until it is kept."""
    await watching(at, who)
    return await became(at, (await marked(at, who))["id"], "KEPT", who)


async def listed(at: Served, who: str, where: str = "{}") -> list[Any]:
    answer = await at.ask(who, f"{{ evidence(where: {where}) {{ nodes {{ {FIELDS} }} }} }}")
    assert "errors" not in answer, answer
    nodes: list[Any] = answer["data"]["evidence"]["nodes"]
    return nodes


async def fetched(at: Served, url: str, who: str = "province", method: str = "GET", **headers: str) -> httpx.Response:
    return await at.client.request(method, url, headers={"authorization": f"Bearer {at.token(who)}", **headers})


EVIDENCE = 'where: {action: ["hall.evidence"]}'


async def refusals(at: Served, count: int) -> list[dict[str, Any]]:
    """The refusals on record, once there are so many: they come behind the answers."""
    async with asyncio.timeout(40):
        while True:
            found = [one for one in await audit(at, EVIDENCE, "REFUSED") if one["outcome"] == "REFUSED"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


def file_of(at: Served, found: Any) -> Path:
    return at.config.evidence_folder / "620102" / f"{found['sha256']}.mp4"


def ending(folder: Path, suffix: str) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix == suffix]


async def until_there(folder: Path, suffix: str) -> None:
    """Until a file with something in it ends so."""
    async with asyncio.timeout(40):
        while not any(path.stat().st_size for path in ending(folder, suffix)):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)


async def until_gone(folder: Path, suffix: str) -> None:
    async with asyncio.timeout(40):
        while ending(folder, suffix):  # noqa: ASYNC110 - the gateway tells nobody
            await asyncio.sleep(0.05)
