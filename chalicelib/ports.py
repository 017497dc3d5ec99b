"""What Tapedeck needs from outside, in our words: adapters implement it, fakes stand in for tests.

Every port raises Unavailable where what is outside doesn't answer or can't now. The ports of the
database, and the values that all of them speak in, can be imported from here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from chalicelib.media.pcm import Sound
from chalicelib.port_values import (
    ApiKey,
    Closing,
    Due,
    DueKind,
    EncodedFile,
    InboundEvent,
    Joined,
    Joining,
    Lease,
    Page,
    RecordingFilter,
    Reply,
    Requested,
    SendFault,
)
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import CallRef, Ending, Format, OutboxRow, Recording
from chalicelib.row_ports import (
    ApiKeys,
    CallLife,
    Calls,
    DueWork,
    Inbox,
    Leases,
    LiveStreams,
    Mailbox,
    Outbox,
    Profiles,
    RecordingHistory,
    Recordings,
)

__all__ = [
    "ApiKey",
    "ApiKeys",
    "CallControl",
    "CallLife",
    "Calls",
    "Closing",
    "Due",
    "DueKind",
    "DueWork",
    "EncodedFile",
    "Encoder",
    "EventBus",
    "InboundEvent",
    "Inbox",
    "Joined",
    "Joining",
    "Lease",
    "Leases",
    "LiveRecordings",
    "LiveStreams",
    "Mailbox",
    "MediaStore",
    "Outbox",
    "Page",
    "Parameters",
    "Profiles",
    "RecordingFilter",
    "RecordingHistory",
    "Recordings",
    "RenditionStore",
    "Reply",
    "Requested",
    "Secrets",
    "SendFault",
    "Sender",
    "TaskProtection",
    "Workflows",
]


# --- what the sink asks of the rest: its door to the Core and Hot tables ----------------------


class CallControl(Protocol):
    """The owner's writes: each is conditional, and may be repeated after Unavailable."""

    def join_call(self, joining: Joining) -> Joined:
        """Put the stream under its call, open or reopen that, start the recordings that are wanted:
        the pending ones and its profile's."""

    def end_stream(self, call: CallRef, stream_key: str, ending: Ending, at: datetime) -> Ending:
        """Note that all media of a stream lies in segments and how it ended; return how it ended
        (STOPPED where the carrier's webhook already said so)."""

    def close_call(self, call: CallRef, round_: int, at: datetime) -> Closing:
        """Close the call if no stream of it lives and no grace runs; then its live recordings go
        finalizing."""

    def end_recording(self, recording_id: str, cause: Cause, at: datetime) -> None:
        """Move one recording of a live call to finalizing and start its finalization."""


class LiveRecordings(Protocol):
    """The owner's writes to a recording whose call streams; may be repeated after Unavailable.

    Each returns the recording as it then is: where its state has no such move, unchanged. `at_us`
    is when capture changed, on the clock of arrivals. Each raises NotFound.
    """

    def begin(self, recording_id: str, at_us: int) -> Recording:
        """Begin one that is pending; it shows what comes from now on."""

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        """Pause one."""

    def resume(self, recording_id: str, at_us: int) -> Recording:
        """Let a paused one go on."""


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


class Encoder(Protocol):
    """Makes renditions."""

    def encode(
        self, format_: Format, sound: Sound, pcm: Iterable[bytes], tags: Mapping[str, str]
    ) -> AbstractContextManager[EncodedFile]:
        """Return a file that lasts as long as the context; written in constant memory.

        The same pcm and tags give the same bytes. What decodes is as long as the pcm, within 20 ms.
        Raises ValueError where the pcm isn't as long as `sound` says, Unavailable.
        """


class RenditionStore(Protocol):
    """Finished audio and manifests in the recordings bucket."""

    def put_file(self, key: str, path: str, sha256: str, tags: Mapping[str, str]) -> None:
        """Store a file in constant memory (multipart from 64 MiB); an equal object is success.

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


# --- services of the cloud ----------------------------------------------------------------------


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


class Sender(Protocol):
    """One POST to an address that somebody gave us, through the URL guard."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send once, follow nothing, end in time. Whatever goes wrong is a value, never raised."""


class Secrets(Protocol):
    """What Secrets Manager keeps."""

    def get(self, secret_id: str) -> str:
        """Return a secret's text, at most five minutes old. Raises NotFound."""


class Parameters(Protocol):
    """What the deployment tells its parts through SSM."""

    def get(self, name: str) -> str:
        """Return a parameter's text, at most five minutes old. Raises NotFound."""


class TaskProtection(Protocol):
    """What keeps a worker's task from being stopped by scale-in and deployments."""

    def protect(self, for_minutes: int) -> None:
        """Keep the task from now on for so long; again is longer. Raises Unavailable."""

    def release(self) -> None:
        """Let the task go whenever it is one too many. Raises Unavailable."""
