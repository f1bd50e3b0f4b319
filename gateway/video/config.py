"""The settings of hall video and of the cascade, a line each. Part of every Config. Knows nothing of what they do."""

from dataclasses import dataclass, fields

from gateway.setting import setting
from media.settings import VideoSettings
from supervision.roster import WATCHERS


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoConfig:
    """As in Config."""

    # fmt: off
    video_workers: int = setting(0, "processes that cameras are spread over; 0: the gateway's own process", 0, most=64)
    video_worker_silent_after: float = setting(10.0, "seconds without a word of it after which it is ended and started anew", 2)
    video_port: int = setting(0, "first UDP port of viewers and publishers of video, one a worker; 0: any free", 0, most=65_535)
    video_addresses: tuple[str, ...] = setting((), "addresses that video is sent from, by commas; empty: all of this host")
    video_advertised: tuple[str, ...] = setting((), "addresses told in place of those, in the same order; empty: the same")
    video_upstream_port_first: int = setting(0, "first UDP port for asking gateways below; 0: any free ones", 0, most=65_535)
    video_upstream_port_last: int = setting(0, "last UDP port for asking gateways below for video", 0, most=65_535)
    video_gso: bool = setting(True, "whether several packets of video are handed to the kernel at once (UDP GSO)")
    video_linger: float = setting(5.0, "seconds after its last viewer left before a camera is let go", 0)
    video_connect_within: float = setting(8.0, "seconds for reaching a camera and agreeing with it", 0.01)
    video_key_within: float = setting(10.0, "seconds for a camera's first key frame", 0.1)
    video_stalled_after: float = setting(1.5, "seconds without a packet after which a camera is told as stalled", 0.1)
    video_silent_after: float = setting(4.0, "seconds without a packet after which a camera is connected anew", 0.1)
    video_backoff_first: float = setting(0.5, "seconds before a lost camera is tried again; doubles from time to time", 0.01)
    video_backoff_most: float = setting(15.0, "seconds between two attempts at a lost camera at most", 0.01)
    video_cache_bytes: int = setting(4_194_304, "bytes of one camera since its last key frame, kept for who joins", 0)
    video_cache_seconds: float = setting(12.0, "seconds of them", 0)
    video_history_packets: int = setting(1_000, "packets of one camera that can be sent again", 1, most=1_023)
    video_unit_bytes: int = setting(2_097_152, "bytes of one picture of a camera", 1_024)
    video_replay_packets: int = setting(8, "packets sent at once to a viewer who joins", 1, most=64)
    video_replay_tick: float = setting(0.003, "seconds between two such", 0)
    video_replay_again: float = setting(0.8, "seconds between two replays that one viewer asks for", 0)
    video_key_again: float = setting(0.5, "seconds between two key frames asked of a source", 0)
    video_viewers_per_camera: int = setting(500, "viewers of one camera in one process", 1)
    video_viewers: int = setting(1_000, "viewers and publishers in one process", 1)
    video_joining: int = setting(100, "viewers and publishers in one process that are not connected yet", 1)
    video_join_within: float = setting(10.0, "seconds for a viewer to connect after the answer", 0.1)
    video_viewer_silent_after: float = setting(10.0, "seconds of media sent without a report after which a viewer is gone", 1)
    video_viewer_datagrams: int = setting(300, "datagrams taken from one viewer in a second", 10)
    video_publisher_datagrams: int = setting(5_000, "datagrams taken from one publisher in a second", 10)
    video_publisher_bits: int = setting(6_000_000, "bits a second asked of a publisher at most", 10_000)
    video_resends: int = setting(400, "packets sent again to one viewer in a second", 0)
    video_evidence_before: float = setting(60.0, "seconds before a marked moment that are kept as evidence", 0, most=600)
    video_evidence_after: float = setting(60.0, "seconds after it; its camera stays open for that long", 1, most=600)
    video_evidence_bytes: int = setting(
        16_777_216, "bytes of memory for a camera's last seconds, while they may be marked", 1_048_576
    )
    video_evidence_total_bytes: int = setting(536_870_912, "bytes of memory for those of all cameras in one process", 1_048_576)
    video_evidence_clip_bytes: int = setting(67_108_864, "bytes of one clip of evidence", 65_536)
    video_offer_bytes: int = setting(65_536, "characters of one offer (SDP)", 1)
    video_offer_candidates: int = setting(8, "candidates of one offer", 0, most=64)
    video_offer_networks: tuple[str, ...] = setting(("0.0.0.0/0", "::/0"), "networks of the candidates that are tried, by commas")
    video_source_schemes: tuple[str, ...] = setting(("rtsp", "rtsps"), "schemes that a camera's address may have, by commas")
    video_source_networks: tuple[str, ...] = setting(
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"), "networks that cameras may be in, by commas"
    )

    video: bool = setting(True, "whether this gateway shows its halls' cameras")
    camera_key_file: str = setting("", "file of the key that cameras' addresses are sealed with; empty: camera.key in `data`")
    video_films: str = setting("", "folder of films for cameras of the scheme file:, for demonstrations; empty: no such camera")
    video_token_seconds: int = setting(120, "seconds for which a token for one viewing is good; it is renewed while watching", 10)
    video_lifetime: int = setting(14_400, "seconds that one viewing may last; then it is opened anew, with a reason", 1)
    video_again: float = setting(30.0, "seconds within which a viewer who comes back goes on with the same viewing", 0)
    video_note_every: float = setting(15.0, "seconds after which it is written down that a viewing goes on, and its bytes", 0.1)
    video_openings: int = setting(2_000, "openings of cameras that are remembered at once", 1)
    video_openings_each: int = setting(24, "openings of cameras that one person may have at once", 1)
    video_opening_burst: int = setting(30, "cameras that one person may open at once", 1)
    video_opening_rate: float = setting(0.5, "cameras a second that one person may open on and on", 0.0001)
    video_people: int = setting(10_000, "people whose pace is known; beyond, the longest quiet is forgotten", 1)
    video_test_burst: int = setting(5, "cameras that one person may test at once", 1)
    video_test_rate: float = setting(0.1, "cameras a second that one person may test on and on", 0.0001)
    video_tests_at_once: int = setting(4, "cameras tested at the same time", 1)
    video_offer_within: float = setting(10.0, "seconds for an offer to come and be answered, or a list of pictures to come", 0.1)
    video_listeners: int = setting(4, "who hear the events of one opening at once; of one camera, for one gateway above", 1)
    video_letters: int = setting(64, "events that wait for one of them; beyond, the oldest is lost", 4)
    video_events_alive: float = setting(15.0, "seconds without an event after which a line says that there was none", 0.1)
    video_events_pictures: int = setting(16, "pictures whose events are told in one stream; a wall asks for nine", 9)
    video_events_bytes: int = setting(32_768, "bytes of the list of them", 8_192)
    video_evidence_folder: str = setting("", "folder of the clips that are kept as evidence; empty: evidence in `data`")
    video_evidence_days: int = setting(180, "days for which evidence is kept", 1, most=36_500)
    video_evidence_every: float = setting(3_600.0, "seconds between two looks for evidence whose time is over", 0.05)
    video_evidence_at_once: int = setting(16, "moments recorded at the same time in one process", 1)
    video_evidence_reads: int = setting(4, "clips read through at the same time before they are sent, in one process", 1)
    video_evidence_burst: int = setting(10, "moments that one person may mark at once", 1)
    video_evidence_rate: float = setting(0.05, "moments a second that one person may mark on and on", 0.0001)
    gateways_file: str = setting("", "file of the gateways below and above this one (docs/video.md); empty: there are none")
    gateway_key_file: str = setting("", "file of the key that this gateway signs for others with; empty: gateway.key in `data`")
    video_hops: int = setting(4, "gateways that a way to a camera leads over at most, the viewer's own included", 1, most=16)
    video_hop_seconds: int = setting(30, "seconds for which a token between gateways is good", 1, most=120)
    video_hop_within: float = setting(4.0, "seconds for an answer of a gateway below", 0.5)
    video_hop_silent: float = setting(3.0, "seconds without a word of a gateway below after which nothing of it is shown", 1.5)
    video_hop_drop_within: float = setting(1.0, "seconds for a gateway above to drop one who may look no longer", 0.1)
    video_hop_watchers: int = setting(2_000, "people who watch one camera by way of one gateway above or below", 1, most=WATCHERS)
    video_hop_roster_bytes: int = setting(4_194_304, "bytes of the list of them; alike in gateways beside each other", 65_536)
    video_hop_body_bytes: int = setting(65_536, "bytes of what else a gateway above asks, an offer aside", 16_384)
    video_hop_answer_bytes: int = setting(1_048_576, "bytes of one answer of a gateway below", 262_144)
    video_hop_event_bytes: int = setting(65_536, "bytes of one event of a gateway below", 8_192)
    video_hop_tokens: int = setting(200_000, "used tokens of one gateway above that are remembered; beyond, it has to wait", 1)
    video_roster_every: float = setting(5.0, "seconds after which a gateway below is told again who watches", 0.1)
    video_roster_silent: float = setting(15.0, "seconds without that after which a gateway above is shown nothing more", 0.5)
    video_tenant_silent_after: float = setting(10.0, "seconds without a word of a tenant's database that end its pictures", 1)
    video_ice_servers: tuple[str, ...] = setting((), "STUN servers told to viewers and halls, by commas: stun:HOST:PORT")
    video_turn_servers: tuple[str, ...] = setting((), "TURN servers told to them, by commas: turn:HOST:PORT?transport=tcp")
    video_turn_secret_file: str = setting("", "file of the secret that is shared with these (coturn: static-auth-secret)")
    video_turn_seconds: int = setting(14_400, "seconds for which a credential for a TURN server is good at most", 60)
    # fmt: on

    def video_settings(self) -> VideoSettings:
        """What the video relay is told."""
        return VideoSettings(**{f.name: getattr(self, f"video_{f.name}") for f in fields(VideoSettings)})
