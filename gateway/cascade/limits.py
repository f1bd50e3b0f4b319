"""What is taken from gateways beside this one, and how long they are waited for. Knows no gateway."""

from dataclasses import dataclass, fields

from gateway.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class HopLimits:
    """The settings `video_hop_…` of these names, with their units."""

    seconds: int = 30
    within: float = 4.0
    silent: float = 3.0
    watchers: int = 2_000
    roster_bytes: int = 4_194_304
    body_bytes: int = 65_536
    answer_bytes: int = 1_048_576
    event_bytes: int = 65_536
    events_burst: int = 64
    events_rate: float = 50.0
    states_rate: float = 5.0
    tokens: int = 200_000


def hop_limits(config: Config) -> HopLimits:
    return HopLimits(**{f.name: getattr(config, f"video_hop_{f.name}") for f in fields(HopLimits)})
