"""`mingjing accounts`, as an operator and an account's own machine run it; and `serve`, which believes nobody by default."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.door.conftest import made
from tests.door.test_commands import mingjing


@pytest.fixture
def data(tmp_path: Path) -> Path:
    asyncio.run(made(tmp_path / "data"))
    return tmp_path / "data"


def keygen(folder: Path, name: str = "key", algorithm: str = "ES256") -> tuple[str, str]:
    """The private key's file, and the key's id."""
    ran = mingjing("accounts", "keygen", str(folder / name), "--algorithm", algorithm)
    assert (ran.returncode, ran.stderr) == (0, "")
    return str(folder / name), ran.stdout.strip()


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_a_key_pair_is_made_added_listed_and_ended(data: Path, tmp_path: Path, algorithm: str) -> None:
    file, kid = keygen(tmp_path, algorithm=algorithm)
    assert Path(file).stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in Path(f"{file}.pub").read_text()
    added = mingjing("accounts", "add", "wabo", "--public-key", f"{file}.pub", "--days", "1", "--reason", "rotation", data=data)
    assert (added.returncode, added.stdout.strip()) == (0, kid)
    (row,) = mingjing("accounts", "list", data=data).stdout.splitlines()
    account, listed, begins, until, state, by, reason = row.split("\t")
    assert (account, listed, state, reason) == ("service:wabo", kid, "believed", "rotation")
    assert begins[:8] <= until[:8]
    assert by.endswith(" at the command line")
    assert mingjing("accounts", "end", kid, data=data).returncode == 0
    assert "\tended\t" in mingjing("accounts", "list", data=data).stdout
    again = mingjing("accounts", "add", "wabo", "--public-key", f"{file}.pub", data=data)
    assert (again.returncode, again.stderr) == (2, f"mingjing: This key was added before; a key serves one account, once. {kid}\n")


def test_a_key_without_end_is_one(data: Path, tmp_path: Path) -> None:
    file, _ = keygen(tmp_path)
    mingjing("accounts", "add", "wabo", "--public-key", f"{file}.pub", "--days", "0", data=data)
    assert mingjing("accounts", "list", data=data).stdout.split("\t")[3] == ""


def test_a_key_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    file, _ = keygen(tmp_path)
    before = Path(file).read_bytes()
    assert mingjing("accounts", "keygen", file).returncode == 2
    assert Path(file).read_bytes() == before


def refused(*arguments: str, data: Path | None = None) -> str:
    ran = mingjing("accounts", *arguments, data=data)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1), ran
    return ran.stderr


def test_what_cannot_be_is_refused_in_one_sentence(data: Path, tmp_path: Path) -> None:
    file, _ = keygen(tmp_path)
    assert "private key" in refused("add", "wabo", "--public-key", file, data=data)
    assert "cannot be read" in refused("add", "wabo", "--public-key", f"{file}.none", data=data)
    assert "no name" in refused("add", "../wabo", "--public-key", f"{file}.pub", data=data)
    assert "no name" in refused("token", "a b", "--key", file)
    assert "no such key" in refused("end", "x", data=data)
    assert "none of" in refused("keygen", str(tmp_path / "other"), "--algorithm", "HS256")
    assert "no private key" in refused("token", "wabo", "--key", private_mode(f"{file}.pub"))
    assert "--expires" in refused("token", "wabo", "--key", file, "--expires", "soon")
    Path(file).chmod(0o640)
    told = refused("token", "wabo", "--key", file)
    assert "chmod 600" in told
    assert Path(file).read_text().splitlines()[1] not in told


def private_mode(file: str) -> str:
    Path(file).chmod(0o600)
    return file


def secrets(folder: Path) -> dict[str, str]:
    """Both of a gateway's own keys, as files outside of its data."""
    found = {}
    for name in ("secret", "audit"):
        file = folder / f"{name}.key"
        file.touch(mode=0o600)
        file.write_text(os.urandom(32).hex())
        found[f"MINGJING_{name.upper()}_KEY_FILE"] = str(file)
    return found


def not_served(data: Path, **environ: str) -> str:
    ran = mingjing("serve", "--port", "0", data=data, **environ)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1), ran.stderr
    return ran.stderr


def test_plain_serve_believes_nobody_and_says_what_to_do(data: Path, tmp_path: Path) -> None:
    told = not_served(data, **secrets(tmp_path))
    for way in ("MINGJING_ISSUERS_FILE", "`mingjing accounts add`", "`mingjing serve --demo-tokens`"):
        assert way in told


def test_plain_serve_wants_its_own_keys_to_be_named_and_the_audits_elsewhere(data: Path, tmp_path: Path) -> None:
    both = secrets(tmp_path)
    for name in both:
        assert f"{name} names no file" in not_served(data, **{k: v for k, v in both.items() if k != name})
    inside = secrets(data)["MINGJING_AUDIT_KEY_FILE"]
    assert "data folder" in not_served(data, **both | {"MINGJING_AUDIT_KEY_FILE": inside})
    link = tmp_path / "link"
    link.symlink_to(inside)
    assert "data folder" in not_served(data, **both | {"MINGJING_AUDIT_KEY_FILE": str(link)})
    assert "the same key" in not_served(data, **both | {"MINGJING_AUDIT_KEY_FILE": both["MINGJING_SECRET_KEY_FILE"]})
    Path(both["MINGJING_AUDIT_KEY_FILE"]).chmod(0o644)
    assert "chmod 600" in not_served(data, **both)


def test_an_issuers_file_that_is_off_is_told_before_anything_is_served(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text('[a]\nissuer = "https://id.example"\n')
    assert "[a]: audiences is missing" in not_served(data, **secrets(tmp_path), MINGJING_ISSUERS_FILE=str(file))
    file.write_text('[a]\nissuer = "https://id.example"\naudiences = ["m"]\nalgorithms = ["RS256"]\njwks = "jwks.json"\n')
    assert "jwks.json cannot be read" in not_served(data, **secrets(tmp_path), MINGJING_ISSUERS_FILE=str(file))
