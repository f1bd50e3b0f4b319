"""A hall for the demo: films that the product makes itself, and two cameras that show them, in the highest tenant of what is shown.

Enters what is not there yet, and leaves the rest as it is.
"""

import asyncio
from pathlib import Path

from gateway.config import Config
from media.film import make
from supervision.camera_seal import CameraSeal
from supervision.halls import HallKind
from tenants import hall_rows
from tenants.hall_rows import HallCodeTaken
from tenants.sources.source import Source
from tenants.tables import cameras, hall_windows, halls

FILMS = {"window-1.mp4": 1, "window-2.mp4": 2}
SECONDS = 20


def films(folder: Path) -> None:
    """Made once, in some seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, window in FILMS.items():
        if not (folder / name).exists():
            draft = folder / f".{name}.mp4"
            make(draft, seconds=SECONDS, window=window)
            draft.rename(folder / name)


async def furnish(config: Config, source: Source, tenant: str) -> None:
    """The hall, its windows and cameras."""
    await asyncio.to_thread(films, Path(config.video_films))
    try:
        hall = await hall_rows.add(
            source, tenant, halls, {"code": "demo", "name": "政务大厅（演示）", "kind": str(HallKind.HALL), "address": None}
        )
    except HallCodeTaken:
        return
    seal = CameraSeal(config.camera_key())
    for name, number in FILMS.items():
        window = await hall_rows.add(
            source, tenant, hall_windows, {"hall_id": hall, "code": str(number), "name": f"{number}号窗口"}
        )
        code = f"demo-{number}"
        await hall_rows.add(source, tenant, cameras, {
            "hall_id": hall, "window_id": window, "department": None, "code": code, "name": f"{number}号窗口摄像机",
            "source": seal.seal(tenant, code, f"file:{name}"), "scheme": "file", "sees": "演示画面：窗口号与时钟", "sound": False,
            "hours": "", "privacy_zones": None,
        })  # fmt: skip
