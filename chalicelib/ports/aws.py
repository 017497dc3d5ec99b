"""The ports to AWS and the web: adapters implement them, tests use fakes.

Every port raises Unavailable if the other side doesn't answer or can't answer now. The ports to the
database are in `rows`, the call owner's in `call_owner`, those to carriers' APIs in `carriers`; the
values that they share are in `values`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from chalicelib.media.pcm import Sound
from chalicelib.ports.values import (
    DownloadedFile,
    EncodedFile,
    Figure,
    HttpReply,
    PublicKey,
)
from chalicelib.recording.model import CallRef, Format
from chalicelib.recording.outbox import OutboxRow
from chalicelib.security.carrier_credentials import OAuth2

# --- bytes ------------------------------------------------------------------------------------


class MediaStore(Protocol):
    """Journal objects and segments in the media bucket."""

    def put(self, key: str, body: bytes) -> None:
        """Store an object that doesn't exist yet; an equal one that does is success.

        Raises PreconditionFailed if the key has another body, Unavailable otherwise.
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
    """Finished audio, manifests and proofs in the recordings bucket."""

    def put_file(self, key: str, path: str, sha256: str, tags: Mapping[str, str]) -> None:
        """Store a file in constant memory (multipart from 64 MiB); an equal object is success.

        The checksum that the store returns is compared. Raises Unavailable.
        """

    def put_text(self, key: str, text: str, tags: Mapping[str, str]) -> None:
        """Store a manifest or a proof; the same text again is success, another one replaces it."""

    def get_text(self, key: str) -> str:
        """Return a manifest or a proof. Raises NotFound."""

    def size_of(self, key: str) -> int:
        """Return a stored object's size in bytes. Raises NotFound."""

    def presign(self, key: str, expires_s: int, filename: str) -> str:
        """Return a URL that downloads the object, Range and all."""


class RenditionVersions(Protocol):
    """All that the recordings bucket ever held under a prefix: older versions, delete markers and
    unfinished uploads among it."""

    def is_locked(self, prefix: str, at: datetime) -> bool:
        """Whether Object Lock keeps a version under the prefix at a time."""

    def erase(self, prefix: str) -> int:
        """Delete every version, marker and upload; return how many versions and markers went.

        Nothing there is success. Raises Conflict `locked` where Object Lock keeps one.
        """


# --- services of the cloud ----------------------------------------------------------------------


class Workflows(Protocol):
    """Step Functions executions; starting one that was started is success."""

    def start_finalization(self, recording_id: str, attempt: int) -> None:
        """Assemble, then publish. Raises Unavailable."""

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Deliver one status callback. Raises Unavailable."""

    def start_retaps(self, worker: str, renewals: int) -> None:
        """Have carriers tap again the calls of a worker that stopped renewing its lease. Raises
        Unavailable."""

    def start_inquiry(self, call: CallRef, stream_key: str, *, worker: str, number: int) -> None:
        """Ask a carrier, for the n-th time, whether a call with a silent stream on this worker goes
        on. Raises Unavailable."""


class EventBus(Protocol):
    """EventBridge, beside each callback."""

    def publish(self, row: OutboxRow) -> None:
        """Put the callback's body on the bus. Raises Unavailable."""


class Sender(Protocol):
    """One POST to a foreign address, through the URL guard."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Send once, follow no redirect, end in time. Return failures as values; raise none."""


class Downloads(Protocol):
    """Carriers' files, through the URL guard."""

    def get(self, url: str, authorization: str) -> AbstractContextManager[DownloadedFile]:
        """Return a file that lasts as long as the context; written in constant memory.

        `authorization`, the header's value or empty, goes to the URL's own origin only, never to
        the target of a redirect. Raises UrlRefused; NotFound, with the code `gone` if the file
        existed once; Forbidden; TooLarge; Unavailable, also if only a part arrived.
        """


class TokenGrants(Protocol):
    """Exchanges a client's credentials for a token."""

    def token(self, url: str, client: OAuth2) -> str:
        """Return a valid token. Raises Forbidden, Unavailable."""


class Signer(Protocol):
    """A private key that never leaves its service."""

    def public_key(self) -> PublicKey:
        """Return the key that verifies the signatures. Raises Unavailable."""

    def sign(self, sha256: bytes) -> bytes:
        """Return an ECDSA signature, DER, over content with this SHA-256; no two are equal. Raises
        Unavailable."""


class Secrets(Protocol):
    """The secrets in Secrets Manager."""

    def get(self, secret_id: str) -> str:
        """Return a secret's text, at most five minutes old. Raises NotFound."""


class Counters(Protocol):
    """Figures that alarms watch."""

    def count(self, figure: Figure, facts: Mapping[str, str]) -> None:
        """Count one event; its facts go into the log: no secrets, no phone numbers."""


class Parameters(Protocol):
    """The deployment's parameters in SSM."""

    def get(self, name: str) -> str:
        """Return a parameter's text, at most five minutes old. Raises NotFound."""


class TaskState(Protocol):
    """Whether ECS is about to stop a worker's task."""

    def is_going(self) -> bool:
        """Whether the task will stop, at once or after its calls have moved. Raises Unavailable and
        other TapedeckErrors."""


class TaskProtection(Protocol):
    """Protects a worker's task from scale-in and deployments."""

    def protect(self, for_minutes: int) -> None:
        """Protect the task for this time from now on. Raises Unavailable."""

    def release(self) -> None:
        """End the protection of the task. Raises Unavailable."""
