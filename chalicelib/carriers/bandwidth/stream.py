"""Bandwidth `<StartStream>`: JSON text messages, base64 payload, two tracks.

The message shapes below are what we read of each; what else a message holds is skipped
(docs/reference/wire/bandwidth.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from chalicelib.capture.events import (
    Clock,
    Encoding,
    Media,
    StreamEvent,
    StreamStarted,
    StreamStopped,
    Track,
)
from chalicelib.carriers.contract.stream import G711, is_carrier_id
from chalicelib.carriers.contract.stream_limits import StreamLimits
from chalicelib.errors import WireError
from chalicelib.media import codecs

NAME = "bandwidth"

RATE_HZ = 8000
PARAMS_MAX = 12
PARAM_NAME_MAX = 256
PARAM_VALUE_MAX = 2048
"""`<StreamParam>`: the carrier's own limits; what exceeds them is left out of the labels"""

TRACKS: Mapping[str, Track] = MappingProxyType(
    {"inbound": Track.INBOUND, "outbound": Track.OUTBOUND}
)
_FACTS = (
    ("Invalid value", "unknown_event"),
    ("base64", "bad_payload"),
    ("missing required field", "missing_field"),
)
"""what the decoder's sentence says of a message that is JSON, but not one of ours"""


class _Message(msgspec.Struct, tag_field="eventType", rename="camel", gc=False):
    """Every message names itself in `eventType`."""


class StartMessage(_Message, tag="start"):
    """Read in two steps, so that a broken start is told apart from a broken message."""

    metadata: msgspec.Raw = msgspec.Raw(b"null")
    stream_params: dict[str, Any] = {}


class MediaMessage(_Message, tag="media"):
    """20 ms of one track; the number is absent in the documents of 2023."""

    track: str
    payload: bytes
    """base64 on the wire"""
    sequence_number: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    """a decimal string on the wire; per track or per stream is not stated"""


class StopMessage(_Message, tag="stop"):
    """The carrier repeats the start's metadata; nothing of it is needed."""


class PlayedMedia(msgspec.Struct, rename="camel", kw_only=True):
    """What shall be played."""

    content_type: str = "audio/pcmu"
    payload: bytes
    """base64 on the wire"""


class PlayAudioMessage(_Message, tag="playAudio"):
    """Ours to the carrier, over a bidirectional stream."""

    media: PlayedMedia


class MediaFormat(msgspec.Struct, frozen=True, rename="camel"):
    """A track's format; `audio/PCMU` in the carrier's table, `PCMU` in its example."""

    encoding: str = "PCMU"
    sample_rate: int = RATE_HZ


class AnnouncedTrack(msgspec.Struct, rename="camel"):
    """A track that the stream will carry."""

    name: str
    media_format: MediaFormat = MediaFormat()


class Metadata(msgspec.Struct, rename="camel"):
    """Who streams what; unauthenticated: the token in the path is the proof."""

    call_id: str
    stream_id: str
    tracks: list[AnnouncedTrack]


# Not strict: it takes "12" and 12 for a number, which is all the leniency that the wire needs.
_decode = msgspec.json.Decoder(StartMessage | MediaMessage | StopMessage, strict=False).decode
_encode = msgspec.json.Encoder().encode
_decode_metadata = msgspec.json.Decoder(Metadata, strict=False).decode


class Bandwidth:
    """One stream's socket."""

    name = NAME
    clock = Clock.ARRIVAL
    limits = StreamLimits(is_base64=True)

    def __init__(self, _parameters: Mapping[str, str]) -> None:
        self._started: StreamStarted | None = None
        self._heard = False

    def open(self) -> None:
        """Return None: the start comes in band."""

    def receive(self, message: str | bytes) -> StreamEvent:
        """Return what one message says. Raises WireError (docs/reference/wire/bandwidth.md)."""
        if not isinstance(message, str):
            raise self._binary()
        try:
            said = _decode(message)
        except (ValueError, RecursionError) as error:
            raise _misfit(error) from error
        if type(said) is MediaMessage:
            track = TRACKS.get(said.track)
            if track is None:
                raise WireError(NAME, f"track {said.track[:80]!r}", code="unknown_track")
            self._heard = True
            return Media(track, said.payload, said.sequence_number)
        if type(said) is StartMessage:
            return self._start(said)
        return StreamStopped()

    def play(self, pcm: bytes) -> str:
        """Return the message that plays sound to the party; a stream whose `mode` is
        `bidirectional` takes it."""
        payload = codecs.encode(pcm, Encoding.PCMU)
        return _encode(PlayAudioMessage(media=PlayedMedia(payload=payload))).decode()

    def _binary(self) -> WireError:
        if self._heard or self._started:
            return WireError(NAME, "a binary message", code="binary_message")
        return WireError(NAME, "a binary message came first", code="wrong_dialect")

    def _start(self, message: StartMessage) -> StreamStarted:
        started = _parse_start(message)
        before = self._started
        if before is None:
            self._started = started
            return started
        if (before.call_id, before.carrier_stream_id) == (
            started.call_id,
            started.carrier_stream_id,
        ):
            raise WireError(NAME, "the start came twice", code="second_start")
        raise WireError(NAME, "a start of another stream", code="other_stream")


def _parse_start(message: StartMessage) -> StreamStarted:
    try:
        metadata = _decode_metadata(message.metadata)
    except (ValueError, RecursionError) as error:
        raise WireError(NAME, f"start.metadata: {str(error)[:200]}", code="bad_start") from error
    if not (is_carrier_id(metadata.call_id) and is_carrier_id(metadata.stream_id)):
        raise WireError(NAME, "start: callId or streamId names nothing", code="bad_start")
    return StreamStarted(
        call_id=metadata.call_id,
        carrier_stream_id=metadata.stream_id,
        tracks=_tracks(metadata.tracks),
        encoding=_encoding(metadata.tracks),
        rate_hz=RATE_HZ,
        labels=_labels(message.stream_params),
    )


def _tracks(announced: list[AnnouncedTrack]) -> tuple[Track, ...]:
    try:
        return tuple(dict.fromkeys(TRACKS[track.name] for track in announced))
    except KeyError as error:
        raise WireError(NAME, f"start: track {str(error)[:80]}", code="bad_start") from None


def _encoding(announced: list[AnnouncedTrack]) -> Encoding:
    """Return the one encoding of all tracks: a stream has one, and G.711 has one rate."""
    formats = {
        (track.media_format.encoding.upper().removeprefix("AUDIO/"), track.media_format.sample_rate)
        for track in announced
    }
    if not formats:
        raise WireError(NAME, "start: no tracks", code="bad_start")
    name, rate_hz = formats.pop()
    encoding = G711.get(name)
    if formats or encoding is None or rate_hz != RATE_HZ:
        raise WireError(NAME, f"start: {name[:80]!r} at {rate_hz} Hz", code="unsupported_encoding")
    return encoding


def _labels(params: dict[str, Any]) -> dict[str, str]:
    fitting = {
        name: value
        for name, value in params.items()
        if isinstance(value, str) and len(name) <= PARAM_NAME_MAX and len(value) <= PARAM_VALUE_MAX
    }
    return dict(list(fitting.items())[:PARAMS_MAX])


def _misfit(error: Exception) -> WireError:
    sentence = str(error)[:200]
    if not isinstance(error, msgspec.ValidationError):
        return WireError(NAME, f"not JSON: {sentence}", code="not_json")
    for words, code in _FACTS:
        if words in sentence:
            return WireError(NAME, sentence, code=code)
    return WireError(NAME, sentence, code="wrong_type")
