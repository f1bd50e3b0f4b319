"""Key sets as issuers publish them: which keys are taken, for which algorithms, and what is passed over and why."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from authz.jwk import CURVES, KeyInvalid, KeySetInvalid, jwk_of, key_set, public_key, read_json, spelled, thumbprint
from tests.authz.tokens import jwk, private

RSA, P256, P384, ED = (private(kind) for kind in ("RSA", "P-256", "P-384", "Ed25519"))
SHORT = rsa.generate_private_key(65_537, 1_024)


def test_a_key_is_for_the_algorithms_of_its_kind_and_curve_that_are_allowed() -> None:
    allowed = {"RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256", "none", "ES256K"}
    assert public_key(jwk(RSA), allowed).algorithms == {"RS256", "PS256"}
    assert public_key(jwk(RSA, alg="PS256"), allowed).algorithms == {"PS256"}
    assert public_key(jwk(P256), allowed).algorithms == {"ES256"}
    assert public_key(jwk(P384), allowed).algorithms == {"ES384"}
    assert public_key(jwk(ED), allowed).algorithms == {"EdDSA"}


PASSED_OVER: dict[str, tuple[Any, str]] = {
    "no object": ("key", "no JSON object"),
    "a shared secret": ({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}, "secret"),
    "a shared secret without k": ({"kty": "oct", "alg": "HS256"}, "no allowed algorithm"),
    "a private key": (jwk(P256, d="AAAA"), "secret"),
    "for encryption": (jwk(RSA, use="enc"), "not for signatures"),
    "for signing only": (jwk(RSA, key_ops=["sign"]), "not for signatures"),
    "operations that are no list": (jwk(RSA, key_ops="verify"), "not for signatures"),
    "another algorithm": (jwk(RSA, alg="RSA-OAEP"), "no allowed algorithm"),
    "an algorithm of another kind": (jwk(RSA, alg="ES256"), "no allowed algorithm"),
    "an algorithm of another curve": (jwk(P384, alg="ES256"), "no allowed algorithm"),
    "alg HS256": (jwk(RSA, alg="HS256"), "no allowed algorithm"),
    "alg none": (jwk(RSA, alg="none"), "no allowed algorithm"),
    "alg is a list": (jwk(RSA, alg=["RS256"]), "no allowed algorithm"),
    "kty is a list": (jwk(RSA, kty=["RSA"]), "no allowed algorithm"),
    "no kty": ({"kid": "one", "n": "AQAB", "e": "AQAB"}, "no allowed algorithm"),
    "secp256k1": (jwk(ec.generate_private_key(ec.SECP256K1())), "no allowed algorithm"),
    "Ed448": (jwk(ed448.Ed448PrivateKey.generate()), "no allowed algorithm"),
    "a curve that is said to be another": (jwk(P384, crv="P-256"), "make no key"),
    "not on the curve": (jwk(P256, y=jwk(private("P-256", "b"))["y"]), "make no key"),
    "coordinates missing": ({"kty": "EC", "crv": "P-256", "kid": "one"}, "make no key"),
    "coordinates are numbers": (jwk(P256, x=7), "make no key"),
    "coordinates are nothing": (jwk(P256, x=None), "make no key"),
    "modulus is a list": (jwk(RSA, n=["AQAB"]), "make no key"),
    "short RSA": (jwk(SHORT), "2048 to 8192"),
    "even exponent": (jwk(RSA, e="Ag"), "make no key"),
    "kid is a number": (jwk(RSA, kid=1), "kid"),
    "kid is long": (jwk(RSA, kid="x" * 201), "kid"),
    "kid with a line feed": (jwk(RSA, kid="a\n"), "kid"),
    "primes": (jwk(RSA, oth=[]) | {"d": "AQAB", "p": "AQAB"}, "secret"),
}


@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_is_no_key_for_us_is_passed_over_and_its_neighbour_is_not(name: str) -> None:
    bad, why = PASSED_OVER[name]
    found = key_set({"keys": [bad, jwk(ED, kid="good")]}, set(CURVES))
    assert [key.kid for key in found.keys] == ["good"]
    (told,) = found.passed_over
    assert told.startswith("key 1 of 2: ")
    assert why in told
    with pytest.raises(KeySetInvalid):
        key_set({"keys": [bad]}, set(CURVES))


def test_of_keys_with_one_kid_none_is_taken() -> None:
    found = key_set({"keys": [jwk(RSA), jwk(P256), jwk(ED, kid="two")]}, set(CURVES))
    assert [key.kid for key in found.keys] == ["two"]
    assert len(found.passed_over) == 2


@pytest.mark.parametrize("document", [None, [], "keys", {}, {"keys": None}, {"keys": {}}, {"keys": []}])
def test_what_is_no_key_set_is_refused(document: object) -> None:
    with pytest.raises(KeySetInvalid):
        key_set(document, set(CURVES))


MEMBERS = ("crv", "x", "y", "n", "e", "kid", "alg", "use", "oth")


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c))
    | st.fixed_dictionaries(
        {"kty": st.sampled_from(["RSA", "EC", "OKP", "oct"])},
        optional={
            n: st.text(max_size=8) | st.integers() | st.none() for n in ("crv", "x", "y", "n", "e", "kid", "alg", "use", "oth")
        }
        | {"crv": st.sampled_from(["P-256", "P-384", "Ed25519"])},
    )
)
def test_whatever_stands_in_a_set_it_is_a_key_or_a_refusal(thing: object) -> None:
    try:
        public_key(thing, set(CURVES))
    except KeyInvalid:
        return


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn"
        "1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    assert thumbprint({"kty": "RSA", "n": modulus, "e": "AQAB", "kid": "x"}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(
    "text", [b'{"a":1,"a":1}', b'{"b":{"a":1,"a":2}}', b'{"a":NaN}', b"[Infinity]", b"\xff{}", b"{}x", b"[" * 9_999]
)
def test_what_two_readers_could_read_differently_is_not_read(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- of several kinds
        read_json(text)


def pem(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_a_public_key_in_pem_is_the_jwk_of_its_private_key() -> None:
    for key in (RSA, P256, ED):
        assert jwk_of(pem(key)) == spelled(key)
        assert json.loads(json.dumps(spelled(key))) == spelled(key)


def test_a_private_key_is_not_taken_for_a_public_one() -> None:
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        secret = P256.private_bytes(Encoding.PEM, form, NoEncryption())
        with pytest.raises(KeyInvalid, match="private key") as caught:
            jwk_of(secret)
        assert secret.decode().splitlines()[1] not in caught.value.message


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_public_key_is_refused(content: bytes) -> None:
    with pytest.raises(KeyInvalid, match="no public key in PEM"):
        jwk_of(content)


@pytest.mark.parametrize("key", [x25519.X25519PrivateKey.generate(), dsa.generate_private_key(2_048)], ids=["x25519", "dsa"])
def test_a_kind_that_signs_no_token_is_refused(key: Any) -> None:
    with pytest.raises(KeyInvalid):
        jwk_of(pem(key))
