"""Tokens that nobody may believe, by name: of an algorithm or pretending to be, made with keys that are published."""

import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.authz.tokens import GOOD, KIND, NOW, jwk, private, raw, sealed, segment, signed

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
DEEP = raw(b"[" * 5_000)


def without(name: str) -> dict[str, Any]:
    return {k: v for k, v in GOOD.items() if k != name}


def bad_heads(algorithm: str) -> Iterator[tuple[str, str]]:
    """Whose header lies about algorithm and key."""
    key = private(KIND[algorithm])
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    _, body, seal = signed(key, algorithm).split(".")
    for spelling in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {spelling!r}, unsigned", f"{segment({'alg': spelling, 'kid': 'one'})}.{body}."
        yield f"alg {spelling!r}, signed", f"{segment({'alg': spelling, 'kid': 'one'})}.{body}.{seal}"
    for name in ("HS256", "HS384", "HS512"):
        yield f"the public key in PEM as a shared secret of {name}", signed(pem, name)
        yield f"the public key in DER as a shared secret of {name}", signed(der, name)
        yield f"the public key as it is published as a shared secret of {name}", signed(json.dumps(jwk(key)).encode(), name)
    yield "forged by another key of the kind", signed(private(KIND[algorithm], "b"), algorithm)
    yield "alg is a list", f"{segment({'alg': [algorithm], 'kid': 'one'})}.{body}.{seal}"
    yield "alg missing", sealed(key, algorithm, segment({"kid": "one"}), body)
    yield "alg of another key", f"{segment({'alg': next(a for a in ALGORITHMS if a != algorithm), 'kid': 'one'})}.{body}.{seal}"
    yield "alg twice", sealed(key, algorithm, raw(b'{"alg":"none","alg":"%s","kid":"one"}' % algorithm.encode()), body)
    yield "kid of no key", signed(key, algorithm, kid="two")
    yield "kid empty", signed(key, algorithm, kid="")
    yield "kid is a number", sealed(key, algorithm, segment({"alg": algorithm, "kid": 1}), body)
    yield "kid is nothing", sealed(key, algorithm, segment({"alg": algorithm, "kid": None}), body)
    yield "kid is a path", signed(key, algorithm, kid="../../dev/null")
    yield "its key brought along as jwk", signed(private(KIND[algorithm], "b"), algorithm, jwk=jwk(private(KIND[algorithm], "b")))
    yield "crit", signed(key, algorithm, crit=["x"], x=1)
    yield "crit that we could know", signed(key, algorithm, crit=["exp"], exp=1)
    yield "b64", signed(key, algorithm, b64=False)
    yield "b64 as it always is", signed(key, algorithm, b64=True)
    yield "b64 as it always is, and crit", signed(key, algorithm, b64=True, crit=["b64"])


def bad_forms(algorithm: str) -> Iterator[tuple[str, str]]:
    """That are no token, or another one than was signed."""
    key = private(KIND[algorithm])
    good = signed(key, algorithm)
    head, body, seal = good.split(".")
    yield "header of five thousand brackets", f"{DEEP}.{body}.{seal}"
    yield "header is a list", f"{segment([algorithm])}.{body}.{seal}"
    yield "empty", ""
    yield "no token", "abc"
    yield "three empty parts", ".."
    yield "four parts", f"{good}.{seal}"
    yield "encrypted, five parts", f"{good}.{seal}.{seal}"
    yield "not ASCII", "é" * 20
    yield "too long", "a" * 9_000
    yield "good, but too long", signed(key, algorithm, GOOD | {"more": "x" * 9_000})
    yield "truncated", good[:-5]
    yield "signature of zeros", f"{head}.{body}.{raw(bytes(len(seal) * 3 // 4))}"
    yield "without signature", f"{head}.{body}."
    yield "other signs in between", f"{head}.{body}.{seal[:9]}!{seal[9:]}"
    yield "padded", f"{good}=="
    yield "line feed behind", f"{good}\n"
    yield "changed subject", f"{head}.{segment(GOOD | {'sub': 'wang'})}.{seal}"


def bad_claims(algorithm: str) -> Iterator[tuple[str, str]]:
    """Rightly signed."""
    for name, claims in unbelievable():
        yield name, signed(private(KIND[algorithm]), algorithm, claims)


def unbelievable() -> Iterator[tuple[str, object]]:
    """Claims as values, or as text."""
    yield "claims are a list", [1, 2]
    yield "claims are no JSON", b"{"
    yield "claims with NaN", json.dumps(GOOD | {"x": float("nan")}).encode()
    yield "claims in another encoding", json.dumps(GOOD).encode("utf-16")
    yield "subject twice", json.dumps(GOOD).encode()[:-1] + b',"sub":"wang"}'
    yield "audience twice", b'{"aud":"other",' + json.dumps(GOOD).encode()[1:]
    yield "other issuer", GOOD | {"iss": "https://other.example"}
    yield "issuer with a slash more", GOOD | {"iss": "https://id.example/"}
    yield "issuers in a list", GOOD | {"iss": ["https://id.example"]}
    yield "other audience", GOOD | {"aud": "other"}
    yield "audience that contains ours", GOOD | {"aud": "mingjing2"}
    yield "other audiences", GOOD | {"aud": ["other", "more"]}
    yield "audience is an object", GOOD | {"aud": {"mingjing": 1}}
    yield "audiences of several kinds", GOOD | {"aud": ["mingjing", 1]}
    yield "no audience in a list", GOOD | {"aud": []}
    for claim in ("exp", "iat", "iss", "aud", "sub"):
        yield f"no {claim}", without(claim)
        yield f"{claim} is nothing", GOOD | {claim: None}
    yield "not yet", GOOD | {"nbf": NOW + 31}
    yield "issued in the future", GOOD | {"iat": NOW + 31}
    yield "issued in the future, good since long", GOOD | {"iat": NOW + 31, "nbf": NOW - 60}
    for claim in ("exp", "iat", "nbf"):
        for name, value in {"text": "1000001", "true": True, "a list": [NOW], "endless": 10**400, "negative": -1}.items():
            yield f"{claim} is {name}", GOOD | {claim: value}
    yield "subject empty", GOOD | {"sub": ""}
    yield "subject is a number", GOOD | {"sub": 7}
    yield "subject with a control character", GOOD | {"sub": "liu\n"}
    yield "subject too long", GOOD | {"sub": "x" * 201}
    yield "subject of a service account", GOOD | {"sub": "service:wabo"}


REFUSED = {
    f"{algorithm}: {name}": (algorithm, token)
    for algorithm in ALGORITHMS
    for tokens in (bad_heads, bad_forms, bad_claims)
    for name, token in tokens(algorithm)
}
