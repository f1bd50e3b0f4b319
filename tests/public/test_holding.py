"""A store is verified before it is used, exchanged while it is read, and kept where the next one is no good."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gateway.public.holding import Holding, NothingPublished, checked, manifest_of
from gateway.publishing.run import digest
from supervision.manifest import FORM, KeyUnusable, Manifest, StoreRefused, new_keys, public_of, signed, verified
from tenants.public_store import write_store
from tests.door.running import Lines

KEYS = new_keys()
OTHERS = new_keys()


def published(file: Path, number: int, private: bytes = KEYS.private, said: int | None = None, name: str = "g") -> None:
    """A store and its manifest, as `publish` puts them there. `said`: the number inside."""
    draft = file.with_name("draft.db")
    row = {"number": number if said is None else said, "gateway": name, "created": "2026-11-20T04:00:00Z"}
    write_store(draft, {"publication": [row]})
    vouched = Manifest(form=FORM, gateway=name, number=number, created="x", size=draft.stat().st_size, sha256=digest(draft))
    draft.replace(file)
    manifest_of(file).write_bytes(signed(vouched, private))


def number(holding: Holding) -> int | None:
    return None if holding.held is None else int(holding.held.publication["number"])


async def test_a_newer_store_takes_the_place_of_an_older_one_and_is_closed_when_it_is_left(tmp_path: Path) -> None:
    file, log = tmp_path / "store.db", Lines()
    published(file, 1)
    holding = Holding(file, KEYS.public, log)
    await holding.look()
    with holding.reading() as first:
        published(file, 2)
        await holding.look()
        assert number(holding) == 2
        assert first.store.publication()["number"] == 1, "who reads the old one goes on reading it"
        with holding.reading() as second:
            assert second.store.publication()["number"] == 2
    assert (first.over, first.readers) == (True, 0)
    assert [line["number"] for line in log.of("public store")] == [1, 2]


async def test_without_a_store_there_is_nothing_to_read_and_one_that_comes_is_taken(tmp_path: Path) -> None:
    holding = Holding(tmp_path / "store.db", KEYS.public, Lines())
    async with holding.watched(0.01):
        with pytest.raises(NothingPublished), holding.reading():
            pass
    published(tmp_path / "store.db", 1)
    await holding.look()
    assert number(holding) == 1


def another_key(file: Path) -> None:
    published(file, 3, OTHERS.private)


def an_older_number(file: Path) -> None:
    published(file, 1)


def the_same_number(file: Path) -> None:
    published(file, 2, name="another")


def a_changed_byte(file: Path) -> None:
    published(file, 3)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def a_cut_tail(file: Path) -> None:
    published(file, 3)
    file.write_bytes(file.read_bytes()[:-4096])


def another_number_inside(file: Path) -> None:
    published(file, 3, said=4)


def no_manifest(file: Path) -> None:
    manifest_of(file).unlink()


def no_store(file: Path) -> None:
    file.unlink()


def a_changed_manifest(file: Path) -> None:
    published(file, 3)
    beside = manifest_of(file)
    beside.write_bytes(beside.read_bytes().replace(b'number\\":3', b'number\\":9'))


def no_json(file: Path) -> None:
    manifest_of(file).write_bytes(b"{")


def a_huge_manifest(file: Path) -> None:
    manifest_of(file).write_bytes(b" " * 100_000)


def another_form(file: Path) -> None:
    vouched = Manifest(form=FORM + 1, gateway="g", number=3, created="x", size=file.stat().st_size, sha256=digest(file))
    manifest_of(file).write_bytes(signed(vouched, KEYS.private))


def no_public_store(file: Path) -> None:
    other = sqlite3.connect(file.with_name("other.db"))
    other.execute("CREATE TABLE t (x)")
    other.close()
    file.with_name("other.db").replace(file)
    vouched = Manifest(form=FORM, gateway="g", number=3, created="x", size=file.stat().st_size, sha256=digest(file))
    manifest_of(file).write_bytes(signed(vouched, KEYS.private))


BAD: list[Callable[[Path], None]] = [
    another_key, an_older_number, the_same_number, a_changed_byte, a_cut_tail, another_number_inside, no_manifest, no_store,
    a_changed_manifest, no_json, a_huge_manifest, another_form, no_public_store,
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
async def test_a_store_that_is_no_good_is_not_taken_and_the_old_one_is_kept(tmp_path: Path, bad: Callable[[Path], None]) -> None:
    file, log = tmp_path / "store.db", Lines()
    published(file, 2)
    holding = Holding(file, KEYS.public, log)
    await holding.look()
    bad(file)
    await holding.look()
    await holding.look()
    (said,) = [line for line in log.of("public store") if line["level"] == "error"]
    assert (said["kept"], number(holding)) == (2, 2)
    with holding.reading() as held:
        assert held.store.publication()["number"] == 2
    published(file, 5)
    await holding.look()
    assert number(holding) == 5


async def test_a_file_that_is_exchanged_while_it_is_verified_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "store.db"
    published(file, 1)
    shutil.copy(file, tmp_path / "copy.db")

    def exchanging(store: Path, trust: bytes) -> Manifest:
        found = checked(store, trust)
        (tmp_path / "copy.db").replace(store)
        return found

    monkeypatch.setattr("gateway.public.holding.checked", exchanging)
    holding = Holding(file, KEYS.public, Lines())
    await holding.look()
    assert holding.held is None


def test_a_manifest_is_what_was_signed() -> None:
    manifest = Manifest(form=FORM, gateway="g", number=7, created="x", size=1, sha256="0" * 64)
    file = signed(manifest, KEYS.private)
    assert verified(file, KEYS.public) == manifest
    assert verified(file, public_of(KEYS.private)) == manifest
    with pytest.raises(StoreRefused, match="not signed"):
        verified(file, OTHERS.public)
    told = msgspec.json.decode(file)
    with pytest.raises(StoreRefused, match="cannot be read"):
        verified(msgspec.json.encode({"manifest": told["manifest"]}), KEYS.public)


@pytest.mark.parametrize("key", [b"", b"x" * 64, KEYS.public])
def test_what_is_no_key_is_refused(key: bytes) -> None:
    with pytest.raises(KeyUnusable):
        public_of(key)
    with pytest.raises(KeyUnusable):
        verified(signed(Manifest(form=1, gateway="", number=1, created="", size=0, sha256=""), KEYS.private), b"no key")
