"""Tokens: what is believed and what is not, for every algorithm. The bad ones are made by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.identity import NOBODY, SERVICE, Actor, Believed, Identities, TokenExpired, TokenInvalid, service_account
from authz.jwk import NO_KEYS, KeySet, key_set, thumbprint
from authz.signing import KeyTooShort, Signing, demo_issuer, issue, service_signing
from tests.authz.refused import ALGORITHMS, REFUSED, without
from tests.authz.tokens import GOOD, KIND, NOW, believed, jwk, private, sealed, segment, signed


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_believed(name: str) -> None:
    algorithm, token = REFUSED[name]
    with pytest.raises(TokenInvalid) as caught:
        Identities().actor(token, believed(jwk(private(KIND[algorithm]))), NOW)
    assert type(caught.value) is TokenInvalid
    assert token == "" or token not in caught.value.message


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_token_names_its_actor(algorithm: str) -> None:
    key = private(KIND[algorithm])
    actor = Identities().actor(signed(key, algorithm, GOOD | {"jti": "7"}), believed(jwk(key)), NOW)
    assert actor == Actor("liu", "https://id.example", NOW + 60, NOW, "7", thumbprint(jwk(key)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_algorithm_that_the_issuer_may_not_use_is_refused_whatever_its_key_can(algorithm: str) -> None:
    key = private(KIND[algorithm])
    narrowed = believed(jwk(key))
    narrowed = narrowed._replace(issuer=replace(narrowed.issuer, algorithms=narrowed.issuer.algorithms - {algorithm}))
    with pytest.raises(TokenInvalid):
        Identities().actor(signed(key, algorithm), narrowed, NOW)


def test_an_algorithm_that_the_key_is_not_for_is_refused_whatever_the_issuer_may() -> None:
    key = private("RSA")
    for_one = believed(jwk(key, alg="RS256"))
    assert Identities().actor(signed(key, "RS256"), for_one, NOW).subject == "liu"
    with pytest.raises(TokenInvalid):
        Identities().actor(signed(key, "PS256"), for_one, NOW)


@pytest.mark.parametrize(("algorithm", "curve"), [("ES256", "P-384"), ("ES256", "P-521"), ("ES384", "P-256"), ("ES512", "P-256")])
def test_a_curve_that_does_not_belong_to_the_algorithm_is_refused(algorithm: str, curve: str) -> None:
    """The signature is a right one, made with the hash of the algorithm over the wrong curve."""
    key = private(curve)
    with pytest.raises(TokenInvalid):
        Identities().actor(signed(key, algorithm), believed(jwk(key), algorithms="ES256 ES384 ES512"), NOW)


def test_a_token_for_several_audiences_is_ours_too() -> None:
    key = private("Ed25519")
    assert Identities().actor(signed(key, "EdDSA", GOOD | {"aud": ["other", "mingjing"]}), believed(jwk(key)), NOW).subject == "liu"


def test_without_a_kid_the_only_key_is_meant_and_of_several_none() -> None:
    one, two = private("Ed25519"), private("Ed25519", "b")
    token = signed(one, "EdDSA", kid=None)
    assert Identities().actor(token, believed(jwk(one, kid=None)), NOW).subject == "liu"
    assert Identities().actor(token, believed(jwk(one)), NOW).subject == "liu"
    with pytest.raises(TokenInvalid):
        Identities().actor(token, believed(jwk(one), jwk(two, kid="two")), NOW)


def test_leeway_is_given_both_ways_and_not_longer() -> None:
    key = private("Ed25519")
    issuer = believed(jwk(key))

    def at(now: float) -> Actor:
        return Identities().actor(signed(key, "EdDSA", GOOD | {"nbf": NOW}), issuer, now)

    assert at(NOW - 30).subject == at(NOW + 89.9).subject == "liu"
    with pytest.raises(TokenInvalid):
        at(NOW - 30.1)
    with pytest.raises(TokenExpired):
        at(NOW + 90)


def test_what_an_issuer_requires_is_required_and_its_subject_is_where_it_says() -> None:
    key = private("Ed25519")
    issuer = believed(jwk(key), required=frozenset({"azp"}), claim="employee", prefix="sso:", lifetime=60)
    good = without("sub") | {"employee": "7", "azp": "console"}
    assert Identities().actor(signed(key, "EdDSA", good), issuer, NOW).subject == "sso:7"
    lacking = ({**good, "azp": None}, {k: v for k, v in good.items() if k != "employee"} | {"sub": "7"}, good | {"exp": NOW + 61})
    for claims in lacking:
        with pytest.raises(TokenInvalid):
            Identities().actor(signed(key, "EdDSA", claims), issuer, NOW)


def test_a_remembered_token_expires_all_the_same() -> None:
    key = private("Ed25519")
    identities, token, issuer = Identities(), signed(key, "EdDSA"), believed(jwk(key))
    identities.actor(token, issuer, NOW)
    for now in (NOW + 90, NOW + 91):
        with pytest.raises(TokenExpired):
            identities.actor(token, issuer, now)


def test_a_remembered_token_ends_with_its_key() -> None:
    key, next_key = private("Ed25519"), private("Ed25519", "b")
    identities, token, issuer = Identities(), signed(key, "EdDSA"), believed(jwk(key))
    both = believed(jwk(key), jwk(next_key, kid="two"))
    assert identities.actor(token, issuer, NOW) is identities.actor(token, both, NOW)
    for gone in (NO_KEYS, believed(jwk(next_key)).keys, believed(jwk(next_key, kid="two")).keys):
        with pytest.raises(TokenInvalid):
            identities.actor(token, issuer._replace(keys=gone), NOW)
    identities.actor(token, issuer, NOW)
    with pytest.raises(TokenInvalid):
        identities.actor(token, NOBODY, NOW)


def test_a_remembered_token_ends_with_the_use_of_its_key() -> None:
    key = private("RSA")
    identities, token = Identities(), signed(key, "RS256")
    identities.actor(token, believed(jwk(key)), NOW)
    with pytest.raises(TokenInvalid):
        identities.actor(token, believed(jwk(key, alg="PS256")), NOW)


def test_a_key_is_believed_in_its_time_only_and_so_is_what_is_remembered() -> None:
    key = private("Ed25519")
    issuer, identities, token = believed(jwk(key)), Identities(), signed(key, "EdDSA")
    (whole,) = issuer.keys.keys
    for begins, ends, good in ((0, NOW + 1, True), (NOW, NOW + 1, True), (0, NOW, False), (NOW + 1, NOW + 9, False)):
        timed = issuer._replace(keys=KeySet([replace(whole, not_before=begins, expires=ends)]))
        for tried in (identities, Identities()):
            if good:
                assert tried.actor(token, timed, NOW).subject == "liu"
            else:
                with pytest.raises(TokenInvalid):
                    tried.actor(token, timed, NOW)


def test_a_remembered_token_does_not_vouch_for_one_with_another_signature() -> None:
    key = private("Ed25519")
    identities, token, issuer = Identities(), signed(key, "EdDSA"), believed(jwk(key))
    identities.actor(token, issuer, NOW)
    with pytest.raises(TokenInvalid):
        identities.actor(token[:-8] + "AAAAAAAA", issuer, NOW)


def test_the_memory_of_tokens_is_bounded_and_holds_no_refused_one() -> None:
    key = private("Ed25519")
    identities = Identities(remembered=3)
    for n in range(10):
        identities.actor(signed(key, "EdDSA", GOOD | {"jti": str(n)}), believed(jwk(key)), NOW)
        with pytest.raises(TokenInvalid):
            identities.actor(signed(key, "EdDSA", GOOD | {"jti": str(n), "aud": "x"}), believed(jwk(key)), NOW)
    assert len(identities._known) == 3


def test_an_unknown_issuer_and_a_bad_signature_get_the_same_answer() -> None:
    key, stranger = private("Ed25519"), private("Ed25519", "b")
    answers = set()
    for token, asked in (
        (signed(stranger, "EdDSA"), believed(jwk(key))),
        (signed(stranger, "EdDSA", GOOD | {"iss": "https://x.example"}), NOBODY),
        (signed(key, "EdDSA", kid="two"), believed(jwk(key))),
        (signed(stranger, "EdDSA", GOOD | {"exp": 1}), believed(jwk(key))),
    ):
        with pytest.raises(TokenInvalid) as caught:
            Identities().actor(token, asked, NOW)
        answers.add((type(caught.value), caught.value.message))
    assert answers == {(TokenInvalid, "The token is not valid.")}


KEYS = [private(kind, name) for kind in ("P-256", "Ed25519", "RSA") for name in "ab"]
OF = ["ES256", "ES256", "EdDSA", "EdDSA", "RS256", "RS256"]


@given(
    held=st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=2, max_size=3),
    signer=st.integers(0, 5), said=st.integers(0, 2), asked=st.integers(0, 2), kid=st.integers(0, 5), remembered=st.booleans(),
)  # fmt: skip
def test_a_token_is_believed_for_the_issuer_it_names_and_signed_by_its_key_of_that_name_only(
    held: list[set[int]], signer: int, said: int, asked: int, kid: int, remembered: bool
) -> None:
    """Whatever the signer's header and claims say, and whoever was asked before with the same memory."""
    published = [[jwk(KEYS[n], kid=str(n)) for n in sorted(keys)] for keys in held]
    issuers = [believed(*jwks, name=f"issuer{i}", prefix=f"{i}:") for i, jwks in enumerate(published)]
    said, asked = said % len(issuers), asked % len(issuers)
    identities, token = Identities(), signed(KEYS[signer], OF[signer], GOOD | {"iss": f"issuer{said}"}, kid=str(kid))
    right = signer == kid and signer in held[said]
    if remembered and right:
        assert identities.actor(token, issuers[said], NOW).subject == f"{said}:liu"
    if right and said == asked:
        assert identities.actor(token, issuers[asked], NOW).subject == f"{asked}:liu"
    else:
        with pytest.raises(TokenInvalid):
            identities.actor(token, issuers[asked], NOW)


WABO = service_account("wabo", "mingjing", leeway=30, lifetime=300)


@pytest.mark.parametrize("kind", ["P-256", "Ed25519", "RSA"])
def test_a_service_account_signs_for_itself_and_for_a_short_time(kind: str) -> None:
    key = private(kind)
    signing = service_signing("wabo", "mingjing", key)
    held = key_set({"keys": [jwk(key, kid=signing.kid)]}, WABO.algorithms)
    actor = Identities().actor(issue("wabo", signing, NOW, 300), Believed(WABO, held), NOW)
    assert (actor.subject, actor.issuer) == ("service:wabo", "service:wabo")
    for token in (
        issue("wabo", signing, NOW, 301),
        issue("other", signing, NOW, 60),
        issue("service:wabo", signing, NOW, 60),
        issue("wabo", replace(signing, issuer="service:other"), NOW, 60),
        issue("wabo", replace(signing, issuer="wabo"), NOW, 60),
        issue("wabo", replace(signing, audience="other"), NOW, 60),
        issue("wabo", replace(signing, kid=None), NOW, 60),
    ):
        with pytest.raises(TokenInvalid):
            Identities().actor(token, Believed(WABO, held), NOW)


@given(st.text(max_size=20), st.sampled_from(["", "sso:", "servic"]))
def test_no_person_is_ever_named_like_a_service_account(said: str, prefix: str) -> None:
    key = private("Ed25519")
    for subject in (said, SERVICE + said, f"e:{said}"):
        try:
            actor = Identities().actor(signed(key, "EdDSA", GOOD | {"sub": subject}), believed(jwk(key), prefix=prefix), NOW)
        except TokenInvalid:
            continue
        assert not actor.subject.startswith(SERVICE)


DEMO = Signing(issuer="mingjing", audience="mingjing", algorithm="HS256", material=b"k" * 32)


def test_a_token_of_the_demo_is_believed_for_its_time_and_by_its_key_only() -> None:
    token = issue("demo-620100-supervisor", DEMO, NOW, 3600)
    demo = demo_issuer(DEMO, leeway=30)
    assert Identities().actor(token, demo, NOW).subject == "demo-620100-supervisor"
    with pytest.raises(TokenExpired):
        Identities().actor(token, demo, NOW + 3600 + 30)
    with pytest.raises(TokenInvalid):
        Identities().actor(issue("liu", replace(DEMO, material=b"o" * 32), NOW, 60), demo, NOW)
    for other_use in ({"kid": "x"}, {"alg": "HS512"}):
        header = {"alg": "HS256"} | other_use
        claims = segment(GOOD | {"iss": "mingjing", "nbf": NOW})
        with pytest.raises(TokenInvalid):
            Identities().actor(sealed(b"k" * 32, header["alg"], segment(header), claims), demo, NOW)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(KeyTooShort):
        replace(DEMO, material=b"secret")
