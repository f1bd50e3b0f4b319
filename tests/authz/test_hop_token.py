"""Tokens between gateways: which are good for what, as a table; and replies that vouch for one answer to one question."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authz.hop_token import (
    ALGORITHM,
    HopClaims,
    HopReplyInvalid,
    check_path,
    check_reply,
    digest,
    issue_hop,
    issue_reply,
    public_text,
    read_hop,
    read_public,
)
from supervision.faults import Refusal
from supervision.manifest import KeyUnusable

CITY, COUNTY, STRANGER = (Ed25519PrivateKey.generate() for _ in range(3))
KEYS = {"city": CITY.public_key(), "sibling": STRANGER.public_key()}
NOW = 1_000_000
GOOD = HopClaims("0" * 32, "city", "county", "620102-1", "offer", ("province", "city"), digest(b"body"), NOW, NOW + 30, 4.0)


def signed(**changed: Any) -> str:
    return issue_hop(CITY, GOOD._replace(**changed))


def raw(key: Any = CITY, algorithm: str = ALGORITHM, **changed: Any) -> str:
    said = jwt.decode(issue_hop(CITY, GOOD), options={"verify_signature": False}) | changed
    return jwt.encode({name: value for name, value in said.items() if value is not None}, key, algorithm)


def spoilt(token: str, part: int) -> str:
    parts = token.split(".")
    parts[part] = parts[part][:-4] + ("AAAA" if parts[part][-4:] != "AAAA" else "BBBB")
    return ".".join(parts)


TABLE: dict[str, tuple[Callable[[], str], str]] = {
    "as it should be": (signed, ""),
    "a stranger's signature under a known name": (lambda: raw(STRANGER), "HOP_TOKEN_INVALID"),
    "one known gateway in another's name": (lambda: raw(STRANGER, by="city"), "HOP_TOKEN_INVALID"),
    "a gateway that is not known": (lambda: raw(by="nobody"), "HOP_TOKEN_INVALID"),
    "unsigned": (lambda: raw(None, "none"), "HOP_TOKEN_INVALID"),
    "a shared secret made of the public key": (lambda: raw(public_text(CITY) + "x" * 32, "HS256"), "HOP_TOKEN_INVALID"),
    "a spoilt signature": (lambda: spoilt(signed(), 2), "HOP_TOKEN_INVALID"),
    "a spoilt claim": (lambda: spoilt(signed(), 1), "HOP_TOKEN_INVALID"),
    "no token at all": (lambda: "x", "HOP_TOKEN_INVALID"),
    "endless": (lambda: raw(id="x" * 9_000), "HOP_TOKEN_INVALID"),
    "with a name that no token of ours has": (lambda: signed(token_id="t" * 33), "HOP_TOKEN_INVALID"),
    "that waits for nothing": (lambda: signed(within=0.0), "HOP_TOKEN_INVALID"),
    "that waits for ever": (lambda: signed(within=float("inf")), "HOP_TOKEN_INVALID"),
    "that waits for no number": (lambda: signed(within=float("nan")), "HOP_TOKEN_INVALID"),
    "for another gateway": (lambda: signed(to="sibling"), "HOP_TOKEN_INVALID"),
    "for another camera": (lambda: signed(camera="620102-2"), "HOP_TOKEN_INVALID"),
    "for a sibling's camera": (lambda: signed(camera="620103-1"), "HOP_TOKEN_INVALID"),
    "for another deed": (lambda: signed(deed="roster"), "HOP_TOKEN_INVALID"),
    "in its last second": (lambda: signed(since=NOW - 29, until=NOW + 1), ""),
    "expired": (lambda: signed(since=NOW - 30, until=NOW), "HOP_TOKEN_EXPIRED"),
    "of tomorrow": (lambda: signed(since=NOW + 1, until=NOW + 31), "HOP_TOKEN_INVALID"),
    "good for too long": (lambda: signed(until=NOW + 121), "HOP_TOKEN_INVALID"),
    "good for less than nothing": (lambda: signed(until=NOW - 1), "HOP_TOKEN_INVALID"),
    "without its body's digest": (lambda: raw(digest=None), "HOP_TOKEN_INVALID"),
    "with more than it should say": (lambda: raw(more=1), "HOP_TOKEN_INVALID"),
    "times that are texts": (lambda: raw(until=str(NOW + 30)), "HOP_TOKEN_INVALID"),
    "without a way": (lambda: signed(path=()), "HOP_TOKEN_INVALID"),
    "a way that ends elsewhere": (lambda: signed(path=("city", "province")), "HOP_TOKEN_INVALID"),
    "a way over what is no gateway's name": (lambda: signed(path=("a b", "city")), "HOP_TOKEN_INVALID"),
    "a way of numbers": (lambda: raw(path=[1, "city"]), "HOP_TOKEN_INVALID"),
    "a way that came by here": (lambda: signed(path=("county", "city")), "HOP_LOOP"),
    "a way that goes twice over one": (lambda: signed(path=("city", "province", "city")), "HOP_LOOP"),
    "a way over too many": (lambda: signed(path=("a", "b", "c", "d", "city")), "HOP_LOOP"),
}


def judged(token: str) -> str:
    try:
        read_hop(KEYS, "county", token, "620102-1", "offer", NOW, most=4)
    except Refusal as refusal:
        return refusal.code
    return ""


@pytest.mark.parametrize("case", TABLE)
def test_a_token_is_good_for_one_gateway_camera_deed_and_time(case: str) -> None:
    token, code = TABLE[case]
    assert judged(token()) == code


def test_what_a_token_says_comes_out_as_it_went_in() -> None:
    assert read_hop(KEYS, "county", signed(), "620102-1", "offer", NOW) == GOOD


def test_clocks_may_differ_by_the_leeway_and_no_more() -> None:
    for shift, code in ((-30, ""), (-31, "HOP_TOKEN_INVALID"), (59, ""), (60, "HOP_TOKEN_EXPIRED")):
        try:
            read_hop(KEYS, "county", signed(), "620102-1", "offer", NOW + shift, leeway=30)
            found = ""
        except Refusal as refusal:
            found = refusal.code
        assert (shift, found) == (shift, code)


def test_a_way_of_one_is_a_way() -> None:
    check_path(("city",), "city", "county", 1)


REPLIES: dict[str, tuple[Callable[[str], str], bool]] = {
    "as it should be": (lambda token: issue_reply(COUNTY, token, b"answer", 200), True),
    "another gateway's": (lambda token: issue_reply(CITY, token, b"answer", 200), False),
    "to another question": (lambda token: issue_reply(COUNTY, token + "x", b"answer", 200), False),
    "another answer": (lambda token: issue_reply(COUNTY, token, b"another", 200), False),
    "another status": (lambda token: issue_reply(COUNTY, token, b"answer", 403), False),
    "the token itself": (lambda token: token, False),
    "nothing": (lambda _: "", False),
    "endless": (lambda _: "x" * 10_000, False),
    "a status that is true": (
        lambda token: jwt.encode({"re": digest(token.encode()), "number": True, "digest": digest(b"answer")}, COUNTY, ALGORITHM),
        False,
    ),
}


@pytest.mark.parametrize("case", REPLIES)
def test_a_reply_vouches_for_one_answer_to_one_question(case: str) -> None:
    reply, good = REPLIES[case]
    token = signed()
    try:
        check_reply(COUNTY.public_key(), token, reply(token), b"answer", 1 if "true" in case else 200)
    except HopReplyInvalid:
        assert not good
    else:
        assert good


def test_a_public_key_is_one_line() -> None:
    text = public_text(CITY)
    assert len(text) == 44
    assert public_text_of(text) == text
    for wrong in ("", "x" * 44, text[:-4], f"{text} "):
        with pytest.raises(KeyUnusable):
            read_public(wrong)


def public_text_of(text: str) -> str:
    class Half:
        def public_key(self) -> Any:
            return read_public(text)

    return public_text(Half())
