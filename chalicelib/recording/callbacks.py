"""The body of a status callback: exactly the shape of SignalWire's nested `calling.call.record`.

Nothing more and nothing less than the carrier's own keys, so that existing parsers work.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from chalicelib.errors import TapedeckError
from chalicelib.recording import keys
from chalicelib.recording.lifecycle import is_finished
from chalicelib.recording.model import Call, Profile, Recording, Rendition

EVENT_TYPE = "calling.call.record"


def record_body(
    recording: Recording,
    call: Call,
    *,
    at: datetime,
    public_url: str,
    download_token: str = "",
    worker: str = "",
    profile: Profile | None = None,
) -> dict[str, object]:
    """Return the body that tells a recording's present state.

    `public_url` is the API's base, up to and with the stage; `download_token` goes into the URL of
    a profile that asks for it. `worker` and `profile` stand in where the carrier named no node,
    project or space.
    """
    params = _params(recording, call, public_url, download_token, worker)
    return envelope(EVENT_TYPE, params, call, at=at, profile=profile)


def envelope(
    event_type: str,
    params: Mapping[str, object],
    call: Call,
    *,
    at: datetime,
    profile: Profile | None = None,
) -> dict[str, object]:
    """Return the body of an event of a call; `profile` is used where the carrier named none."""
    return {
        "event_type": event_type,
        "event_channel": call.event_channel or keys.event_channel(call.ref.key),
        "timestamp": round(at.timestamp(), 3),
        "project_id": call.project_id or (profile.project_id if profile else ""),
        "space_id": call.space_id or (profile.space_id if profile else ""),
        "params": params,
    }


def call_id(call: Call) -> str:
    """Return the call id that an event says: the carrier's own."""
    return call.carrier_call_id or call.ref.call_id


def node_id(call: Call, worker: str = "") -> str:
    """Return the node that an event says: the carrier's, else the worker, else Tapedeck."""
    return call.node_id or (f"tapedeck-{worker}" if worker else "tapedeck")


def download_url(public_url: str, recording_id: str, token: str = "") -> str:
    """Return a recording's download URL: it takes an API key, or carries a token."""
    url = f"{public_url.rstrip('/')}/v1/recordings/{recording_id}/download"
    return f"{url}/{token}" if token else url


def encode(body: Mapping[str, object]) -> str:
    """Return the exact text that is stored, signed and sent: compact JSON, in ASCII."""
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


def _params(
    recording: Recording, call: Call, public_url: str, token: str, worker: str
) -> dict[str, object]:
    params: dict[str, object] = {
        "call_id": call_id(call),
        "node_id": node_id(call, worker),
        "control_id": recording.control_id,
        "state": str(recording.state),
    }
    if is_finished(recording.state):
        url = download_url(public_url, recording.recording_id, token)
        params["record"] = _record(recording, url)
    return params


def _record(recording: Recording, url: str) -> dict[str, object]:
    rendition = _asked_rendition(recording)
    return {
        "url": url,
        "duration": rendition.duration_ms / 1000,
        "size": rendition.size,
        "format": str(rendition.format),
    }


def _asked_rendition(recording: Recording) -> Rendition:
    """Return the rendition in the recording's format: what a download without `format` gets."""
    for rendition in recording.renditions:
        if rendition.format is recording.options.format:
            return rendition
    raise TapedeckError(
        f"recording {recording.recording_id} is finished without its {recording.options.format}"
    )
