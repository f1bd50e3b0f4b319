"""Every setting, a line each: its default, its meaning, its unit. Read from `MINGJING_*` of the environment handed in.
Those of hall video stand in gateway.video.config.

Secrets are never settings: a setting names the file that holds one, and the file must be its owner's alone.
Knows nothing of what the settings do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.ingest.limits import IngestLimits
from gateway.key_limits import KeyLimits
from gateway.setting import PREFIX, SettingInvalid, secret, setting, value_of
from gateway.video.config import VideoConfig
from supervision.manifest import new_keys, public_of
from supervision.tree import Level
from supervision.words import LANGUAGES
from tenants.read.request import Limits

T = TypeVar("T")
LEVELS = tuple(str(level) for level in Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(VideoConfig):
    """The settings of one gateway. The environment's name of each is `MINGJING_` and the field's name in capitals."""

    # fmt: off
    data: Path = setting(Path("var/demo"), "folder of the registry, the tenants' SQLite files and the keys")
    registry: str = setting("", "URL of the registry, sqlite:///PATH or postgresql://HOST/NAME; empty: registry.db in `data`")
    registry_refresh: float = setting(5.0, "seconds between two looks at the registry for tenants that came, went or moved", 0.05)
    registry_rest: float = setting(60.0, "seconds between two such looks while nobody asks anything", 0.05)
    postgres_passfile: str = setting("", "password file of PostgreSQL (the .pgpass format); empty: what libpq would take")
    host: str = setting("127.0.0.1", "address to listen on")
    port: int = setting(8123, "port to listen on; 0: any free one", 0, most=65_535)
    huge_pages: bool = setting(True, "whether serve and demo start again with their heap in huge pages, if no allocator is chosen")
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
    found = {f.name: value_of(f, environ[name]) for f in fields(Config) if (name := PREFIX + f.name.upper()) in environ}
    return Config(**found | {name: value for name, value in given.items() if value is not None})
