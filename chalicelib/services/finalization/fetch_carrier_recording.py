"""Finalization's first half where the carrier recorded: its file becomes the rendition, as it is.

The bytes are kept, not encoded again. What is fetched is compared with what was announced; in the
first attempts a difference, or a file that isn't there, means that the carrier isn't through yet.
Order of writes: the rendition, then the manifest that names it; the row is Publish's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from chalicelib.errors import (
    CallerError,
    CarrierMediaDiffers,
    CarrierUnavailable,
    Forbidden,
    NotFound,
    SecretRefused,
    TooLarge,
    Unavailable,
    UrlRefused,
)
from chalicelib.media.sound_facts import SoundFacts
from chalicelib.ports.aws import Downloads, RenditionStore
from chalicelib.ports.rows import RecordingHistory, Recordings
from chalicelib.ports.values import DownloadedFile
from chalicelib.recording import keys
from chalicelib.recording.carrier_media import CarrierMedia
from chalicelib.recording.fetched_manifest import describe_fetched
from chalicelib.recording.manifest import encode_manifest
from chalicelib.recording.model import Format, Recording, Rendition
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.finalization.assemble import Assembled, Outcome, object_tags

SETTLED_ATTEMPT = 3
"""From this attempt on, six minutes after the event, the carrier is taken at its word."""

GONE = "carrier_media_gone"
REFUSED = "carrier_media_refused"
SECRET_REFUSED = "carrier_secret_refused"  # noqa: S105  # a reason, no secret
URL_REFUSED = "carrier_url_refused"
TOO_LARGE = "carrier_media_too_large"
INVALID = "carrier_media_invalid"

SIZE_DIFFERS = "carrier_size_differs"
DURATION_DIFFERS = "carrier_duration_differs"
INCOMPLETE = "carrier_file_incomplete"

DURATION_TOLERANCE_MS = 1_000
"""carriers announce whole seconds, and published examples differ by 400 ms"""
DURATION_TOLERANCE = 0.01
"""of a long file's duration: an MP3's frames aren't what was recorded"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """What fetching needs."""

    recordings: Recordings
    history: RecordingHistory
    downloads: Downloads
    authorization: Callable[[Recording], str]
    """returns what may be said to where the recording's file lies; empty: nothing"""
    renditions: RenditionStore
    now: Callable[[], datetime]


def fetch(recording_id: str, attempt: int, needs: Fetching) -> Assembled:
    """Store the carrier's file as a recording's rendition, and its manifest.

    What will never come is an outcome with its reason. Raises NotFound for an unknown recording;
    CarrierUnavailable, CarrierMediaDiffers and Unavailable: try again.
    """
    recording = needs.recordings.get(recording_id)
    media = recording.carrier_media
    assert media is not None
    try:
        with _downloaded(recording, media, attempt, needs) as file:
            sound, degraded = _compared(media, file, attempt)
            _store(recording, file, sound, degraded, needs)
    except (_Lost, CarrierUnavailable, CarrierMediaDiffers) as failure:
        _note(recording, attempt, failure, needs)
        if isinstance(failure, _Lost):
            return _assembled(recording, attempt, Outcome.LOST, failure.reason)
        raise
    return _assembled(recording, attempt, Outcome.ASSEMBLED)


class _Lost(Exception):
    """The file will never come; becomes an outcome before it leaves this file."""

    def __init__(self, reason: str, fact: str) -> None:
        super().__init__(fact)
        self.reason = reason


_REASONS: tuple[tuple[type[CallerError], str], ...] = (
    (UrlRefused, URL_REFUSED),
    (NotFound, GONE),
    (TooLarge, TOO_LARGE),
    (SecretRefused, SECRET_REFUSED),
    (Forbidden, REFUSED),
)


@contextmanager
def _downloaded(
    recording: Recording, media: CarrierMedia, attempt: int, needs: Fetching
) -> Iterator[DownloadedFile]:
    """Yield the carrier's file. Raises _Lost, CarrierUnavailable."""
    with ExitStack() as files:
        try:
            authorization = needs.authorization(recording)
            file = files.enter_context(needs.downloads.get(media.url, authorization))
        except tuple(kind for kind, _ in _REASONS) as error:
            if _may_come_yet(error, attempt):
                raise CarrierUnavailable(error.message) from error
            reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
            raise _Lost(reason, error.message) from error
        except Unavailable as error:
            raise CarrierUnavailable(error.message) from error
        yield file


def _may_come_yet(error: CallerError, attempt: int) -> bool:
    """Whether a file isn't there because its event was faster."""
    return isinstance(error, NotFound) and error.code != "gone" and attempt < SETTLED_ATTEMPT


def _compared(media: CarrierMedia, file: DownloadedFile, attempt: int) -> tuple[SoundFacts, str]:
    """Return what a file is, and what about it isn't as announced; empty: nothing.

    Raises CarrierMediaDiffers while the carrier may not be through, _Lost for what is no sound.
    """
    difference = _difference(media, file)
    if difference and attempt < SETTLED_ATTEMPT:
        raise CarrierMediaDiffers(difference)
    if file.sound is None:
        raise _Lost(INVALID, f"{file.size} bytes that are no WAV, MP3 or MP4")
    return file.sound, difference


def _difference(media: CarrierMedia, file: DownloadedFile) -> str:
    if file.sound is None:
        return INVALID
    if media.size is not None and media.size != file.size:
        return SIZE_DIFFERS
    if media.duration_s is not None and not _is_as_long(media.duration_s, file.sound):
        return DURATION_DIFFERS
    return "" if file.sound.is_whole else INCOMPLETE


def _is_as_long(announced_s: float, sound: SoundFacts) -> bool:
    tolerance_ms = max(DURATION_TOLERANCE_MS, DURATION_TOLERANCE * sound.duration_ms)
    return abs(announced_s * 1000 - sound.duration_ms) <= tolerance_ms


def _store(
    recording: Recording,
    file: DownloadedFile,
    sound: SoundFacts,
    degraded: str,
    needs: Fetching,
) -> None:
    account, recording_id = recording.call.account, recording.recording_id
    rendition = Rendition(
        format=Format(sound.kind),
        key=keys.rendition_key(account, recording_id, sound.kind),
        size=file.size,
        duration_ms=sound.duration_ms,
        channels=sound.channels,
        sha256=file.sha256,
        created_at=needs.now(),
    )
    needs.renditions.put_file(rendition.key, file.path, file.sha256, object_tags(recording))
    manifest = describe_fetched(recording, sound, rendition, degraded)
    key = keys.manifest_key(account, recording_id)
    needs.renditions.put_text(key, encode_manifest(manifest), object_tags(recording))


def _note(recording: Recording, attempt: int, failure: Exception, needs: Fetching) -> None:
    """Tell the history why nothing came; a fact never holds the URL."""
    event = RecordingEvent(
        recording_id=recording.recording_id,
        at=needs.now(),
        event="fetch_failed",
        detail={"attempt": attempt, "fact": str(failure)},
    )
    needs.history.append(event)


def _assembled(recording: Recording, attempt: int, outcome: Outcome, reason: str = "") -> Assembled:
    return Assembled(
        recording_id=recording.recording_id, attempt=attempt, outcome=outcome, reason=reason
    )
