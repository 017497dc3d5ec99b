"""The values that ports exchange, beside the domain's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from chalicelib.capture.events import Encoding, Track
from chalicelib.media.sound_facts import SoundFacts
from chalicelib.recording.model import CallRef, Recording
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.tapping.model import Tap

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """A stream that is to join its call."""

    call: CallRef
    profile: str
    stream_key: str
    carrier_stream_id: str
    worker: str
    dialect: str
    tracks: tuple[Track, ...]
    encoding: Encoding | None
    """None: the profile's, for a dialect whose stream doesn't say it"""
    rate_hz: int
    labels: Mapping[str, str]
    opened_at: datetime
    journal_from: int
    address: str = ""
    """to which other workers forward streams, `host:port`; empty: to nowhere"""
    claims_over_epoch: int = 0
    """an owner of this epoch, or an earlier one, can't be reached: the worker claims the call"""
    is_captured: bool = False
    """its worker captures it already; any worker may own the call"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedElsewhere:
    """Another worker owns the call: the stream didn't join, and is to be forwarded there."""

    owner: str
    owner_epoch: int
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinResult:
    """What a worker needs to know of a call that it captures."""

    call: CallRef
    call_session: int
    stream_count: int
    """of the call, with this one"""
    encoding: Encoding
    recordings: tuple[Recording, ...]
    """the live ones of this session; empty: none needs the call's media"""
    bidirectional: bool = False
    """the carrier plays the audio that is sent back"""
    taps: tuple[Tap, ...] = ()
    """the taps of an owner that can no longer be reached"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseResult:
    """The result of trying to close a call."""

    closed: bool
    retry_at: datetime | None = None
    """try again then: a grace runs; None: the worker of another live stream will close it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A worker's sign of life; a row of the Hot table."""

    worker: str
    started_at: datetime
    renewals: int
    """grows with each renewal: observers compare it, not clocks"""
    calls: int
    journal_safe_below: int
    """every journal object with a smaller number is covered by segments (or void): deletable"""
    address: str = ""
    degraded: str = ""
    renewed_at: datetime | None = None
    """by the worker's wall clock: dates the end of a dead worker's streams"""
    over: bool = False
    """released, or declared dead: it can't be renewed"""
    rtp_host: str = ""
    """the public IPv4 that carriers send RTP to; empty: the worker takes none"""
    rtp_first: int = 0
    """the lowest of its RTP ports"""
    rtp_last: int = 0
    rtp_open: int = 0
    """open RTP ports, with and without a call"""
    generation: int = 0
    """the worker's generation; new calls go to the newest one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a listing; `cursor` is empty only on the last page."""

    rows: tuple[T, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFilter:
    """The filters of `/v1/recordings`."""

    call_id: str = ""
    state: str = ""
    label: tuple[str, str] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundEvent:
    """A carrier's webhook as stored, 30 days; tokens redacted."""

    account: str
    carrier: str
    event_key: str
    """the dedupe key, hex; unique within the account"""
    event_type: str
    """`unknown` if we don't understand it"""
    call_id: str
    """empty if it names none"""
    occurred_at: datetime | None
    received_at: datetime
    body: str
    """JSON text, tokens redacted"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecording:
    """A pending recording to create with an event or a request."""

    recording: Recording
    event: RecordingEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A bearer key of an account; only the hash of its secret is stored."""

    key_id: str
    """short, shown in listings; the first part of the key"""
    account: str
    secret_sha256: str
    """hex"""
    created_at: datetime
    revoked_at: datetime | None = None


class Figure(StrEnum):
    """The figures that are counted, by their metrics' names."""

    REFUSED_SECRETS = "RefusedSecrets"
    """a profile needed a secret that its account may not use"""


class Opener(StrEnum):
    """The means by which a request was authenticated."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105  # a word of the history


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """The requester: an API key, or the holder of a link's token."""

    account: str
    by: Opener
    key_id: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """Return the requester as a recording's history shows it."""
        return {"by": str(self.by), **({"key_id": self.key_id} if self.key_id else {})}


class DueKind(StrEnum):
    """The kinds of due rows."""

    RECORDING = "recording"
    CALLBACK = "callback"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A row that is due for the sweeper."""

    kind: DueKind
    key: str
    """a recording id, or a call key"""
    number: int
    """the callback's number; 0 for the other kinds"""
    due_at: datetime


class SendFault(StrEnum):
    """The reasons why an attempt has no answer."""

    URL = "url_refused"
    """the text fails the URL guard, and always will"""
    ADDRESS = "address_refused"
    """the addresses of the host name fail the URL guard today"""
    NAME = "name_not_resolved"
    CONNECT = "connect_failed"
    TLS = "tls_failed"
    BROKEN = "connection_broken"
    MALFORMED = "malformed_answer"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """The result of one attempt to send: an answer, or the reason why there is none."""

    status: int | None = None
    """the HTTP status; None: no answer, see `fault`"""
    fault: SendFault | None = None
    detail: str = ""
    """the failure in words, without the URL"""
    retry_after: str = ""
    """the header as it arrived"""
    body_head: bytes = b""
    """the first KB of the answer"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierDoor:
    """A carrier's API, and the credentials for it."""

    carrier: str
    url: str
    """its base, without a slash at its end"""
    authorization: str = field(repr=False)
    """the header's value"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedFile:
    """A rendition that isn't stored yet."""

    path: str
    size: int
    """bytes"""
    sha256: str
    """hex"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """The key that verifies signatures."""

    key_id: str
    """the id that the keeper of the private key gave it"""
    der: bytes
    """SubjectPublicKeyInfo"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadedFile:
    """A downloaded file that isn't stored yet."""

    path: str
    size: int
    """bytes"""
    sha256: str
    """hex"""
    sound: SoundFacts | None
    """the facts in its head; None: no sound file that we know"""
