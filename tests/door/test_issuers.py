"""The file of issuers: taken whole, or refused with the table and the member that is off."""

from pathlib import Path
from typing import Any

import pytest

from authz.identity import Issuer
from gateway.issuers import IssuersInvalid, read_issuers
from tests.door.provider import issuers_file

GOOD: dict[str, Any] = {
    "issuer": "https://id.example",
    "audiences": ["mingjing"],
    "jwks": "https://id.example/certs",
    "algorithms": ["RS256", "ES256"],
}


def test_a_table_says_whom_to_believe_and_on_which_conditions(tmp_path: Path) -> None:
    more = {"leeway": 0, "required": ["azp"], "subject": "employee", "prefix": "sso:", "lifetime": 36_000}
    (found,) = read_issuers(Path(issuers_file(tmp_path, keycloak=GOOD | more)))
    assert (found.name, found.jwks) == ("keycloak", "https://id.example/certs")
    assert found.issuer == Issuer(
        name="https://id.example",
        audiences=frozenset({"mingjing"}),
        algorithms=frozenset({"RS256", "ES256"}),
        leeway=0,
        required=frozenset({"azp"}),
        claim="employee",
        prefix="sso:",
        lifetime=36_000,
    )


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    (found,) = read_issuers(Path(issuers_file(tmp_path, a=GOOD | {"jwks": "keys/jwks.json"})))
    assert (found.issuer.leeway, found.issuer.claim, found.issuer.prefix, found.issuer.lifetime) == (30, "sub", "", None)
    assert found.jwks == tmp_path / "keys/jwks.json"


@pytest.mark.parametrize("jwks", ["http://127.0.0.1:8080/certs", "http://localhost/certs", "http://[::1]:1/", "http://127.9.9.9/"])
def test_http_is_taken_on_this_machine(tmp_path: Path, jwks: str) -> None:
    (found,) = read_issuers(Path(issuers_file(tmp_path, a=GOOD | {"jwks": jwks})))
    assert found.jwks == jwks


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    **{f"without {name}": ({name: None}, name) for name in GOOD},
    **{f"{name} empty": ({name: type(value)()}, name) for name, value in GOOD.items()},
    **{f"{name} is a number": ({name: 7}, name) for name in GOOD},
    "a member that we do not know": ({"audience": ["mingjing"]}, "audience"),
    "HS256": ({"algorithms": ["RS256", "HS256"]}, "algorithms"),
    "none": ({"algorithms": ["none"]}, "algorithms"),
    "ES256K": ({"algorithms": ["ES256K"]}, "algorithms"),
    "an algorithm that is a number": ({"algorithms": [256]}, "algorithms"),
    "an audience that is empty": ({"audiences": [""]}, "audiences"),
    "http of another machine": ({"jwks": "http://id.example/certs"}, "jwks"),
    "http of a name that begins like ours": ({"jwks": "http://localhost.example/certs"}, "jwks"),
    "http of an address that begins like ours": ({"jwks": "http://127.0.0.1.example/certs"}, "jwks"),
    "http that hides another machine": ({"jwks": "http://127.0.0.1@id.example/certs"}, "jwks"),
    "ftp": ({"jwks": "ftp://id.example/certs"}, "jwks"),
    "file": ({"jwks": "file:///etc/passwd"}, "jwks"),
    "a port that is none": ({"jwks": "https://id.example:x/"}, "jwks"),
    "no host": ({"jwks": "https:///certs"}, "jwks"),
    "a password in the URL": ({"jwks": "https://me:secret@id.example/"}, "jwks"),
    "leeway below nothing": ({"leeway": -1}, "leeway"),
    "leeway of an hour": ({"leeway": 3_600}, "leeway"),
    "leeway is true": ({"leeway": True}, "leeway"),
    "no lifetime": ({"lifetime": 0}, "lifetime"),
    "a prefix of service accounts": ({"prefix": "service:"}, "prefix"),
    "an issuer named like an account": ({"issuer": "service:wabo"}, "issuer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_off_is_refused_by_table_and_member(tmp_path: Path, name: str) -> None:
    changed, member = REFUSED[name]
    table = {k: v for k, v in (GOOD | changed).items() if v is not None}
    with pytest.raises(IssuersInvalid) as caught:
        read_issuers(Path(issuers_file(tmp_path, sound=GOOD | {"issuer": "https://other.example"}, keycloak=table)))
    assert "[keycloak]" in caught.value.message
    assert member in caught.value.message
    assert "secret" not in caught.value.message


FILES = {
    "is empty": ("", "names no issuer"),
    "is no TOML": ("[a\n", "line 1"),
    "says a member twice": ('[a]\nissuer = "x"\nissuer = "y"\n', "line 3"),
    "says something outside of a table": ('issuer = "x"\n', "outside of a table"),
    "is not UTF-8": ("[\udcff]", "utf-8"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    text, said = FILES[name]
    file = tmp_path / "issuers.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(IssuersInvalid, match=said):
        read_issuers(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IssuersInvalid, match="cannot be read"):
        read_issuers(tmp_path / "issuers.toml")


@pytest.mark.parametrize("prefixes", [("", ""), ("a:", ""), ("", "a:"), ("a", "ab"), ("ab", "a"), ("a:", "a:")])
def test_two_issuers_can_never_name_the_same_subject(tmp_path: Path, prefixes: tuple[str, str]) -> None:
    tables = {f"t{n}": GOOD | {"issuer": f"https://{n}.example", "prefix": prefix} for n, prefix in enumerate(prefixes)}
    with pytest.raises(IssuersInvalid, match="same subject"):
        read_issuers(Path(issuers_file(tmp_path, **tables)))


def test_two_issuers_that_are_apart_are_taken_and_one_twice_is_not(tmp_path: Path) -> None:
    tables = {name: GOOD | {"issuer": f"https://{name}.example", "prefix": f"{name}:"} for name in "ab"}
    assert len(read_issuers(Path(issuers_file(tmp_path, **tables)))) == 2
    tables["b"]["issuer"] = tables["a"]["issuer"]
    with pytest.raises(IssuersInvalid, match="same issuer"):
        read_issuers(Path(issuers_file(tmp_path, **tables)))
