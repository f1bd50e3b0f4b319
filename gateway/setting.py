"""What a setting is: how it is described, read from a text and refused; and the files that hold secrets. Knows no setting."""

from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from secrets import token_bytes
from typing import Any

from supervision.faults import Refusal

PREFIX = "MINGJING_"


class SettingInvalid(Refusal):
    """A setting cannot be used."""

    code = "SETTING_INVALID"


class SecretFileOpen(Refusal):
    """A secret's file is readable by others than its owner."""

    code = "SECRET_FILE_OPEN"


def setting(default: Any, meaning: str, least: float | None = None, among: tuple[str, ...] = (), most: float = float("inf")) -> Any:
    """A field of Config. `least`, `most`: the numbers between which it makes sense; `among`: the texts that it may be."""
    return field(default=default, metadata={"meaning": meaning, "least": least, "most": most, "among": among})


def value_of(described: Any, text: str) -> Any:
    """What a field of Config is given by a text. Raises SettingInvalid."""
    name = PREFIX + described.name.upper()
    try:
        value = _read(described.default, text)
    except ValueError:
        raise SettingInvalid(f"{name}={text!r} is not a {type(described.default).__name__}") from None
    least, most = described.metadata["least"], described.metadata["most"]
    if least is not None and not least <= value < float("inf"):
        raise SettingInvalid(f"{name}={text!r} must be a number of at least {least:g}")
    if least is not None and value > most:
        raise SettingInvalid(f"{name}={text!r} must be at most {most:g}")
    among = described.metadata["among"]
    if among and not set(value if isinstance(value, tuple) else (value,)) <= set(among):
        raise SettingInvalid(f"{name}={text!r} must be one of {', '.join(among)}")
    return value


def _read(default: Any, text: str) -> Any:
    """The text as the kind of thing that the default is."""
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(default, bool):
        return ("false", "true").index(text.lower()) == 1
    return type(default)(text)


def secret(named: Path | None, own: Path, made: Callable[[], bytes] = lambda: token_bytes(32).hex().encode()) -> bytes:
    """The bytes of the file that a setting names, or else of our own file, which is made on first use."""
    path = named or own
    if named is None and not own.exists():
        _make_secret(own, made())
    try:
        if path.stat().st_mode & 0o077:
            raise SecretFileOpen(f"{path}: chmod 600 it")
        key = path.read_bytes().strip()
    except OSError as problem:
        raise SettingInvalid(f"the secret file {path} cannot be read: {problem.strerror}") from None
    if len(key) < 32:
        raise SettingInvalid(f"the secret file {path} holds {len(key)} bytes, 32 are needed")
    return key


def _make_secret(path: Path, content: bytes) -> None:
    """Written whole under another name first: two processes that start together end with one and the same key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{token_bytes(6).hex()}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
