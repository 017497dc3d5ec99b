"""A call's webhooks as SignalWire would post them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalicelib.capture.events import Track
from chalicelib.recording.model import CallRef
from tests.carriers.posted import Said, with_changes
from tests.carriers.samples import ABSENT, sample
from tests.samples import a_profile

SPACE = "https://space.signalwire.com/api/v1/recordings"


def _signalwire() -> Said:
    call = CallRef(account="main", carrier="signalwire", call_id="2e1e66e5")

    def tap(name: str, direction: str, at: float, **changes: Any) -> bytes:
        uri = f"wss://sink.example/signalwire-tap/token/{call.call_id}/{direction}"
        changes |= {
            "params.device.params.uri": uri,
            "params.tap.params.direction": direction,
            "params.control_id": f"tapedeck-{direction}",
        }
        return with_changes(sample("signalwire", name), _of(call, at, changes))

    def record(name: str, control_id: str, at: float, **changes: Any) -> bytes:
        changes["params.control_id"] = control_id
        return with_changes(sample("signalwire", name), _of(call, at, changes))

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


SAID = _signalwire()
