"""What Tapedeck needs from outside, in our words. Adapters implement these, fakes stand in for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar


from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.announcements import Announcement
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import (
    Call,
    CallRef,
    Ending,
    OutboxRow,
    Profile,
    Recording,
    RecordingEvent,
    Stream,
)

T = TypeVar("T")

# --- what the sink asks of the rest: its door to the Core and Hot tables ----------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """A stream that wants to belong to its call."""

    call: CallRef
    profile: str
    stream_key: str
    carrier_stream_id: str
    worker: str
    dialect: str
    tracks: tuple[Track, ...]
    encoding: Encoding | None
    """None: the profile's (dialects that don't say it in band)"""
    rate_hz: int
    labels: Mapping[str, str]
    opened_at: datetime
    journal_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What a worker must know of a call that it captures."""

    call: CallRef
    round: int
    generation: int
    encoding: Encoding
    recordings: tuple[Recording, ...]
    """the live ones of this round; empty: nobody wants this call's media"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What came of the wish to close a call."""

    closed: bool
    retry_at: datetime | None = None
    """another stream's grace ends then; None: another live stream's worker will close it"""


class CallControl(Protocol):
    """The owner's writes. Each is conditional, may be repeated, and raises Unavailable when to try again."""

    def join_call(self, joining: Joining) -> Joined:
        """Put the stream under its call, open or reopen it, start what its profile or a pending one wants."""

    def end_stream(self, call: CallRef, stream_key: str, ending: Ending, at: datetime) -> Ending:
        """Note that all media of a stream lies in segments and how it ended; return how it ended
        (STOPPED where the carrier's webhook already said so)."""

    def close_call(self, call: CallRef, round_: int, at: datetime) -> Closing:
        """Close the call if no stream of it lives and no grace runs; its live recordings go finalizing."""

    def end_recording(self, recording_id: str, cause: Cause, at: datetime) -> None:
        """Move one recording of a live call to finalizing and start its finalization."""


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


class Leases(Protocol):
    """Signs of life of workers."""

    def renew(self, lease: Lease) -> None:
        """Write the lease."""

    def release(self, worker: str) -> None:
        """Say that the worker ended and left nothing behind."""

    def all(self) -> list[Lease]:
        """Read every lease, consistently."""


# --- bytes ------------------------------------------------------------------------------------


class MediaStore(Protocol):
    """Journal objects and segments in the media bucket."""

    def put(self, key: str, body: bytes) -> None:
        """Store an object that doesn't exist yet; an equal one that does is success.

        Raises PreconditionFailed where another body lies under the key, Unavailable otherwise.
        """

    def get(self, key: str) -> bytes:
        """Return a whole object. Raises NotFound."""

    def get_head(self, key: str, size: int) -> bytes:
        """Return an object's first `size` bytes, or all of a smaller one. Raises NotFound."""

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield the keys under a prefix in order, after one."""

    def delete(self, keys: list[str]) -> None:
        """Delete objects; missing ones are success."""


class RenditionStore(Protocol):
    """Finished audio and manifests in the recordings bucket."""

    def put_file(self, key: str, path: str, sha256: str, tags: Mapping[str, str]) -> None:
        """Store a file in constant memory (multipart from 64 MiB); an equal object that exists is success.

        The checksum that the store returns is compared. Raises Unavailable.
        """

    def put_text(self, key: str, text: str) -> None:
        """Store a manifest; the same text again is success, another text replaces it."""

    def get_text(self, key: str) -> str:
        """Return a manifest. Raises NotFound."""

    def size_of(self, key: str) -> int:
        """Return a stored object's size in bytes. Raises NotFound."""

    def presign(self, key: str, expires_s: int, filename: str) -> str:
        """Return a URL that downloads the object, Range and all."""


# --- rows -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A stretch of a listing; `cursor` is empty at its end."""

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


class Recordings(Protocol):
    """Recordings with their events and the callbacks they owe."""

    def get(self, recording_id: str) -> Recording:
        """Read one, consistently. Raises NotFound."""

    def of_call(self, call_key: str) -> list[Recording]:
        """Read a call's, consistently, oldest first."""

    def create(
        self, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
    ) -> Recording:
        """Write a new one with its event and callback in one transaction; return the one that exists
        under the same id where another was first (the caller compares options)."""

    def write(
        self, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
    ) -> Recording:
        """Write a move of `recording` (as changed, `version` as read) in one transaction.

        Returns it with its new version. Raises PreconditionFailed where the stored version differs.
        """

    def listing(
        self, account: str, wanted: RecordingFilter, limit: int, cursor: str
    ) -> Page[Recording]:
        """Read an account's, newest first. Raises InvalidRequest for a cursor it didn't give."""


class RecordingHistory(Protocol):
    """What happened to a recording."""

    def events(self, recording_id: str) -> list[RecordingEvent]:
        """Read them in order."""

    def append(self, event: RecordingEvent) -> None:
        """Add one that comes with no move (an attempt to deliver, a download)."""


class Outbox(Protocol):
    """Status callbacks owed."""

    def rows(self, recording_id: str) -> list[OutboxRow]:
        """Read a recording's, in their order, consistently."""

    def get(self, recording_id: str, webhook_id: str) -> OutboxRow:
        """Read one, consistently. Raises NotFound."""

    def record_attempt(self, row: OutboxRow) -> None:
        """Write what an attempt changed, if `attempts` is still one less and the row isn't done.

        Raises PreconditionFailed. A row that is delivered or given up is no longer due.
        """


class Calls(Protocol):
    """Calls and the streams under them."""

    def get(self, call_key: str) -> Call:
        """Read one, consistently. Raises NotFound."""

    def streams(self, call_key: str) -> list[Stream]:
        """Read its streams of all rounds, consistently, oldest first."""

    def listing(self, account: str, limit: int, cursor: str) -> Page[Call]:
        """Read an account's, newest first. Raises InvalidRequest for a cursor it didn't give."""

    def ensure(self, call: Call) -> Call:
        """Write the call's row if it has none; return the stored one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundEvent:
    """A carrier's webhook as it is stored, for 30 days; tokens redacted."""

    account: str
    carrier: str
    event_key: str
    """tells one event from another, however often it comes; hex"""
    event_type: str
    """ours; `unknown` where we don't understand it"""
    call_id: str
    """empty where it names none"""
    occurred_at: datetime | None
    received_at: datetime
    body: str
    """JSON text"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A pending recording, with the event that tells of it."""

    recording: Recording
    event: RecordingEvent


class Inbox(Protocol):
    """Carriers' webhooks, and what they say of streams."""

    def announcements(self, call_key: str) -> list[Announcement]:
        """Read a call's, consistently."""

    def accept(
        self,
        event: InboundEvent,
        call: Call | None,
        announcement: Announcement | None,
        requested: Requested | None,
    ) -> bool:
        """Write in one transaction: the event; the call if it has no row; the announcement, if its
        stored version is still `version`, with the next one; the pending recording, if none has its id.

        Returns False, and changes nothing, where the event is known. A call or a recording that
        exists stays as it is. Raises PreconditionFailed where the announcement changed meanwhile.
        """

    def events(self, call_key: str) -> list[InboundEvent]:
        """Read what carriers said of a call, in the order of its receipt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of an API key."""

    key_id: str
    """hex; the part of the key that may be shown"""
    account: str
    secret_sha256: str
    """hex"""
    created_at: datetime
    revoked_at: datetime | None = None


class ApiKeys(Protocol):
    """Keys of the REST API."""

    def get(self, key_id: str) -> ApiKey:
        """Read one, consistently. Raises NotFound."""

    def create(self, key: ApiKey) -> None:
        """Write a new one. Raises Conflict."""

    def revoke(self, account: str, key_id: str, at: datetime) -> None:
        """Mark one as revoked; again is success. Raises NotFound where the account has none of that id."""

    def listing(self, account: str) -> list[ApiKey]:
        """Read an account's, oldest first."""


class Profiles(Protocol):
    """Standing arrangements."""

    def get(self, account: str, name: str) -> Profile:
        """Read one. Raises NotFound."""

    def create(self, profile: Profile) -> None:
        """Write a new one. Raises Conflict."""

    def replace(self, profile: Profile) -> None:
        """Write a changed one. Raises NotFound."""

    def delete(self, account: str, name: str) -> None:
        """Remove one. Raises NotFound."""

    def listing(self, account: str) -> list[Profile]:
        """Read an account's, by name."""


class Workflows(Protocol):
    """Step Functions executions; starting one that was started is success."""

    def start_finalization(self, recording_id: str, attempt: int) -> None:
        """Assemble, then publish. Raises Unavailable."""

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Deliver one status callback. Raises Unavailable."""


class EventBus(Protocol):
    """EventBridge, beside each callback."""

    def publish(self, row: OutboxRow) -> None:
        """Put the callback's body on the bus. Raises Unavailable."""


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


class Sender(Protocol):
    """One POST to an address that somebody gave us, through the URL guard."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send once, follow nothing, end in time. Whatever goes wrong is a value, never raised."""


class Parameters(Protocol):
    """Short public texts that a deployment fixes after its code."""

    def get(self, name: str) -> str:
        """Read one; up to five minutes old. Raises NotFound, Unavailable."""


class Secrets(Protocol):
    """What only few may read."""

    def get(self, secret_id: str) -> str:
        """Read one's current text; up to five minutes old. Raises NotFound, Unavailable."""
