"""How what a relay deals with goes over a channel to another process and back: settings, sources, states, figures, clips, faults.

A camera's address is in here, and nowhere else on its way. Knows no process.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from media import faults
from media.feed import SOUND_RATES
from media.recording import Clip
from media.settings import VideoSettings
from media.source import Source
from media.sources.below import Below, BelowSource
from media.sources.file import FileSource
from media.sources.pushed import PushedSource
from media.sources.rtsp import RtspSource
from media.states import State, Told
from media.viewing import Stats
from supervision.evidence import EvidenceShort, container
from supervision.faults import Failure, Fault

Said: TypeAlias = dict[str, Any]
KINDS = {kind.code: kind for kind in vars(faults).values() if isinstance(kind, type) and issubclass(kind, Fault)}
"""The faults that go over as what they are, by code."""


def settings_said(settings: VideoSettings) -> Said:
    return asdict(settings)


def settings_heard(said: Said) -> VideoSettings:
    named: Said = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    return VideoSettings(**named)


def source_said(source: Source, number: Callable[[Below], int]) -> Said:
    """`number`: by which a gateway below is asked for from the other side. Raises TypeError for a source of another kind."""
    match source:
        case FileSource(path, loop):
            return {"kind": "file", "path": str(path.absolute()), "loop": loop}
        case RtspSource(url):
            return {"kind": "rtsp", "url": url}
        case PushedSource():
            return {"kind": "pushed"}
        case BelowSource(below):
            return {"kind": "below", "number": number(below), "name": below.name}
    raise TypeError(f"{type(source).__name__} does not go over a channel")


def source_heard(said: Said, settings: VideoSettings, below: Callable[[int, str], Below]) -> Source:
    match said["kind"]:
        case "file":
            return FileSource(Path(said["path"]), said["loop"])
        case "rtsp":
            return RtspSource(said["url"], settings)
        case "pushed":
            return PushedSource()
    return BelowSource(below(said["number"], said["name"]))


def told_heard(said: list[Any]) -> Told:
    return Told(State(said[0]), str(said[1]), str(said[2]), float(said[3]))


def stats_heard(said: list[Any]) -> Stats:
    """Raises ValueError, TypeError for what is no such figures."""
    since, size, packets, resent, dropped, keys_asked, replays, lost_share, joined_ms = said
    counts = (int(one) for one in (size, packets, resent, dropped, keys_asked, replays))
    return Stats._make((float(since), *counts, float(lost_share), float(joined_ms)))


def clip_heard(said: list[Any]) -> Clip:
    """A file is named by what is said here. Raises ValueError, TypeError for what is no clip."""
    begins, ends, pictures, lost, sound, kind, short = said
    if sound not in ("", *SOUND_RATES) or kind != container(sound.upper()):
        raise ValueError("of no kind that is made here")
    short = None if short is None else EvidenceShort(short)
    return Clip(float(begins), float(ends), int(pictures), int(lost), sound, kind, short)


def fault_said(fault: Fault) -> Said:
    return {"code": fault.code, "detail": fault.detail, "soon": getattr(fault, "soon", False)}


def fault_heard(said: Said) -> Fault:
    """As it was raised, or a Failure."""
    kind = KINDS.get(said["code"], Failure)
    fault = kind(*([str(said["detail"])] if said["detail"] else []))
    if said["soon"]:
        fault.soon = True  # type: ignore[attr-defined]
    return fault
