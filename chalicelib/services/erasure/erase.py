"""Erases what a recording shows, except what another recording of its call shows, too.

First the row says that the recording is to be erased, so that nothing of it is served. The sweeper
does the rest, in steps that may each run twice: renditions and manifest at once; media when the
erasure is ripe; at last the row says that it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.capture.redaction import Redaction
from chalicelib.errors import Conflict
from chalicelib.ports.aws import MediaStore, RenditionVersions
from chalicelib.ports.rows import Calls, Recordings
from chalicelib.recording import keys as naming
from chalicelib.recording import lifecycle
from chalicelib.recording.erasure import RIPE_AFTER
from chalicelib.recording.instants import microseconds
from chalicelib.recording.model import Erasure, Recording, RecordingOrigin, Stream
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.erasure.coverage import may_show, shown_spans
from chalicelib.services.erasure.redact import redact_media
from chalicelib.services.finalization.media_index import known_segments

LAST_MEDIA = timedelta(seconds=20)
"""Media that arrived this long after the request to erase surely isn't the recording's: workers'
clocks differ, and a recording may be ended for a moment in the past."""

LATE_WRITES = timedelta(hours=2, minutes=10)
"""A running finalization may store a rendition until then."""

UNSETTLED = timedelta(minutes=1)
"""A recording that waits for its first media may yet show all of its call."""

LOCKED = timedelta(days=1)
"""Object Lock was put on a version after the request to erase: try again each day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """Erases recordings, and releases media that is no longer needed."""

    recordings: Recordings
    calls: Calls
    media: MediaStore
    versions: RenditionVersions

    def advance(self, recording: Recording, now: datetime) -> str:
        """Do the due step of a recording's erasure; return its name.

        Raises Unavailable, PreconditionFailed: the next sweep goes on.
        """
        erasure = recording.erasure
        if erasure is None:
            return ""
        versions = self._erase_versions(recording)
        if versions is None:
            self._tell(recording, "erasure_locked", now, due_at=now + LOCKED)
            return "erasures_locked"
        if erasure.ended_at is not None:
            self._tell(recording, "erasure_verified", now, versions=versions)
            return "erasures_verified"
        return self._erase_media(recording, erasure, versions, now)

    def release(self, recording: Recording, now: datetime) -> str:
        """Release the media of a recording that finished long ago; the last recording that shows
        its session deletes the media. Raises as `advance` does."""
        if recording.released_at is None:
            # First its own row, then those of others: two at once can't wait for each other.
            # It stays due: an index's key that changes is two writes more.
            recording = self._tell(
                replace(recording, released_at=now),
                "media_released",
                now,
                due_at=recording.due_at,
            )
        if (keys := self._untouched(recording)) is not None:
            self.media.delete(keys)
        elif not any(may_show(one) for one in self._of_round(recording)):
            streams = self._streams(recording)
            everything = Redaction(
                streams={stream.stream_key for stream in streams}, before_us=microseconds(now)
            )
            redact_media(streams, everything, self.media)
        self._tell(recording, "media_left", now)
        return "media_released"

    def _untouched(self, recording: Recording) -> list[str] | None:
        """Return the keys of all media of a call that has no other recording, and had one round:
        nothing of it was ever redacted, nothing is in a journal. None for other calls."""
        call_key = recording.call.key
        if len(self.recordings.of_call(call_key)) > 1:
            return None
        streams = self.calls.streams(call_key)
        is_one_round = all(stream.round == recording.round for stream in streams)
        return known_segments(streams) if is_one_round else None

    def _erase_media(
        self, recording: Recording, erasure: Erasure, versions: int, now: datetime
    ) -> str:
        ripe_at = erasure.asked_at + RIPE_AFTER
        if now < ripe_at:
            self._tell(recording, "renditions_erased", now, due_at=ripe_at, versions=versions)
            return "renditions_erased"
        round_ = self._of_round(recording)
        if any(_is_unsettled(one) for one in round_):
            self._tell(recording, "erasure_waits", now, due_at=now + UNSETTLED)
            return ""
        objects = self._redact(recording, [one for one in round_ if may_show(one)], erasure)
        ended = replace(recording, erasure=replace(erasure, ended_at=now))
        self._tell(ended, "erased", now, due_at=_late_at(recording, now), objects=objects)
        return "recordings_erased"

    def _erase_versions(self, recording: Recording) -> int | None:
        """Return the number of erased versions; None if Object Lock keeps one. A recording that
        was never finalized, as after a discard, has none."""
        if not recording.attempt:
            return 0
        account, recording_id = recording.call.account, recording.recording_id
        try:
            return self.versions.erase(naming.recording_prefix(account, recording_id))
        except Conflict:
            return None

    def _of_round(self, recording: Recording) -> list[Recording]:
        """Return the other recordings that may show the same streams."""
        return [
            one
            for one in self.recordings.of_call(recording.call.key)
            if one.recording_id != recording.recording_id
            and (one.round == recording.round or lifecycle.is_pending(one.state))
            and one.round <= recording.round
        ]

    def _redact(self, recording: Recording, others: Sequence[Recording], erasure: Erasure) -> int:
        if recording.source is RecordingOrigin.CARRIER:
            return 0  # the carrier recorded it: it shows nothing of what we captured
        streams = self._streams(recording)
        redaction = Redaction(
            streams={stream.stream_key for stream in streams},
            before_us=microseconds(erasure.asked_at + LAST_MEDIA),
            shown=shown_spans(others, streams, self.media),
            keeps_facts=bool(others),
        )
        return redact_media(streams, redaction, self.media)

    def _streams(self, recording: Recording) -> list[Stream]:
        found = self.calls.streams(recording.call.key)
        return [stream for stream in found if stream.round == recording.round]

    def _tell(
        self,
        recording: Recording,
        event: str,
        now: datetime,
        *,
        due_at: datetime | None = None,
        **detail: int,
    ) -> Recording:
        told = RecordingEvent(
            recording_id=recording.recording_id, at=now, event=event, detail=detail
        )
        return self.recordings.write(replace(recording, due_at=due_at), told, None)


def _is_unsettled(recording: Recording) -> bool:
    return lifecycle.is_pending(recording.state) and not recording.intervals


def _late_at(recording: Recording, now: datetime) -> datetime | None:
    """Return when to look once more: an earlier execution may still store a rendition."""
    if recording.attempt_at is None or recording.attempt_at + LATE_WRITES <= now:
        return None
    return recording.attempt_at + LATE_WRITES
