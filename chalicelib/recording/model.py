"""The values that a call's recording is made of.

Times are aware datetimes; `_us` is µs since 1970 on the wall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording import keys
from chalicelib.recording.carrier_facts import CarrierFacts
from chalicelib.recording.carrier_media import CarrierMedia


class State(StrEnum):
    """The state of a recording, in SWML's words where SWML has one."""

    PENDING = "pending"
    RECORDING = "recording"
    PAUSED = "paused"
    FINALIZING = "finalizing"
    FINISHED = "finished"
    NO_INPUT = "no_input"
    ERROR = "error"


class Direction(StrEnum):
    """record_call's `direction`: speak = inbound track, listen = outbound track."""

    SPEAK = "speak"
    LISTEN = "listen"
    BOTH = "both"


class Format(StrEnum):
    """record_call's `format`."""

    WAV = "wav"
    MP3 = "mp3"
    MP4 = "mp4"


class RecordingOrigin(StrEnum):
    """The recorder of the audio: Tapedeck from a stream, or the carrier."""

    STREAM = "stream"
    CARRIER = "carrier"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRef:
    """A call's name: one account's, one carrier's, the carrier's own id."""

    account: str
    carrier: str
    call_id: str

    @property
    def key(self) -> str:
        """Return the call key, safe in S3 and DynamoDB keys."""
        return keys.call_key(self.account, self.carrier, self.call_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """record_call's properties, parsed; seconds are seconds, 0 switches a timeout off."""

    stereo: bool = False
    format: Format = Format.WAV
    direction: Direction = Direction.BOTH
    terminators: str = ""
    beep: bool = False
    input_sensitivity: float = 44.0
    initial_timeout_s: float = 0.0
    end_silence_timeout_s: float = 0.0
    max_length_s: float = 0.0
    status_url: str = ""
    """empty: the profile's"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A standing arrangement with a carrier."""

    account: str
    name: str
    dialect: str
    carrier: str
    record_call: RecordOptions | None = None
    """recorded by default with these options; None: only on request"""
    status_url: str = ""
    encoding: Encoding = Encoding.PCMU
    """of dialects that don't say it in band"""
    labels: Mapping[str, str] = field(default_factory=dict)
    project_id: str = ""
    space_id: str = ""
    retention_days: int = 0
    """of renditions; 0 keeps them"""
    secret_id: str = ""
    """the secret that holds the carrier's signing key"""
    bidirectional: bool = False
    """the carrier is asked to play what we send back"""
    tokened_url: bool = False
    """callbacks carry the URL with a capability token"""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of the call clock that a recording shows.

    None: from the first sample, to the last.
    """

    from_us: int | None = None
    to_us: int | None = None
    silent: bool = False
    """a pause of which only the length is kept"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Media that should be there and isn't; offset on the rendition's timeline."""

    track: Track
    offset_ms: float
    duration_ms: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The quality figures; counts over all tracks of the recording."""

    messages_received: int = 0
    messages_lost: int = 0
    messages_late: int = 0
    messages_reordered: int = 0
    messages_duplicated: int = 0
    silence_inserted_ms: float = 0.0
    largest_skew_ms: float = 0.0
    reconnects: int = 0
    degraded: str = ""
    """the reason, where something was dropped"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """One finished audio object."""

    format: Format
    key: str
    size: int
    """bytes"""
    duration_ms: int
    channels: int
    sha256: str
    """hex"""
    created_at: datetime
    chain: str = ""
    """of the stored objects that it was made from, its last value: `recording/chain.py`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """That all a recording shows goes from storage, wherever no other recording shows it."""

    asked_at: datetime
    """from here on nothing of it is given to anybody"""
    is_deletion: bool = False
    """the recording is hidden; its row stays, so that its id isn't used again"""
    ended_at: datetime | None = None
    """nothing of it is stored since"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A view of a capture; a row of the Core table. `version` counts its writes."""

    recording_id: str
    call: CallRef
    control_id: str
    state: State
    version: int
    round: int
    """the call's round (1, 2, …): a call that closed and streams again starts another"""
    options: RecordOptions
    profile: str
    source: RecordingOrigin = RecordingOrigin.STREAM
    carrier_media: CarrierMedia | None = None
    """of what the carrier recorded itself"""
    labels: Mapping[str, str] = field(default_factory=dict)
    status_url: str = ""
    """where callbacks go; resolved when the recording was made; empty: nowhere"""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    intervals: tuple[Interval, ...] = ()
    attempt: int = 0
    """finalizations begun"""
    callbacks: int = 0
    """outbox rows written; the next one's number is one more"""
    renditions: tuple[Rendition, ...] = ()
    gaps: tuple[Gap, ...] = ()
    quality: Quality | None = None
    reason: str = ""
    """why it ended, or why it failed; a stable code"""
    note: str = ""
    """how what was made isn't what was asked for; a stable code: `mixed_source`"""
    continues: str = ""
    """the recording of the call's earlier round"""
    retention_days: int = 0
    beep_played: bool = False
    """the party heard the beep; where it didn't, its rendition has it"""
    attempt_at: datetime | None = None
    """when the latest finalization began"""
    making: Format | None = None
    """another format that is being made of a finished one"""
    released_at: datetime | None = None
    """its media was deleted then: it can't be made in another format since"""
    erasure: Erasure | None = None
    due_at: datetime | None = None
    """when the sweeper looks at it again; None: never"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(CarrierFacts):
    """A call as we know it; a row of the Core table."""

    ref: CallRef
    profile: str
    open: bool
    round: int
    generation: int
    """streams that ever joined; closing is conditional on it"""
    opened_at: datetime
    closed_at: datetime | None = None
    owner: str = ""
    """the worker that captures it; others pass their streams of it on to that one"""
    owner_address: str = ""
    """where the owner takes them, `host:port`"""
    epoch: int = 0
    """counts owners"""
    due_at: datetime | None = None
    """when the sweeper looks at it again; None: never"""


class Ending(StrEnum):
    """How a stream ended; decides how long its call stays open for another."""

    STOPPED = "stopped"
    """the carrier said so: close at once"""
    CLOSED = "closed"
    """the socket closed cleanly: 3 s"""
    BROKEN = "broken"
    """it didn't: 20 s"""
    DEAD = "dead"
    """its worker died: 20 s"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One socket's life in a call; a row under its call in the Core table."""

    call: CallRef
    stream_key: str
    """ours, made at the handshake; unique"""
    carrier_stream_id: str
    round: int
    worker: str
    dialect: str
    tracks: tuple[Track, ...]
    encoding: Encoding
    """corrected by the webhook where it differs; assembly decodes by it"""
    rate_hz: int
    opened_at: datetime
    journal_from: int
    """the first journal number that may hold its media"""
    ended_at: datetime | None = None
    ending: Ending | None = None
    complete: bool = False
    """all its media lies in segments: the journal needn't be read"""
    segments: tuple[int, int] | None = None
    """which: the first number of its worker's segments of the call, and the one after the last;
    None where numbers between them were skipped, or nobody told: list them"""
    reason: str = ""
    """why this side ended it, as in `recording/cuts.py`; empty: its carrier did, or the network"""
