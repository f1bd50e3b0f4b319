"""Every setting, a line each: its default, its meaning, its unit. Read from `MINGJING_*` of the environment handed in.

Secrets are never settings: a setting names the file that holds one, and the file must be its owner's alone.
Knows nothing of what the settings do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from secrets import token_bytes
from typing import Any, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.ingest.limits import IngestLimits
from gateway.key_limits import KeyLimits
from media.settings import VideoSettings
from supervision.faults import Refusal
from supervision.manifest import new_keys, public_of
from supervision.tree import Level
from supervision.words import LANGUAGES
from tenants.read.request import Limits

T = TypeVar("T")
PREFIX = "MINGJING_"
LEVELS = tuple(str(level) for level in Level)


class SettingInvalid(Refusal):
    """A setting cannot be used."""

    code = "SETTING_INVALID"


class SecretFileOpen(Refusal):
    """A secret's file is readable by others than its owner."""

    code = "SECRET_FILE_OPEN"


def setting(default: Any, meaning: str, least: float | None = None, among: tuple[str, ...] = (), most: float = float("inf")) -> Any:
    """A field of Config. `least`, `most`: the numbers between which it makes sense; `among`: the texts that it may be."""
    return field(default=default, metadata={"meaning": meaning, "least": least, "most": most, "among": among})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one gateway. The environment's name of each is `MINGJING_` and the field's name in capitals."""

    # fmt: off
    data: Path = setting(Path("var/demo"), "folder of the registry, the tenants' SQLite files and the keys")
    registry: str = setting("", "URL of the registry, sqlite:///PATH or postgresql://HOST/NAME; empty: registry.db in `data`")
    registry_refresh: float = setting(5.0, "seconds between two looks at the registry for tenants that came, went or moved", 0.05)
    postgres_passfile: str = setting("", "password file of PostgreSQL (the .pgpass format); empty: what libpq would take")
    host: str = setting("127.0.0.1", "address to listen on")
    port: int = setting(8123, "port to listen on; 0: any free one", 0, most=65_535)
    drain_within: int = setting(10, "seconds that requests under way may still take when the server is stopped", 0)
    language: str = setting("zh", "language of sentences where a request names none (Accept-Language): zh or en", among=LANGUAGES)
    cors_origins: tuple[str, ...] = setting((), "origins whose pages may read answers, separated by commas; * is not taken")

    issuers_file: str = setting("", "file of the issuers whose tokens are believed (docs/identity.md); empty: none")
    jwks_refresh: float = setting(300.0, "seconds between two looks at the keys of an issuer over HTTP", 0.01)
    jwks_again: float = setting(10.0, "seconds between two looks because of a key that is not known, or after a failed look", 0.01)
    jwks_within: float = setting(5.0, "seconds for one look at an issuer's keys", 0.01)
    jwks_stale: float = setting(86_400.0, "seconds for which an issuer's last good keys are believed when no look succeeds", 0)
    jwks_bytes: int = setting(262_144, "bytes of an issuer's keys, as a file or over HTTP", 1)
    service_token_seconds: int = setting(3_600, "seconds for which a token that a service account signs may be good", 1)
    secret_key_file: str = setting("", "file of the key that cursors are signed with; empty, in a demo: secret.key in `data`")
    audit_key_file: str = setting("", "file of the key that the audit is signed with; empty, in a demo: audit.key in `data`")
    demo_tokens: bool = setting(False, "whether tokens of `mingjing token` are believed: whoever reads its key can be anybody")
    token_key_file: str = setting("", "file of the key that `mingjing token` signs with (HS256); empty: token.key in `data`")
    token_issuer: str = setting("mingjing", "the issuer (iss) of the tokens of `mingjing token`")
    token_audience: str = setting("mingjing", "the audience (aud) that tokens of service accounts and of `mingjing token` name")
    token_leeway: float = setting(30.0, "seconds by which their clock and the gateway's may differ", 0)
    tokens_remembered: int = setting(4096, "checked tokens kept so that their signature is computed once", 1)
    scopes_remembered: int = setting(4096, "compiled scopes kept, one per person", 1)

    four_eyes: tuple[str, ...] = setting(
        ("PROVINCE", "CITY"), "levels of tenants whose grants want a second administrator, by commas; empty: none", among=LEVELS
    )
    proposal_lifetime: int = setting(30, "days for which a proposal waits for its second administrator", 1, most=3_650)
    delegation_depth: int = setting(3, "how often a right may be handed on", 0)

    answer_within: float = setting(10.0, "seconds for one answer, queueing included", 0.01)
    patience: float = setting(2.0, "seconds before a slow source is left out of the answer", 0.01)
    tenants_at_once: int = setting(16, "sources asked at the same time for one query", 1)
    tenants_per_statement: int = setting(200, "tenants of one database asked in one statement", 1)
    breaker_failures: int = setting(3, "failures in a row after which a source is not asked for a while", 1)
    breaker_pause: float = setting(5.0, "seconds for which such a source is not asked", 0)
    sqlite_handles: int = setting(512, "SQLite files held open (three descriptors each)", 1)
    sqlite_list_threads: int = setting(1, "threads that read lists from SQLite files", 1)
    sqlite_aggregate_threads: int = setting(2, "threads that count and group in SQLite files", 1)
    sqlite_write_threads: int = setting(4, "threads that write into the SQLite files of a folder", 1)
    postgres_connections: int = setting(4, "connections to one PostgreSQL database", 1)

    head_bytes: int = setting(65_536, "bytes of one request's line and headers", 1_024)
    head_within: float = setting(20.0, "seconds for them to come", 0.01)
    body_bytes: int = setting(1_048_576, "bytes of one GraphQL request's body or query string", 1)
    query_tokens: int = setting(4_000, "tokens of one document", 1)
    query_depth: int = setting(15, "levels of nested selections", 1)
    query_aliases: int = setting(100, "aliases of one document", 0)
    query_directives: int = setting(50, "directives of one document", 0)
    query_fields: int = setting(4_000, "fields of one operation, its fragments spread", 1)
    query_introspection: int = setting(3, "levels of types within types that a query may ask the schema about", 1)
    query_roots: int = setting(20, "root fields of one operation", 1)
    page_default: int = setting(50, "rows of a page where neither `first` nor `last` says how many", 1)
    page_max: int = setting(1_000, "rows of one page at most", 1)
    rows_max: int = setting(100_000, "rows of all pages of one request and of what hangs on them, together, as asked", 1)
    groups_max: int = setting(20_000, "groups of one summary at most", 1)
    document_cache_bytes: int = setting(16_777_216, "bytes that documents kept parsed and validated may take, as estimated", 0)

    audit_within: float = setting(2.0, "seconds for each step of an answer's audit record; who takes longer is not shown", 0.01)
    audit_batch: int = setting(200, "answers whose audit entries are committed together in one place", 1)
    audit_at_once: int = setting(8, "places whose audit entries are committed at the same time", 1)
    audit_cases: int = setting(1_000, "cases that one audit entry names; more go into further entries", 1, most=10_000)
    audit_refusals: int = setting(10_000, "refusals waiting to be put on record; those beyond stand in the log alone", 1)
    reason_chars: int = setting(500, "characters of the reason that a request may give", 1, most=10_000)

    ingest_body_bytes: int = setting(268_435_456, "bytes of one body of events, as it comes over the wire", 1)
    ingest_unpacked_bytes: int = setting(2_147_483_648, "bytes of one body of events, unpacked", 1)
    ingest_gzip_ratio: int = setting(250, "how many times larger than itself a gzip may unpack, after its first mebibyte", 1)
    ingest_line_bytes: int = setting(1_048_576, "bytes of one event", 1)
    ingest_quarantine_bytes: int = setting(65_536, "bytes of a refused line that are kept for correction", 1)
    ingest_batch_lines: int = setting(1_000, "lines that are committed together", 1)
    ingest_batch_bytes: int = setting(4_194_304, "bytes that are committed together", 1)
    ingest_flush_after: float = setting(0.2, "seconds after which a batch that is not full is committed", 0.001)
    ingest_idle_seconds: float = setting(60.0, "seconds without a byte after which a body of events has broken off", 0.01)

    public_store: str = setting("", "file of the public store that is served at /public/graphql; empty: that address is not there")
    public_threshold: int = setting(5, "cases that a published count must have at least, or be 0; smaller ones are withheld", 1)
    public_settled: int = setting(7, "days after its end for which a month waits for late events before it is published", 0)
    public_years: int = setting(3, "calendar years that statistics go back when the first store is published, this one included", 1)
    public_key_file: str = setting("", "file of the key that hashes query codes; empty: public.key in `data`, made on first use")
    manifest_key_file: str = setting("", "file of the key that signs public stores (Ed25519, PEM); empty: manifest.key in `data`")
    manifest_trust_file: str = setting("", "file of the public key that public stores must be signed with; empty: of manifest.key")
    gateway_name: str = setting("mingjing", "name of this gateway in what it signs")
    publish_patience: float = setting(60.0, "seconds before a slow source is left out of a publication", 0.01)
    public_refresh: float = setting(5.0, "seconds between two looks for a newer public store", 0.01)
    public_max_age: int = setting(600, "seconds for which anyone may keep an answer of the public door", 0)
    public_body_bytes: int = setting(16_384, "bytes of one public request's body or query string", 1)
    public_tokens: int = setting(1_000, "tokens of one public document", 1)
    public_depth: int = setting(8, "levels of nested selections of a public document", 1)
    public_aliases: int = setting(20, "aliases of one public document", 0)
    public_directives: int = setting(5, "directives of one public document", 0)
    public_fields: int = setting(500, "fields of one public operation, its fragments spread", 1)
    public_roots: int = setting(5, "root fields of one public operation", 1)
    public_page: int = setting(100, "rows of one public page at most", 1)
    public_rows: int = setting(5_000, "rows of all lists of one public request together", 1)
    progress_burst: int = setting(10, "query codes that one address may look up at once", 1)
    progress_rate: float = setting(0.1, "query codes a second that one address may look up on and on", 0.0001)
    progress_burst_all: int = setting(200, "query codes that all addresses together may look up at once", 1)
    progress_rate_all: float = setting(50.0, "query codes a second that all addresses together may look up on and on", 0.001)
    progress_addresses: int = setting(100_000, "addresses whose look-ups are counted; beyond, the longest quiet is forgotten", 1)
    trusted_proxies: tuple[str, ...] = setting((), "addresses or networks (CIDR) of proxies whose X-Forwarded-For is believed")

    video_workers: int = setting(0, "processes that cameras are spread over, 64 MB each; 0: the gateway's own process", 0, most=64)
    video_worker_silent_after: float = setting(10.0, "seconds without a word between gateway and worker until the worker ends", 2)
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
    video_viewers: int = setting(1_000, "viewers in one process; halls that push always have room", 1)
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
    video_test_burst: int = setting(5, "cameras that one person may test at once", 1)
    video_test_rate: float = setting(0.1, "cameras a second that one person may test on and on", 0.0001)
    video_tests_at_once: int = setting(4, "cameras tested at the same time", 1)
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
    video_roster_every: float = setting(5.0, "seconds after which a gateway below is told again who watches", 0.1)
    video_roster_silent: float = setting(15.0, "seconds without that after which a gateway above is shown nothing more", 0.5)
    video_tenant_silent_after: float = setting(10.0, "seconds without a word of a tenant's database that end its pictures", 1)
    video_ice_servers: tuple[str, ...] = setting((), "STUN servers told to viewers and halls, by commas: stun:HOST:PORT")
    video_turn_servers: tuple[str, ...] = setting((), "TURN servers told to them, by commas: turn:HOST:PORT?transport=tcp")
    video_turn_secret_file: str = setting("", "file of the secret that is shared with these (coturn: static-auth-secret)")
    video_turn_seconds: int = setting(14_400, "seconds for which a credential for a TURN server is good at most", 60)
    # fmt: on

    def part(self, kind: type[T]) -> T:
        """The settings that another room's own table of limits has under the same names."""
        names = {f.name for f in fields(self)} & {f.name for f in fields(kind)}  # type: ignore[arg-type]
        return kind(**{name: getattr(self, name) for name in names})

    def limits(self) -> Limits:
        """What the read path is told."""
        return self.part(Limits)

    def ingest_limits(self) -> IngestLimits:
        """What the door for events is told."""
        return IngestLimits(**{f.name: getattr(self, f"ingest_{f.name}") for f in fields(IngestLimits)})

    def video_settings(self) -> VideoSettings:
        """What the video relay is told."""
        return VideoSettings(**{f.name: getattr(self, f"video_{f.name}") for f in fields(VideoSettings)})

    @property
    def registry_url(self) -> str:
        return self.registry or f"sqlite:///{(self.data / 'registry.db').absolute()}"

    def token_key(self) -> bytes:
        return secret(Path(self.token_key_file) if self.token_key_file else None, self.data / "token.key")

    def secret_key(self, purpose: str) -> bytes:
        """32 bytes out of the gateway's one secret for one purpose; another gives other bytes (RFC 5869)."""
        return HKDF(SHA256(), 32, None, f"mingjing {purpose}".encode()).derive(self._secret())

    def _secret(self) -> bytes:
        return secret(Path(self.secret_key_file) if self.secret_key_file else None, self.data / "secret.key")

    def audit_key(self) -> bytes:
        return secret(Path(self.audit_key_file) if self.audit_key_file else None, self.data / "audit.key")

    def check_audit_key(self) -> None:
        """For whoever writes entries without a gateway: a key that is made here would not be the one that `serve` is given."""
        if not self.audit_key_file and not (self.data / "audit.key").exists():
            raise SettingInvalid("MINGJING_AUDIT_KEY_FILE names no file: give it the one that `serve` is given")

    def key_limits(self) -> KeyLimits:
        """What those who look for issuers' keys are told."""
        return KeyLimits(**{f.name: getattr(self, f"jwks_{f.name}") for f in fields(KeyLimits)})

    def check_secrets(self) -> None:
        """Reads both secrets. Where it is no demo, both are named, and whoever has the data has not the audit's key as well."""
        if not self.demo_tokens:
            for name in ("secret_key_file", "audit_key_file"):
                if not getattr(self, name):
                    raise SettingInvalid(f"MINGJING_{name.upper()} names no file: give it one of 32 random bytes or more, mode 600")
            if Path(self.audit_key_file).resolve().is_relative_to(self.data.resolve()):
                raise SettingInvalid(
                    "MINGJING_AUDIT_KEY_FILE lies in the data folder: whoever can change the data could sign for it"
                )
        if self._secret() == self.audit_key():
            raise SettingInvalid("MINGJING_AUDIT_KEY_FILE holds the same key as MINGJING_SECRET_KEY_FILE")

    def camera_key(self) -> bytes:
        """What cameras' addresses are sealed with."""
        return secret(Path(self.camera_key_file) if self.camera_key_file else None, self.data / "camera.key")

    @property
    def evidence_folder(self) -> Path:
        return Path(self.video_evidence_folder) if self.video_evidence_folder else self.data / "evidence"

    def turn_secret(self) -> bytes:
        """What TURN servers check our credentials with."""
        if not self.video_turn_secret_file:
            raise SettingInvalid("MINGJING_VIDEO_TURN_SECRET_FILE names no file: give it the secret that the TURN servers have")
        return secret(Path(self.video_turn_secret_file), self.data / "turn.secret")

    def query_code_key(self) -> bytes:
        """What query codes are derived with: whoever changes the gateway's secret makes every printed code void."""
        return self.secret_key("query codes")

    def public_key(self) -> bytes:
        """What the public store hashes query codes with."""
        return secret(Path(self.public_key_file) if self.public_key_file else None, self.data / "public.key")

    def manifest_key(self) -> bytes:
        """What public stores are signed with, in PEM; our own is made on first use."""
        return secret(
            Path(self.manifest_key_file) if self.manifest_key_file else None, self.data / "manifest.key", lambda: new_keys().private
        )

    def gateway_key(self) -> bytes:
        """What this gateway signs for others with, in PEM; made on first use."""
        return secret(
            Path(self.gateway_key_file) if self.gateway_key_file else None, self.data / "gateway.key", lambda: new_keys().private
        )

    def manifest_trust(self) -> bytes:
        """What public stores must be signed with, in PEM; the public half of our own key where none is named."""
        if not self.manifest_trust_file:
            return public_of(self.manifest_key())
        try:
            return Path(self.manifest_trust_file).read_bytes()
        except OSError as problem:
            raise SettingInvalid(f"{self.manifest_trust_file} cannot be read: {problem.strerror}") from None


def configured(environ: Mapping[str, str], **given: Any) -> Config:
    """The settings of this environment; `given` (from the command line, where not None) goes before it."""
    found = {f.name: _value(f, environ[name]) for f in fields(Config) if (name := PREFIX + f.name.upper()) in environ}
    return Config(**found | {name: value for name, value in given.items() if value is not None})


def _value(described: Any, text: str) -> Any:
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
