"""A small province: five tenants in SQLite files, a registry, people with rights. Made by the product's own code."""

from datetime import UTC, datetime
from pathlib import Path

from gateway.config import Config
from supervision.grant import Grant
from supervision.tree import Division, Level
from tenants.provision import prepare_registry, provision
from tenants.registry import Registry

TREE = (
    Division("620000", "甘肃省", Level.PROVINCE, None),
    Division("620100", "兰州市", Level.CITY, "620000"),
    Division("620102", "城关区", Level.COUNTY, "620100"),
    Division("620200", "嘉峪关市", Level.CITY, "620000"),
    Division("620300", "金昌市", Level.CITY, "620000"),
)
PEOPLE = {
    "province": Grant(subject="province", role="supervisor", path="620000/*"),
    "city": Grant(subject="city", role="supervisor", path="620000/620100/*"),
    "county": Grant(subject="county", role="supervisor", path="620000/620100/620102/*"),
    "clerk": Grant(subject="clerk", role="clerk", path="620000/620100/@JYJ/*"),
    "sender": Grant(subject="sender", role="integrator", path="620000/620100/~wabo/*"),
}
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


async def registered(folder: Path, provisioned: bool = True) -> Registry:
    """The registry of the small province, open."""
    url = f"sqlite:///{folder / 'registry.db'}"
    await prepare_registry(url)
    registry = await Registry.open(url)
    await registry.import_tree(TREE)
    if provisioned:
        await provision(registry, [division.code for division in TREE])
    for grant in PEOPLE.values():
        await registry.grant(grant)
    await registry.refresh()
    return registry


def configured(folder: Path, **settings: object) -> Config:
    """A demo's, and English, so that tests can be read by whoever reads the code; `test_words` speaks Chinese."""
    return Config(data=folder, port=0, **{"language": "en", "demo_tokens": True} | settings)  # type: ignore[arg-type]
