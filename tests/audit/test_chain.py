"""The chain by itself, without a database: what is sound, what is found, and faults seeded into it that these tests see."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz import chain
from authz.chain import BEGIN, AuditBroken, Kind, Reading, continued, genuine, linked, sealed, verified
from supervision.audit import Deed, Entry, Head, Link, Outcome

KEY = b"k" * 32
AT = "2026-11-22T01:12:16.000001"
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
IDS, WORDS = st.lists(st.integers(1, 2**62), max_size=4).map(tuple), st.lists(TEXT, max_size=3).map(tuple)
GRANT = st.none() | st.integers(1, 2**40)
OUTCOME, COUNT = st.sampled_from(Outcome), st.integers(0, 9)
DEEDS = st.builds(Deed, TEXT, TEXT, TEXT, OUTCOME, TEXT, COUNT, IDS, WORDS, TEXT, TEXT, TEXT, GRANT, TEXT)


def deed(n: int) -> Deed:
    return Deed(f"r{n}", "liu", "case.view", Outcome.OPENED, "cases", 2, (n, n + 1), ("field.applicant.name",), f"第{n}次")


def made(entries: int = 20, tenant: str = "620102") -> list[Entry]:
    return linked(KEY, tenant, BEGIN, AT, map(deed, range(entries)))


def head_of(entries: list[Entry], tenant: str = "620102") -> Head:
    return sealed(KEY, tenant, Link(entries[-1].number, entries[-1].mac), AT)


def kinds(entries: list[Entry], head: Head | None) -> set[Kind]:
    return {finding.kind for finding in verified(KEY, "620102", head, entries)}


@given(st.lists(st.lists(DEEDS, min_size=1, max_size=3), min_size=1, max_size=5))
def test_entries_in_any_batches_make_a_sound_chain(batches: list[list[Deed]]) -> None:
    entries: list[Entry] = []
    for batch in batches:
        last = Link(entries[-1].number, entries[-1].mac) if entries else BEGIN
        entries += linked(KEY, "620102", last, AT, batch)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert verified(KEY, "620102", head_of(entries), entries) == []


@given(DEEDS, DEEDS)
def test_no_two_deeds_have_one_mac(one: Deed, other: Deed) -> None:
    macs = [linked(KEY, "620102", BEGIN, AT, [each])[0].mac for each in (one, other)]
    assert (macs[0] == macs[1]) == (one == other)


def test_where_the_fields_of_a_deed_end_is_part_of_its_mac() -> None:
    one, other = deed(1)._replace(reason="ab", session="c"), deed(1)._replace(reason="a", session="bc")
    assert linked(KEY, "620102", BEGIN, AT, [one])[0].mac != linked(KEY, "620102", BEGIN, AT, [other])[0].mac


def swapped(entries: list[Entry]) -> list[Entry]:
    return [*entries[:4], entries[5]._replace(number=5), entries[4]._replace(number=6), *entries[6:]]


def pushed(entries: list[Entry]) -> list[Entry]:
    return [*entries[:4], entries[9]._replace(number=5), *(e._replace(number=e.number + 1) for e in entries[4:])]


def pulled(entries: list[Entry]) -> list[Entry]:
    return [*entries[:4], *(e._replace(number=e.number - 1) for e in entries[5:])]


def edited(entries: list[Entry]) -> list[Entry]:
    return [*entries[:4], entries[4]._replace(deed=entries[4].deed._replace(actor="wang")), *entries[5:]]


def moved_in_time(entries: list[Entry]) -> list[Entry]:
    return [*entries[:4], entries[4]._replace(at="2026-11-23T01:12:16"), *entries[5:]]


DONE: dict[str, tuple[Callable[[list[Entry]], list[Entry]], Kind, int]] = {
    "changed": (edited, Kind.CHANGED, 5),
    "moved in time": (moved_in_time, Kind.CHANGED, 5),
    "removed": (lambda entries: entries[:4] + entries[5:], Kind.REMOVED, 5),
    "removed and closed up": (pulled, Kind.CHANGED, 5),
    "reordered": (swapped, Kind.REORDERED, 5),
    "inserted": (pushed, Kind.INSERTED, 5),
    "doubled": (lambda entries: [*entries[:5], entries[4], *entries[5:]], Kind.INSERTED, 5),
    "numbered from nothing": (lambda entries: [entries[3]._replace(number=0), *entries], Kind.INSERTED, 0),
    "added": (lambda entries: [*entries, entries[3]._replace(number=21)], Kind.INSERTED, 21),
    "cut off": (lambda entries: entries[:15], Kind.CUT_OFF, 16),
    "emptied": (lambda entries: [], Kind.CUT_OFF, 1),
    "of another tenant": (lambda entries: made(20, "620200"), Kind.CHANGED, 1),
}


@pytest.mark.parametrize("what", DONE)
def test_what_was_done_is_named_with_its_place(what: str) -> None:
    change, kind, number = DONE[what]
    found = {finding.kind: finding.number for finding in verified(KEY, "620102", head_of(made()), change(made()))}
    assert found[kind] == number


def test_entries_after_the_head_are_not_yet_sealed_and_no_tampering() -> None:
    found = verified(KEY, "620102", head_of(made(17)), made())
    assert [(finding.kind, finding.number, finding.tampering) for finding in found] == [(Kind.UNSEALED, 18, False)]


def test_a_head_for_no_entries_yet_is_sound() -> None:
    assert verified(KEY, "620102", sealed(KEY, "620102", BEGIN, AT), []) == []
    assert verified(KEY, "620102", None, []) == []


@pytest.mark.parametrize("change", [{"number": 5}, {"mac": bytes(32)}, {"at": ""}, {"signature": bytes(32)}, {"tenant": "620200"}])
def test_a_head_that_was_touched_is_not_genuine(change: dict[str, object]) -> None:
    head = head_of(made())._replace(**change)  # type: ignore[arg-type]
    assert not genuine(KEY, head)
    assert not genuine(b"l" * 32, head_of(made()))


def test_a_head_is_no_entry_and_an_entry_no_head() -> None:
    assert chain.ENTRY != chain.HEAD


def test_a_chain_goes_on_only_from_the_entry_that_was_sealed() -> None:
    entries = made()
    head, last = head_of(entries[:10]), Link(20, entries[-1].mac)
    assert continued(head, last, entries[9].mac) == last
    assert continued(sealed(KEY, "620102", BEGIN, AT), None, None) == BEGIN
    for at_head in (None, entries[8].mac):
        with pytest.raises(AuditBroken):
            continued(head, last, at_head)


def test_many_entries_that_do_not_fit_take_no_time_each() -> None:
    """All of a long chain is shifted: what is looked at more closely is bounded."""
    entries = made(3_000)
    shifted = [entry._replace(number=entry.number + 1) for entry in entries]
    assert Kind.REMOVED in kinds(shifted, head_of(entries))


# Seeded faults: each takes one part of the chain away, and what was done to the entries must then go unnoticed somewhere. The tests
# above use the real parts alone.


def mac_without_the_one_before(patch: pytest.MonkeyPatch) -> None:
    mac_of = chain.mac_of
    patch.setattr(chain, "mac_of", lambda key, tenant, before, *rest: mac_of(key, tenant, b"", *rest))


def mac_without_the_tenant(patch: pytest.MonkeyPatch) -> None:
    mac_of = chain.mac_of
    patch.setattr(chain, "mac_of", lambda key, tenant, *rest: mac_of(key, "", *rest))


def mac_without_the_number(patch: pytest.MonkeyPatch) -> None:
    mac_of = chain.mac_of
    patch.setattr(chain, "mac_of", lambda key, tenant, before, number, *rest: mac_of(key, tenant, before, 0, *rest))


def mac_without_the_reason(patch: pytest.MonkeyPatch) -> None:
    mac_of = chain.mac_of
    patch.setattr(chain, "mac_of", lambda *given: mac_of(*given[:-1], given[-1]._replace(actor="")))


def mac_without_the_moment(patch: pytest.MonkeyPatch) -> None:
    mac_of = chain.mac_of
    patch.setattr(chain, "mac_of", lambda key, tenant, before, number, at, deed: mac_of(key, tenant, before, number, "", deed))


def macs_not_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Reading, "_fits", lambda *_: True)


def head_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Reading, "_end", lambda *_: None)


def gaps_not_seen(patch: pytest.MonkeyPatch) -> None:
    def read(self: Reading, entry: Entry) -> None:
        self.last = Link(entry.number - 1, self.last.mac)
        whole(self, entry)

    whole = Reading.read
    patch.setattr(Reading, "read", read)


def signature_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(chain, "genuine", lambda *_: True)


def a_gap_judged_by_what_stands_before_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(chain, "DOUBTED", 0)


SEEDED = (
    mac_without_the_one_before, mac_without_the_tenant, mac_without_the_number, mac_without_the_reason, mac_without_the_moment,
    macs_not_compared, head_not_looked_at, gaps_not_seen, signature_not_checked, a_gap_judged_by_what_stands_before_it,
)  # fmt: skip


def unnoticed() -> Iterator[str]:
    """What was done and is not found as it is found by the sound chain."""
    entries = made()
    for what, (change, kind, number) in DONE.items():
        found = {finding.kind: finding.number for finding in verified(KEY, "620102", head_of(entries), change(made()))}
        if found.get(kind) != number:
            yield what
    forged = head_of(entries)._replace(number=10, mac=entries[9].mac)
    if Kind.HEAD_FORGED not in kinds(entries[:10], forged):
        yield "forged"


def test_without_a_seeded_fault_nothing_goes_unnoticed() -> None:
    assert list(unnoticed()) == []


@pytest.mark.parametrize("seed", SEEDED, ids=lambda seed: seed.__name__)
def test_a_seeded_fault_is_seen(monkeypatch: pytest.MonkeyPatch, seed: Callable[[pytest.MonkeyPatch], None]) -> None:
    seed(monkeypatch)
    assert list(unnoticed()) != []


@given(st.integers(0, 10**6))
def test_any_single_change_of_any_stored_value_is_found(seed: int) -> None:
    random, entries = Random(seed), made(6)
    n = random.randrange(6)
    name = random.choice(Deed._fields)
    value = {"rows": 7, "cases": (9,), "fields": ("x",), "grant_id": 7}.get(name, "another")
    entries[n] = entries[n]._replace(deed=entries[n].deed._replace(**{name: value}))
    assert kinds(entries, head_of(made(6))) == {Kind.CHANGED}
