"""The settings of the video relay, one frozen table. Its owner fills it; the defaults suit one machine and a few hundred viewers.

Times are seconds, sizes bytes unless the name says otherwise. Knows no environment variables.
"""

from dataclasses import dataclass

HISTORY_MOST = 1_023
"""SRTP looks back over 1,024 packets; what is older cannot be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSettings:
    """Where it listens, how long it waits, and what it will at most hold for a camera or a viewer."""

    # fmt: off
    port: int = 0                               # the one UDP port of all viewers and publishers; 0: any free one
    addresses: tuple[str, ...] = ()             # addresses to bind it on; empty: all that this host has
    advertised: tuple[str, ...] = ()            # addresses told in answers in place of those, in the same order
    upstream_port_first: int = 0                # of the UDP ports for asking a gateway below; 0: any free ones
    upstream_port_last: int = 0
    gso: bool = True                            # hand several packets to the kernel at once

    linger: float = 5.0                         # after the last viewer left, before the camera is let go
    connect_within: float = 8.0                 # for reaching a camera
    answer_within: float = 20.0                 # for agreeing with it: a platform first asks for its camera's picture itself
    key_within: float = 10.0                    # for its first packet, and for its first key frame
    stalled_after: float = 1.5                  # without a packet: told as stalled
    silent_after: float = 4.0                   # without a packet: connected anew
    backoff_first: float = 0.5                  # before the first new attempt; doubles
    backoff_most: float = 15.0

    cache_bytes: int = 4_194_304                # of the packets since the last key frame, for a camera
    cache_seconds: float = 12.0
    history_packets: int = 1_000                # that can be sent again, for a camera
    unit_bytes: int = 2_097_152                 # of one picture
    replay_packets: int = 8                     # sent at once to a viewer who joins
    replay_tick: float = 0.003                  # between two such
    replay_again: float = 0.8                   # between two replays that a viewer asks for
    key_again: float = 0.5                      # between two key frames asked of a source

    viewers_per_camera: int = 500
    viewers: int = 1_000                        # halls that push are not counted
    joining: int = 100                          # viewers and publishers that are not connected yet
    join_within: float = 10.0                   # for a viewer to connect
    viewer_silent_after: float = 10.0           # of media sent without a report coming back
    viewer_datagrams: int = 300                 # taken from one viewer in a second
    publisher_datagrams: int = 5_000            # taken from one publisher in a second
    publisher_bits: int = 6_000_000             # a second, asked of a publisher at most
    resends: int = 400                          # packets sent again to one viewer in a second

    worker_silent_after: float = 10.0           # without a word between such a process and its owner: it ends, and is started anew

    evidence_before: float = 60.0               # of a marked moment, as far as it was being watched
    evidence_after: float = 60.0                # of it; the camera stays open for that long
    evidence_bytes: int = 16_777_216            # of memory for a camera's last seconds, while they may be marked
    evidence_total_bytes: int = 536_870_912     # of memory for the last seconds of all cameras
    evidence_clip_bytes: int = 67_108_864       # of one clip

    offer_bytes: int = 65_536
    offer_candidates: int = 8
    offer_networks: tuple[str, ...] = ("0.0.0.0/0", "::/0")     # of the candidates that are tried
    source_schemes: tuple[str, ...] = ("rtsp", "rtsps")
    source_networks: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
    # fmt: on

    def __post_init__(self) -> None:
        if not 0 < self.history_packets <= HISTORY_MOST:
            raise ValueError(f"history_packets must be between 1 and {HISTORY_MOST}")
