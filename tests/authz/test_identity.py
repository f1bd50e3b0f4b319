"""Tokens: what is believed and what is not. Tokens are made by hand where a library would refuse to."""

import base64
import hmac
import json
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from authz.identity import Identities, KeyTooShort, TokenExpired, TokenInvalid, Trust, issue

KEY, OTHER = b"k" * 32, b"o" * 32
TRUST = Trust(keys={"HS256": [KEY]}, issuer="mingjing", audience="mingjing", leeway=30)
NOW = 1_000_000
GOOD: dict[str, Any] = {"sub": "liu", "iss": "mingjing", "aud": "mingjing", "nbf": NOW, "exp": NOW + 60}


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(claims: object, header: dict[str, Any] | None = None, key: bytes = KEY) -> str:
    text = f"{segment(header or {'alg': 'HS256', 'typ': 'JWT'})}.{segment(claims)}"
    return f"{text}.{base64.urlsafe_b64encode(hmac.digest(key, text.encode(), 'sha256')).rstrip(b'=').decode()}"


def without(name: str) -> dict[str, Any]:
    return {k: v for k, v in GOOD.items() if k != name}


DEEP = base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("=")
RSA_PUBLIC = rsa.generate_private_key(65537, 2048).public_key()

REFUSED = {
    "empty": "",
    "not a token": "abc",
    "three empty parts": "..",
    "not ASCII": "é" * 20,
    "too long": "a" * 9_000,
    "a header of five thousand brackets": f"{DEEP}.{segment(GOOD)}.AAAA",
    "alg none": f"{segment({'alg': 'none'})}.{segment(GOOD)}.",
    "alg None": f"{segment({'alg': 'None'})}.{segment(GOOD)}.",
    "alg is a list": f"{segment({'alg': ['HS256']})}.{segment(GOOD)}.AAAA",
    "alg missing": signed(GOOD, {"typ": "JWT"}),
    "alg not allowed here": jwt.encode(GOOD, b"k" * 64, algorithm="HS512"),
    "forged": signed(GOOD, key=OTHER),
    "truncated": signed(GOOD)[:-5],
    "without signature": signed(GOOD).rpartition(".")[0] + ".",
    "changed subject": ".".join([*(p := signed(GOOD).split("."))[:1], segment(GOOD | {"sub": "wang"}), *p[2:]]),
    "other issuer": signed(GOOD | {"iss": "other"}),
    "other audience": signed(GOOD | {"aud": "other"}),
    "not yet": signed(GOOD | {"nbf": NOW + 31}),
    "no exp": signed(without("exp")),
    "no nbf": signed(without("nbf")),
    "no iss": signed(without("iss")),
    "no aud": signed(without("aud")),
    "no sub": signed(without("sub")),
    "empty subject": signed(GOOD | {"sub": ""}),
    "subject is a number": signed(GOOD | {"sub": 7}),
    "a control character in the subject": signed(GOOD | {"sub": "liu\n"}),
    "exp is text": signed(GOOD | {"exp": "tomorrow"}),
    "exp is true": signed(GOOD | {"exp": True}),
    "exp is not a number": signed(GOOD | {"exp": float("nan")}),
    "exp is endless": signed(GOOD | {"exp": float("inf")}),
    "exp does not fit": signed(GOOD | {"exp": 10**400}),
    "claims are a list": signed([1, 2]),
    "unknown critical extension": signed(GOOD, {"alg": "HS256", "crit": ["x"], "x": 1}),
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_believed(token: str) -> None:
    with pytest.raises(TokenInvalid) as caught:
        Identities(TRUST).actor(token, NOW)
    assert type(caught.value) is TokenInvalid
    assert token == "" or token not in caught.value.message


def test_a_good_token_names_its_actor() -> None:
    actor = Identities(TRUST).actor(signed(GOOD | {"jti": "7"}), NOW)
    assert (actor.subject, actor.issuer, actor.expires, actor.token_id) == ("liu", "mingjing", NOW + 60, "7")


def test_a_token_for_several_audiences_is_ours_too() -> None:
    assert Identities(TRUST).actor(signed(GOOD | {"aud": ["other", "mingjing"]}), NOW).subject == "liu"


def test_leeway_is_given_both_ways_and_not_longer() -> None:
    identities = Identities(TRUST)
    assert identities.actor(signed(GOOD | {"nbf": NOW + 29}), NOW).subject == "liu"
    assert identities.actor(signed(GOOD), NOW + 89).subject == "liu"
    with pytest.raises(TokenExpired):
        Identities(TRUST).actor(signed(GOOD), NOW + 90)


def test_a_remembered_token_expires_all_the_same() -> None:
    identities, token = Identities(TRUST), signed(GOOD)
    identities.actor(token, NOW)
    with pytest.raises(TokenExpired):
        identities.actor(token, NOW + 90)
    with pytest.raises(TokenExpired):
        identities.actor(token, NOW + 91)


def test_a_remembered_token_does_not_vouch_for_one_with_another_signature() -> None:
    identities, token = Identities(TRUST), signed(GOOD)
    identities.actor(token, NOW)
    with pytest.raises(TokenInvalid):
        identities.actor(token[:-4] + "AAAA", NOW)


def test_the_memory_of_tokens_is_bounded() -> None:
    identities = Identities(TRUST, remembered=3)
    for n in range(10):
        identities.actor(signed(GOOD | {"jti": str(n)}), NOW)
    assert len(identities._known) == 3


def test_while_a_key_is_replaced_both_are_believed() -> None:
    both = Identities(Trust(keys={"HS256": [OTHER, KEY]}, issuer="mingjing", audience="mingjing"))
    assert both.actor(signed(GOOD), NOW).subject == both.actor(signed(GOOD, key=OTHER), NOW).subject == "liu"


def test_a_public_key_cannot_be_used_as_a_shared_secret() -> None:
    public = RSA_PUBLIC.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    trust = Trust(keys={"RS256": [public]}, issuer="mingjing", audience="mingjing")
    with pytest.raises(TokenInvalid):
        Identities(trust).actor(signed(GOOD, key=public), NOW)


def test_an_issued_token_is_believed_for_its_time() -> None:
    token = issue("demo-620100-supervisor", TRUST, NOW, 3600)
    assert Identities(TRUST).actor(token, NOW).subject == "demo-620100-supervisor"
    with pytest.raises(TokenExpired):
        Identities(TRUST).actor(token, NOW + 3600 + 30)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(KeyTooShort):
        Trust(keys={"HS256": [b"secret"]}, issuer="mingjing", audience="mingjing")


def test_the_old_casbin_is_not_installed() -> None:
    """It installs into the same folder as pycasbin and overwrites it in silence."""
    with pytest.raises(PackageNotFoundError):
        distribution("casbin")
    assert distribution("pycasbin").version
