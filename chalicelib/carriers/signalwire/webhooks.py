"""SignalWire's status callbacks: `calling.call.tap`, `calling.call.record`.

Two shapes of each are about: SWML wraps `params` in an envelope; Relay has none, sends numbers as
strings, and puts a recording's result beside `record`, which there echoes the request
(docs/reference/wire/signalwire-tap.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import msgspec

from chalicelib.capture.events import Track
from chalicelib.carriers.contract import json_body, stream_path
from chalicelib.carriers.contract.json_body import CarrierId, ControlId, Count, JsonBody, Seconds
from chalicelib.carriers.contract.stream import G711
from chalicelib.carriers.contract.webhook import (
    CarrierRecording,
    EventFacts,
    RtpDevice,
    StreamAnnounced,
    StreamState,
    WebhookDialect,
    WebhookEvent,
    dedupe_key,
    unknown_event,
)
from chalicelib.carriers.signalwire import tap_stream
from chalicelib.errors import CallerError

CARRIER = "signalwire"

_TAP_STATES: Mapping[str, StreamState] = MappingProxyType(
    {"tapping": StreamState.STARTED, "finished": StreamState.STOPPED}
)
_RECORD_STATES = frozenset({"recording", "paused", "finished", "no_input", "error"})


class TapDirection(msgspec.Struct):
    """`params.tap.params`."""

    direction: str | None = None


class TappedAudio(msgspec.Struct):
    """`params.tap`."""

    type: str | None = None
    params: TapDirection | None = None


class DeviceParams(msgspec.Struct):
    """`params.device.params`: `uri` for ws; `addr`, `port` and `ptime` for rtp."""

    codec: str | None = None
    uri: str | None = None
    addr: str | None = None
    port: Count | None = None
    ptime: Count | None = None


class Device(msgspec.Struct):
    """`params.device`."""

    type: str
    params: DeviceParams


class TapParams(msgspec.Struct):
    """`params` of `calling.call.tap`."""

    call_id: CarrierId
    control_id: ControlId
    state: str
    device: Device
    tap: TappedAudio | None = None
    node_id: str | None = None
    segment_id: str | None = None
    tag: str | None = None


class RecordRequest(msgspec.Struct):
    """`params.record.audio` of Relay: what was asked for."""

    format: str | None = None
    stereo: bool | None = None


class RecordResult(msgspec.Struct):
    """`params.record`: SWML's result, or Relay's echo of the request."""

    url: str | None = None
    duration: Seconds | None = None
    size: Count | None = None
    format: str | None = None
    audio: RecordRequest | None = None


class RecordParams(msgspec.Struct):
    """`params` of `calling.call.record`; from url to end_time they are Relay's."""

    call_id: CarrierId
    control_id: ControlId
    state: str
    record: RecordResult | None = None
    url: str | None = None
    duration: Seconds | None = None
    size: Count | None = None
    format: str | None = None
    recording_id: str | None = None
    start_time: float | None = None
    end_time: float | None = None
    node_id: str | None = None
    segment_id: str | None = None
    tag: str | None = None


class _Envelope(msgspec.Struct):
    """What SWML puts around `params`; Relay sends none of it."""

    event_channel: str | None = None
    timestamp: float | None = None
    project_id: str | None = None
    space_id: str | None = None


class TapEvent(_Envelope, kw_only=True):
    """`calling.call.tap`."""

    params: TapParams


class RecordEvent(_Envelope, kw_only=True):
    """`calling.call.record`."""

    params: RecordParams


def parse(body: bytes) -> WebhookEvent:
    """Return what a status callback says. Raises InvalidRequest naming the field."""
    received = json_body.parse(body)
    translate = _EVENTS.get(received.text("event_type"), _unknown)
    return translate(received)


def _tap(received: JsonBody) -> WebhookEvent:
    event = received.convert(TapEvent)
    params, device = event.params, event.params.device.params
    state = _TAP_STATES.get(params.state)
    if state is None:
        return _unknown(received)
    path_call_id, stream_id = _of_stream(device.uri or "")
    codec = (device.codec or "").upper()
    return StreamAnnounced(
        facts=_facts(received, event, params, path_call_id or params.call_id, stream_id),
        state=state,
        carrier_stream_id=stream_id,
        control_id=params.control_id,
        tracks=_tracks(params.tap),
        codec=codec,
        encoding=G711.get(codec),
        uri=json_body.redact_text(device.uri or ""),
        device=_rtp_device(device),
    )


def _record(received: JsonBody) -> WebhookEvent:
    event = received.convert(RecordEvent)
    params, result = event.params, event.params.record or RecordResult()
    if params.state not in _RECORD_STATES:
        return _unknown(received)
    url = result.url or params.url or ""
    if params.state == "finished" and not url:
        raise json_body.missing_field("params.record.url")
    asked = result.audio or RecordRequest()
    return CarrierRecording(
        facts=_facts(received, event, params, params.call_id),
        status=params.state,
        is_available=params.state == "finished",
        control_id=params.control_id,
        carrier_recording_id=params.recording_id or "",
        url=url,
        format=result.format or params.format or asked.format or "",
        duration_s=_first(result.duration, params.duration),
        size=_first(result.size, params.size),
        channels=None if asked.stereo is None else 1 + asked.stereo,
        started_at=json_body.unix_time(params.start_time),
        ended_at=json_body.unix_time(params.end_time),
    )


def _unknown(received: JsonBody) -> WebhookEvent:
    return unknown_event(CARRIER, received.text("event_type"), received.stored)


def _facts(
    received: JsonBody,
    event: TapEvent | RecordEvent,
    params: TapParams | RecordParams,
    call_id: str,
    stream_id: str = "",
) -> EventFacts:
    event_type, sent = received.text("event_type"), str(event.timestamp)
    named = (params.call_id, params.control_id, stream_id, params.state)
    return EventFacts(
        carrier=CARRIER,
        event_type=event_type,
        event_time=json_body.unix_time(event.timestamp),
        dedupe_key=dedupe_key(CARRIER, event_type, *named, sent),
        body=received.stored,
        call_id=call_id,
        carrier_call_id=params.call_id,
        node_id=params.node_id or "",
        event_channel=event.event_channel or "",
        carrier_segment_id=params.segment_id or "",
        project_id=event.project_id or "",
        space_id=event.space_id or "",
        labels={"tag": params.tag} if params.tag else {},
    )


def _tracks(tap: TappedAudio | None) -> tuple[Track, ...]:
    direction = tap.params.direction if tap and tap.params else None
    track = tap_stream.TRACKS.get(direction or "")
    return (track,) if track else ()


def _of_stream(uri: str) -> tuple[str, str]:
    """Return the call id and stream id of a tap's path; both empty for a path that isn't ours."""
    try:
        parts = stream_path.split(urlsplit(uri).path)
        route = parts.named(tap_stream.PARAMETERS) if parts else None
        if route is None or route.dialect != tap_stream.NAME:
            return "", ""
        started = tap_stream.SignalWireTap(route.parameters).open()
    except (CallerError, ValueError):
        return "", ""
    return started.call_id, started.carrier_stream_id


def _rtp_device(params: DeviceParams) -> RtpDevice | None:
    if params.addr is None or params.port is None:
        return None
    return RtpDevice(address=params.addr, port=params.port, ptime_ms=params.ptime)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


_EVENTS: Mapping[str, Callable[[JsonBody], WebhookEvent]] = MappingProxyType(
    {"calling.call.tap": _tap, "calling.call.record": _record}
)
"""`calling.call.stream` belongs to a stream dialect that we don't speak yet: kept as unknown"""

DIALECT = WebhookDialect(
    carrier=CARRIER,
    answer_status=200,
    parse=parse,
)
