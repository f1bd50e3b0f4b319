"""A camera as a process of its own, to be killed and stopped: `python -m acceptance._camera FILM PORT`. Knows no gateway."""

import asyncio
import sys
from pathlib import Path

from tests.media.camera import Camera, pictures


async def main(film: Path, port: int) -> None:
    async with Camera(pictures(film), port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
