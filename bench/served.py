"""The product's own server without its audit log's record, whose cost is measured by itself: as it is, or through the executor.

`python -m bench.served PORT FOLDER prepared|executor`. Knows no rows.
"""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gateway import querying
from gateway.app import create_app
from gateway.config import Config
from gateway.log import to_stderr
from gateway.server import server
from gateway.witness import Witness
from schema.execute import GraphQLRequest
from supervision.scope import Scope


class Unrecorded(Witness):
    """Puts nothing on record."""

    def looking(self) -> tuple[Any, Mapping[str, Any]]:
        return None, {}

    async def recorded(self, scope: Scope, paths: Mapping[str, str]) -> bool:
        return True


def main(port: str, folder: str, way: str) -> None:
    querying.GraphQLRequest = partial(GraphQLRequest, prepared=way == "prepared")  # type: ignore[attr-defined,assignment]
    querying.Witness = Unrecorded  # type: ignore[misc]
    config = Config(port=int(port), data=Path(folder), demo_tokens=True)
    server(create_app(config), config, to_stderr).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
