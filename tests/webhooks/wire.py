"""One call's webhooks as its carrier would post them: the documented bodies, made one call's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.capture.events import Track
from chalicelib.recording.model import CallRef, Profile
from tests.carriers.samples import ABSENT, changed, encoded, sample
from tests.samples import a_profile

MEDIA = "https://voice.bandwidth.com/api/v2/accounts/55555555/calls/c-1/recordings/r-1/media"
SPACE = "https://space.signalwire.com/api/v1/recordings"
_FILE = {"recordingId": "r-1", "mediaUrl": MEDIA, "duration": "PT1S"}
"""the published examples' durations aren't those of the file that a test serves"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A carrier, a call of it, and everything that it may post of that call."""

    profile: Profile
    call: CallRef
    streams: Sequence[tuple[str, Track]]
    """what the call streams: the carrier's ids, in the order in which they come"""
    at: datetime
    """when its streams began, by the carrier's clock"""
    bodies: Mapping[str, bytes]
    """by a name for each, in the order in which a good network delivers them"""
    files: Sequence[str]
    """what the carrier recorded itself"""


def _bandwidth() -> Said:
    call, tagged = CallRef(account="main", carrier="bandwidth", call_id="c-1"), {"tag": "vip"}

    def body(name: str, **changes: Any) -> bytes:
        return _with(sample("bandwidth", name), {"callId": call.call_id, **changes})

    def file(name: str, **changes: Any) -> bytes:
        return body(name, **{**_FILE, **changes})

    first, second = {"mediaStream.id": "s-1"}, {"mediaStream.id": "s-2"}
    bodies = {
        "started": body("media-stream-started", **first, **tagged),
        "another started": body("media-stream-started", **second),
        "a duplicate is rejected": body(
            "media-stream-rejected-duplicate",
            **{"mediaStream.id": "s-3", "originalMediaStream.id": "s-1"},
        ),
        "no answer yet": file("recording-available", status="processing", mediaUrl=ABSENT),
        "stopped": body("media-stream-stopped", **first, **tagged),
        "another broke": body("media-stream-stopped-connection-error", **second),
        "record complete": file("record-complete"),
        "recording complete": file("record-complete", eventType="recordingComplete"),
        "available": file("recording-available", **tagged),
        "available later": file("recording-available-with-enqueued-time", tag="vip"),
        "something new": body("media-stream-started", eventType="gather"),
    }
    return Said(
        profile=a_profile(),
        call=call,
        streams=(("s-1", Track.INBOUND), ("s-2", Track.OUTBOUND)),
        at=datetime(2022, 6, 30, 18, 55, 2, tzinfo=UTC),
        bodies=bodies,
        files=(MEDIA,),
    )


def _signalwire() -> Said:
    call = CallRef(account="main", carrier="signalwire", call_id="2e1e66e5")

    def tap(name: str, direction: str, at: float, **changes: Any) -> bytes:
        uri = f"wss://sink.example/signalwire-tap/token/{call.call_id}/{direction}"
        changes |= {
            "params.device.params.uri": uri,
            "params.tap.params.direction": direction,
            "params.control_id": f"tapedeck-{direction}",
        }
        return _with(sample("signalwire-tap", name), _of(call, at, changes))

    def record(name: str, control_id: str, at: float, **changes: Any) -> bytes:
        changes["params.control_id"] = control_id
        return _with(sample("signalwire-record", name), _of(call, at, changes))

    nested = {"params.record": {"url": f"{SPACE}/one.wav", "duration": 1.0, "format": "wav"}}
    flat = {"params.url": f"{SPACE}/two", "params.duration": 1, "params.size": ABSENT}
    bodies = {
        "speak taps": tap("tap-tapping-ws", "speak", 0, **{"params.tag": "vip"}),
        "listen taps": tap("tap-tapping-ws", "listen", 0.25),
        "recording": record("record-recording", "one", 1),
        "paused": record("record-paused", "one", 2),
        "recording again": record("record-recording", "one", 3),
        "speak finished": tap("tap-finished-ws", "speak", 60),
        "listen finished": tap("tap-finished-ws", "listen", 60.25, **{"params.tag": "vip"}),
        "finished": record("record-finished-swml-nested", "one", 61, **nested),
        "finished, flat": record("record-finished-flat-with-recording-id", "two", 62, **flat),
        "nobody spoke": record("record-no-input", "three", 63),
        "failed": record("record-error", "four", 64),
        "something new": tap("tap-tapping-ws", "speak", 65, event_type="calling.call.stream"),
    }
    return Said(
        profile=a_profile(dialect="signalwire-tap", carrier="signalwire"),
        call=call,
        streams=(
            (f"{call.call_id}/speak", Track.INBOUND),
            (f"{call.call_id}/listen", Track.OUTBOUND),
        ),
        at=datetime.fromtimestamp(1_640_000_000, UTC),
        bodies=bodies,
        files=(f"{SPACE}/one.wav", f"{SPACE}/two"),
    )


def _of(call: CallRef, at: float, changes: dict[str, Any]) -> dict[str, Any]:
    named = {"params.call_id": call.call_id, "params.segment_id": "c77e66e5"}
    return {**named, "timestamp": 1_640_000_000 + at, **changes}


def _with(body: dict[str, Any], changes: Mapping[str, Any]) -> bytes:
    for path, value in changes.items():
        body = changed(body, path, value)
    return encoded(body)


CALLS = {"bandwidth": _bandwidth(), "signalwire": _signalwire()}
