"""Finds what a recording lacks because this side ended a stream of its call.

A stream's reason is a stable code: of the table, of the dialect (`bad_start`, `other_stream` …) or
of the API (why the call may not be streamed). A later version may know more of them.

| reason | this side ended the stream because |
|---|---|
| `stream_too_long` | it was as long as a stream may be |
| `too_fast` | it brought more than three times its nominal rate |
| `protocol_error`, `invalid_text`, `message_too_big` | what it sent broke the rules of websockets |
| `unread` | it didn't read what it was answered |
| `unfinished_messages` | the unfinished messages of all sockets held too much memory |
| `internal_error` | reading a message failed on our side |
| `worker_stopped` | its worker stopped as planned |
| `no_pong` | its connection was dead: nothing came, not even the answer to a ping |
| `no_packets` | its RTP port stopped receiving: RTP has no other end |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.capture.events import Track
from chalicelib.recording.instants import microseconds
from chalicelib.recording.model import Interval, Recording, Stream
from chalicelib.recording.rendition_plan import TRACKS, RenditionPlan

TOO_LONG = "stream_too_long"
TOO_FAST = "too_fast"
PROTOCOL_ERROR = "protocol_error"
INVALID_TEXT = "invalid_text"
MESSAGE_TOO_BIG = "message_too_big"
UNREAD = "unread"
UNFINISHED_MESSAGES = "unfinished_messages"
INTERNAL_ERROR = "internal_error"
WORKER_STOPPED = "worker_stopped"
NO_PONG = "no_pong"
NO_PACKETS = "no_packets"

_SILENT = frozenset({"", NO_PONG, NO_PACKETS})
"""the stream fell silent: nothing was cut"""


def is_cut(reason: str) -> bool:
    """Return whether a stream that ended for this reason may have had more to say."""
    return reason not in _SILENT


def closing_cut(streams: Sequence[Stream]) -> str:
    """Return the reason of the stream that ended last, if that one was cut; empty: it wasn't."""
    ended = [(stream.ended_at, stream.reason) for stream in streams if stream.ended_at]
    _, reason = max(ended, default=(None, ""))
    return reason if is_cut(reason) else ""


def with_cut(
    planned: RenditionPlan, recording: Recording, streams: Sequence[Stream]
) -> RenditionPlan:
    """Return the plan with the cut that a recording shows in `degraded`, if nothing else is there:
    a stream of its tracks was cut in an interval of it, and no other one had these tracks then."""
    cuts = sorted(
        (stream.ended_at, stream.reason)
        for stream in streams
        if stream.ended_at
        and is_cut(stream.reason)
        and _is_heard(stream, recording)
        and _is_shown(stream.ended_at, recording)
        and not any(_goes_on(other, stream, stream.ended_at) for other in streams)
    )
    quality = planned.quality
    if not cuts or quality.degraded:
        return planned
    return replace(planned, quality=replace(quality, degraded=cuts[0][1]))


def _is_heard(stream: Stream, recording: Recording) -> bool:
    tracks = {*TRACKS[recording.options.direction], Track.MIXED}
    return not tracks.isdisjoint(stream.tracks)


def _is_shown(at: datetime, recording: Recording) -> bool:
    at_us = microseconds(at)
    return any(
        not one.silent
        and (one.from_us is None or one.from_us <= at_us)
        and (one.to_us is None or at_us < one.to_us)
        for one in recording.intervals or (Interval(),)
    )


def _goes_on(other: Stream, cut: Stream, at: datetime) -> bool:
    """Return whether another stream had a cut one's tracks when that was cut, and after it."""
    is_live = other.opened_at <= at and (other.ended_at is None or other.ended_at > at)
    return is_live and other.stream_key != cut.stream_key and set(cut.tracks) <= set(other.tracks)
