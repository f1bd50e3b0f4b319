"""The product's own server, but every question goes through graphql-core's executor: what it costs without preparing.

`python -m bench.served PORT FOLDER`. Knows no rows.
"""

import sys
from functools import partial
from pathlib import Path

from gateway import querying
from gateway.app import create_app
from gateway.config import Config
from gateway.log import to_stderr
from gateway.server import server
from schema.execute import GraphQLRequest


def main(port: str, folder: str) -> None:
    querying.GraphQLRequest = partial(GraphQLRequest, prepared=False)  # type: ignore[attr-defined,assignment]
    config = Config(port=int(port), data=Path(folder), demo_tokens=True)
    server(create_app(config), config, to_stderr).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
