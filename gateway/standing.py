"""Whether a gateway can serve at all: what it lacks is said in one sentence, before a server begins."""

import time

from gateway.callers import insist, opened_callers
from gateway.config import Config
from gateway.log import to_stderr
from tenants.registry import Registry


async def check(config: Config) -> None:
    """Raises what `serve` must say: no secrets, nobody to believe, no registry."""
    registry = await Registry.open(config.registry_url, config.postgres_passfile)
    try:
        await insist(config, registry, time.time())
        async with opened_callers(config, registry, to_stderr, time.time):
            return
    finally:
        await registry.close()
