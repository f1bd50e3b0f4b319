"""Settings: every one is documented, read from the environment handed in, and refused with a sentence where it cannot be."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.config import Config, configured
from gateway.environment import unknown
from gateway.ingest.limits import IngestLimits
from gateway.key_limits import KeyLimits
from gateway.setting import SecretFileOpen, SettingInvalid, secret
from schema.context import Bounds
from schema.limits import QueryLimits
from tenants.read.request import Limits


def test_values_come_from_the_environment_that_is_handed_in() -> None:
    environ = {
        "MINGJING_PATIENCE": "0.5",
        "MINGJING_PORT": "9000",
        "MINGJING_DATA": "/srv/m",
        "MINGJING_CORS_ORIGINS": "https://a, https://b,",
    }
    config = configured(environ)
    assert (config.patience, config.port, config.data, config.cors_origins) == (
        0.5,
        9000,
        Path("/srv/m"),
        ("https://a", "https://b"),
    )
    assert configured({}) == Config()


def test_the_command_line_goes_before_the_environment() -> None:
    assert configured({"MINGJING_PORT": "9000"}, port=9001, host=None).port == 9001
    assert configured({"MINGJING_HOST": "::1"}, host=None).host == "::1"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "http"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", ""),
        ("PATIENCE", "0"),
        ("PATIENCE", "nan"),
        ("PATIENCE", "inf"),
        ("PAGE_MAX", "0"),
        ("PAGE_MAX", "1.5"),
        ("LANGUAGE", "fr"),
        ("LANGUAGE", ""),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(SettingInvalid, match=f"MINGJING_{name}"):
        configured({f"MINGJING_{name}": text})


def test_a_misspelt_setting_is_noticed() -> None:
    assert unknown({"MINGJING_PATIENCE": "1", "MINGJING_PATIENSE": "1", "HOME": "/", "MINGJING_SHARED_DATA": "x"}) == [
        "MINGJING_PATIENSE"
    ]


def test_every_room_gets_every_limit_that_it_has_and_the_defaults_are_its_own() -> None:
    config = Config()
    assert config.limits() == Limits()
    assert config.part(QueryLimits) == QueryLimits()
    assert config.part(Bounds) == Bounds()
    assert config.ingest_limits() == IngestLimits()
    assert config.key_limits() == KeyLimits()
    for kind in (Limits, QueryLimits, Bounds):
        assert {f.name for f in fields(kind)} - {"extra"} <= {f.name for f in fields(Config)}
    assert Config(patience=9.0, tenants_at_once=3).limits() == Limits(patience=9.0, tenants_at_once=3)


def test_our_own_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    config = Config(data=tmp_path / "new")
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: config.token_key(), range(16)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    assert (config.data / "token.key").stat().st_mode & 0o777 == 0o600
    assert [f.name for f in config.data.iterdir()] == ["token.key"]


def test_one_secret_gives_other_bytes_for_other_purposes_and_always_the_same(tmp_path: Path) -> None:
    config = Config(data=tmp_path)
    cursor = config.secret_key("cursor")
    assert (len(cursor), cursor) == (32, Config(data=tmp_path).secret_key("cursor"))
    assert len({cursor, config.secret_key("link"), config.secret_key("cursor2"), config.audit_key(), config.token_key()}) == 5
    assert {f.name for f in tmp_path.iterdir()} == {"secret.key", "audit.key", "token.key"}
    assert Config(data=tmp_path / "other").secret_key("cursor") != cursor


def test_a_switch_is_true_or_false_and_nothing_else() -> None:
    assert [configured({"MINGJING_DEMO_TOKENS": text}).demo_tokens for text in ("true", "True", "false")] == [True, True, False]
    assert configured({}).demo_tokens is False
    for text in ("", "0", "1", "yes", "truee"):
        with pytest.raises(SettingInvalid, match="MINGJING_DEMO_TOKENS"):
            configured({"MINGJING_DEMO_TOKENS": text})


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(os.urandom(32).hex().encode())
    file.chmod(0o640)
    with pytest.raises(SecretFileOpen, match="chmod 600"):
        secret(file, tmp_path / "own")
    file.chmod(0o600)
    assert secret(file, tmp_path / "own") == file.read_bytes()


@pytest.mark.parametrize("content", [b"", b"s3cr3t!", b"x" * 31])
def test_a_short_secret_is_refused_and_not_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SettingInvalid) as caught:
        secret(file, tmp_path / "own")
    assert "32 are needed" in caught.value.message
    assert not content or content.decode() not in caught.value.message


def test_a_named_secret_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="cannot be read"):
        Config(data=tmp_path, token_key_file=str(tmp_path / "missing")).token_key()
    assert not list(tmp_path.iterdir())
