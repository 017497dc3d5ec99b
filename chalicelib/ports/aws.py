"""What Tapedeck needs from outside, in our words: adapters implement it, fakes stand in for tests.

Every port raises Unavailable where what is outside doesn't answer or can't now. Those of the
database are in `row_ports`, the owner's door to it in `owner_ports`, carriers' APIs in
`carrier_ports`, the values that all of them speak in in `port_values`.
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
from chalicelib.recording.model import CallRef, Format, OutboxRow
from chalicelib.security.carrier_credentials import OAuth2

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
        """Tell whether Object Lock keeps a version under the prefix at a time."""

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
        """Let carriers tap again what a worker held that renews its lease no more. Raises
        Unavailable."""

    def start_inquiry(self, call: CallRef, stream_key: str, *, worker: str, number: int) -> None:
        """Ask a call's carrier where it stands, because a stream on this worker is silent; the n-th
        time. Raises Unavailable."""


class EventBus(Protocol):
    """EventBridge, beside each callback."""

    def publish(self, row: OutboxRow) -> None:
        """Put the callback's body on the bus. Raises Unavailable."""


class Sender(Protocol):
    """One POST to an address that somebody gave us, through the URL guard."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Send once, follow nothing, end in time. Whatever goes wrong is a value, never raised."""


class Downloads(Protocol):
    """Files that carriers hold, through the URL guard."""

    def get(self, url: str, authorization: str) -> AbstractContextManager[DownloadedFile]:
        """Return a file that lasts as long as the context; written in constant memory.

        `authorization`, the header's value or empty, is told to the URL's own origin and not to
        where that redirects. Raises UrlRefused; NotFound, with the code `gone` where it was there
        once; Forbidden; TooLarge; Unavailable, also where it came in part.
        """


class TokenGrants(Protocol):
    """What turns a client's credentials into a token."""

    def token(self, url: str, client: OAuth2) -> str:
        """Return a token that is good for a while. Raises Forbidden, Unavailable."""


class Signer(Protocol):
    """A private key that nobody has, us included."""

    def public_key(self) -> PublicKey:
        """Return what verifies the signatures. Raises Unavailable."""

    def sign(self, sha256: bytes) -> bytes:
        """Return an ECDSA signature, DER, over what has this SHA-256; no two are equal. Raises
        Unavailable."""


class Secrets(Protocol):
    """What Secrets Manager keeps."""

    def get(self, secret_id: str) -> str:
        """Return a secret's text, at most five minutes old. Raises NotFound."""


class Counters(Protocol):
    """Figures that alarms watch."""

    def count(self, figure: Figure, facts: Mapping[str, str]) -> None:
        """Count one more; the facts are for the reader of the log: no secrets, no numbers."""


class Parameters(Protocol):
    """What the deployment tells its parts through SSM."""

    def get(self, name: str) -> str:
        """Return a parameter's text, at most five minutes old. Raises NotFound."""


class TaskState(Protocol):
    """What is to become of a worker's task."""

    def is_going(self) -> bool:
        """Tell whether it is to stop, at once or when its calls are elsewhere. Raises Unavailable
        and other TapedeckErrors."""


class TaskProtection(Protocol):
    """What keeps a worker's task from being stopped by scale-in and deployments."""

    def protect(self, for_minutes: int) -> None:
        """Keep the task from now on for so long; again is longer. Raises Unavailable."""

    def release(self) -> None:
        """Let the task go whenever it is one too many. Raises Unavailable."""
