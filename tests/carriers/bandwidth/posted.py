"""A call's webhooks as Bandwidth would post them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalicelib.capture.events import Track
from chalicelib.recording.model import CallRef
from tests.carriers.posted import Said, with_changes
from tests.carriers.samples import ABSENT, sample
from tests.samples import a_profile

MEDIA = "https://voice.bandwidth.com/api/v2/accounts/55555555/calls/c-1/recordings/r-1/media"
_FILE = {"recordingId": "r-1", "mediaUrl": MEDIA, "duration": "PT1S"}
"""the published examples' durations aren't those of the file that a test serves"""


def _bandwidth() -> Said:
    call, tagged = CallRef(account="main", carrier="bandwidth", call_id="c-1"), {"tag": "vip"}

    def body(name: str, **changes: Any) -> bytes:
        return with_changes(sample("bandwidth", name), {"callId": call.call_id, **changes})

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


SAID = _bandwidth()
