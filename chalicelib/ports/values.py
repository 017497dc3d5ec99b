"""The values that ports speak in, beside the domain's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from chalicelib.capture.events import Encoding, Track
from chalicelib.media.sound_facts import SoundFacts
from chalicelib.recording.model import CallRef, Recording, RecordingEvent
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
    """its worker captures it already, whoever owns the call"""


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
    """the carrier plays what is sent back"""
    taps: tuple[Tap, ...] = ()
    """the taps of an owner that can no longer be reached"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseResult:
    """What came of the wish to close a call."""

    closed: bool
    retry_at: datetime | None = None
    """ask again then: a grace runs; None: the worker of another live stream will close it"""


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
    """the worker's wall clock: dates the end of a dead one's streams, never tells its death"""
    over: bool = False
    """released, or declared dead: it takes no renewal any more"""
    rtp_host: str = ""
    """the public IPv4 that carriers send RTP to; empty: it takes none"""
    rtp_first: int = 0
    """the least of its ports for that"""
    rtp_last: int = 0
    rtp_open: int = 0
    """ports that it hears, whether or not a call comes to them yet"""
    generation: int = 0
    """of workers; new calls are for the newest"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A stretch of a listing; `cursor` is empty at its end, and only there."""

    rows: tuple[T, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFilter:
    """What `/v1/recordings` can ask for."""

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
    """`unknown` where we don't understand it"""
    call_id: str
    """empty where it names none"""
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
    """A bearer key of an account; its secret is known by its hash alone."""

    key_id: str
    """short, shown in listings; the first part of the key"""
    account: str
    secret_sha256: str
    """hex"""
    created_at: datetime
    revoked_at: datetime | None = None


class Figure(StrEnum):
    """What is counted, by its metric's name."""

    REFUSED_SECRETS = "RefusedSecrets"
    """a profile's secret was needed, and its account may not use it"""


class Opener(StrEnum):
    """What opened a door."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105  # a word of the history


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who asks: an API key, or whoever holds a link's token."""

    account: str
    by: Opener
    key_id: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """Return what a recording's history says of them."""
        return {"by": str(self.by), **({"key_id": self.key_id} if self.key_id else {})}


class DueKind(StrEnum):
    """What is due."""

    RECORDING = "recording"
    CALLBACK = "callback"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A row that wants the sweeper's look."""

    kind: DueKind
    key: str
    """a recording id, or a call key"""
    number: int
    """of the callback; 0 for the others"""
    due_at: datetime


class SendFault(StrEnum):
    """Why an attempt has no answer."""

    URL = "url_refused"
    """the text fails the URL guard, and always will"""
    ADDRESS = "address_refused"
    """the name's addresses fail it, today"""
    NAME = "name_not_resolved"
    CONNECT = "connect_failed"
    TLS = "tls_failed"
    BROKEN = "connection_broken"
    MALFORMED = "malformed_answer"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one attempt to send came to: an answer, or why there is none."""

    status: int | None = None
    """HTTP's; None: no answer, see `fault`"""
    fault: SendFault | None = None
    detail: str = ""
    """what went wrong, in words; never the URL"""
    retry_after: str = ""
    """the header as it came"""
    body_head: bytes = b""
    """the first KB of the answer"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierDoor:
    """A carrier's API, and what opens it."""

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
    """What verifies signatures."""

    key_id: str
    """by whom keeps the private one"""
    der: bytes
    """SubjectPublicKeyInfo"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadedFile:
    """A file that was fetched, and isn't stored yet."""

    path: str
    size: int
    """bytes"""
    sha256: str
    """hex"""
    sound: SoundFacts | None
    """what it says of itself; None: no sound file that we know"""
