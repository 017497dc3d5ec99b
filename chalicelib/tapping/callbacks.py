"""The body of a tap's status callback: exactly the shape of SignalWire's `calling.call.tap`."""

from __future__ import annotations

from datetime import datetime

from chalicelib.recording.callbacks import call_id, envelope, node_id
from chalicelib.recording.model import Call, Profile
from chalicelib.tapping.model import Tap, TapOptions, rtp_address

EVENT_TYPE = "calling.call.tap"


def tap_body(
    tap: Tap, call: Call, *, at: datetime, worker: str = "", profile: Profile | None = None
) -> dict[str, object]:
    """Return the body that tells a tap's present state.

    `worker` and `profile` stand in where the carrier named no node, project or space.
    """
    params: dict[str, object] = {"call_id": call_id(call), "node_id": node_id(call, worker)}
    if call.carrier_segment_id:
        params["segment_id"] = call.carrier_segment_id
    if call.labels.get("tag"):
        params["tag"] = call.labels["tag"]
    params |= {
        "control_id": tap.control_id,
        "state": str(tap.state),
        "tap": {"type": "audio", "params": {"direction": str(tap.options.direction)}},
        "device": device(tap.options),
    }
    return envelope(EVENT_TYPE, params, call, at=at, profile=profile)


def device(options: TapOptions) -> dict[str, object]:
    """Return where a tap sends to, in the carrier's words."""
    codec = str(options.codec)
    address = rtp_address(options.uri)
    if address is None:
        return {"type": "ws", "params": {"uri": options.uri, "codec": codec}}
    addr, port = address
    ptime = options.rtp_ptime_ms
    return {"type": "rtp", "params": {"addr": addr, "port": port, "codec": codec, "ptime": ptime}}
