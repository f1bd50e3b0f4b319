"""Faults seeded into the text of what checks tokens: the tables of bad tokens must see each of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.authz.refused import REFUSED
from tests.authz.tokens import GOOD, KIND, NOW, jwk, private, signed

ROOM = Path(__file__).parents[2] / "authz"
ALL = frozenset({"RS256", "PS256", "ES256", "ES384", "EdDSA"})


class Checking:
    """What checks tokens, made from its text with one place changed."""

    def __init__(self, module: str = "", right: str = "", wrong: str = "") -> None:
        self.texts = {name: (ROOM / f"{name}.py").read_text() for name in ("jwk", "identity")}
        if module:
            assert self.texts[module].count(right) == 1, right
            self.texts[module] = self.texts[module].replace(right, wrong)
        with self._in_place():
            self.jwk, self.identity = (self._made(name) for name in ("jwk", "identity"))

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        kept = sys.modules["authz.jwk"]
        try:
            yield
        finally:
            sys.modules["authz.jwk"] = kept

    def _made(self, name: str) -> Any:
        module = ModuleType(f"authz.{name}")
        sys.modules[f"seeded.{name}"] = module
        module.__name__ = f"seeded.{name}"
        exec(compile(self.texts[name], f"{name}.py", "exec"), module.__dict__)
        if name == "jwk":
            sys.modules["authz.jwk"] = module
        return module

    def issuer(self, *jwks: dict[str, Any], allowed: frozenset[str] = ALL, **conditions: Any) -> Any:
        common = {"name": "https://id.example", "audiences": frozenset({"mingjing"}), "algorithms": allowed}
        return self.identity.Believed(self.identity.Issuer(**common | conditions), self.jwk.key_set({"keys": list(jwks)}, ALL))

    def answer(self, token: str, issuer: Any, now: float = NOW, identities: Any = None) -> str:
        """The name of what comes of a token: a fault may raise anything."""
        try:
            (identities or self.identity.Identities()).actor(token, issuer, now)
        except Exception as problem:  # noqa: BLE001
            return type(problem).__name__
        return "Actor"

    def believes(self, token: str, issuer: Any, now: float = NOW, identities: Any = None) -> bool:
        """Whether anything else comes of it than the refusal that is due."""
        return self.answer(token, issuer, now, identities) != "TokenInvalid"


def wrongly_judged(checking: Checking) -> set[str]:
    """The bad tokens that are not refused as they should be, and the good ones that are."""
    held = {algorithm: jwk(private(KIND[algorithm])) for algorithm in ALL}
    found = {name for name, (algorithm, token) in REFUSED.items() if checking.believes(token, checking.issuer(held[algorithm]))}
    found |= {name for name, wrong in scenes(checking) if wrong}
    return found


def scenes(checking: Checking) -> Iterator[tuple[str, bool]]:
    """Bad tokens of special issuers. True: it is believed."""
    one, two, wide = private("Ed25519"), private("Ed25519", "b"), private("P-384")
    token, key = signed(one, "EdDSA"), jwk(one)
    yield "good at its edges", {checking.answer(token, checking.issuer(key), now) for now in (NOW - 30, NOW + 89)} != {"Actor"}
    yield "early", checking.believes(signed(one, "EdDSA", GOOD | {"nbf": NOW}), checking.issuer(key), NOW - 31)
    yield "a curve that is not the algorithm's", checking.believes(signed(wide, "ES256"), checking.issuer(jwk(wide)))
    yield "the issuer's list", checking.believes(token, checking.issuer(key, allowed=frozenset({"RS256"})))
    yield "the key's use", _spoilt(checking, signed(one, "EdDSA"), jwk(one, use="enc"))
    yield "the key's alg", checking.believes(signed(private("RSA"), "PS256"), checking.issuer(jwk(private("RSA"), alg="RS256")))
    yield "no kid, two keys", checking.believes(signed(one, "EdDSA", kid=None), checking.issuer(key, jwk(two, kid="two")))
    yield "a kid twice", checking.believes(signed(two, "EdDSA"), checking.issuer(key, jwk(two), jwk(wide, kid="3")))
    yield "required", checking.believes(token, checking.issuer(key, required=frozenset({"azp"})))
    yield "lifetime", checking.believes(token, checking.issuer(key, lifetime=59))
    yield "another account", checking.believes(token, checking.issuer(key, prefix="service:", only="wang"))
    issuer = checking.issuer(key)
    identities = checking.identity.Identities()
    yield "to be remembered", not checking.believes(token, issuer, identities=identities)
    yield "remembered, expired", checking.answer(token, issuer, NOW + 90, identities) != "TokenExpired"
    identities = checking.identity.Identities()
    yield "to be remembered", not checking.believes(token, issuer, identities=identities)
    yield "remembered, key gone", checking.believes(token, checking.issuer(jwk(two)), identities=identities)
    (timed,) = checking.issuer(key).keys.keys
    late = checking.jwk.KeySet([checking.jwk.Key(timed.kid, timed.algorithms, timed.material, timed.mark, 0, NOW)])
    yield "key ended", checking.believes(token, issuer._replace(keys=late))


def _spoilt(checking: Checking, token: str, key: dict[str, Any]) -> bool:
    try:
        return checking.believes(token, checking.issuer(key))
    except checking.jwk.KeySetInvalid:
        return False


def test_without_a_seeded_fault_nothing_is_judged_wrongly() -> None:
    assert wrongly_judged(Checking()) == set()


IDENTITY, JWK = "identity", "jwk"
SEEDED = {
    "audience not checked": (IDENTITY, "if not _meant(claims.get(\"aud\"), issuer.audiences):", "if False:"),
    "part of an audience": (IDENTITY, "not ours.isdisjoint(named)", "any(our in str(name) for our in ours for name in named)"),
    "issuer not compared": (IDENTITY, 'said.issuer != issuer.name or', ""),
    "the token's own algorithm": (IDENTITY, "if algorithm not in key.algorithms or algorithm not in issuer.algorithms", "if 0"),
    "the key's algorithms not looked at": (IDENTITY, "if algorithm not in key.algorithms or", "if"),
    "the issuer's algorithms not looked at": (IDENTITY, " or algorithm not in issuer.algorithms:", ":"),
    "signature not checked": (IDENTITY, "CHECKS[algorithm].decode(token, key.material, [algorithm])", "pass"),
    "curve not checked": (JWK, "if CURVES.get(name) == kind}", "if CURVES.get(name, [''])[0] == kind[0]}"),
    "a key's own alg ignored": (JWK, 'if "alg" in jwk:', "if False:"),
    "a key's use ignored": (JWK, 'jwk.get("use", "sig") != "sig" or', ""),
    "one kid twice": (JWK, "if names[key.kid] > 1:", "if False:"),
    "names twice in JSON": (JWK, "if len(found) != len(pairs):", "if False:"),
    "kid ignored": (JWK, "return self._by_kid.get(kid) if kid else None", "return self.keys[0]"),
    "no kid: the first key": (JWK, "return self.keys[0] if len(self.keys) == 1 else None", "return self.keys[0]"),
    "crit left to the library": (IDENTITY, '"crit" in header or "b64" in header', "False"),
    "length not bounded": (IDENTITY, "len(token) > TOKEN_CHARS or", ""),
    "form not looked at": (IDENTITY, "not FORM.fullmatch(token)", "token.count('.') != 2"),
    "expiry on the wrong side": (IDENTITY, "if now >= expires + issuer.leeway:", "if now >= expires - issuer.leeway:"),
    "beginning on the wrong side": (IDENTITY, "max(begins, issued) - issuer.leeway", "max(begins, issued) + issuer.leeway"),
    "beginning not looked at": (IDENTITY, "if now < max(begins, issued) - issuer.leeway:", "if now < issued - issuer.leeway:"),
    "issue not looked at": (IDENTITY, "max(begins, issued) - issuer.leeway", "begins - issuer.leeway"),
    "true is a moment": (IDENTITY, "isinstance(value, bool) or", ""),
    "claims not required": (IDENTITY, "for name in {*CLAIMS, issuer.claim, *issuer.required}", "for name in CLAIMS"),
    "any lifetime": (IDENTITY, "if issuer.lifetime is not None and", "if False and"),
    "people named like accounts": (IDENTITY, "subject.startswith(SERVICE) != (issuer.only is not None) or", ""),
    "accounts that name others": (IDENTITY, "or issuer.only not in (None, said)", ""),
    "keys that ended": (JWK, "return self.not_before <= now < self.expires", "return True"),
    "remembered beyond the key": (IDENTITY, "key = vouching(actor, believed, now)", "key = believed.keys.keys[0]"),
    "remembered beyond the end": (IDENTITY, " or now >= actor.expires + believed.issuer.leeway:", ":"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SEEDED)
def test_a_seeded_fault_is_seen(fault: str) -> None:
    assert wrongly_judged(Checking(*SEEDED[fault]))
