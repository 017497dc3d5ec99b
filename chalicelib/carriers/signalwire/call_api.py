"""SignalWire's REST API: the command `calling.tap`, and the log of a call.

Source: signalwire/docs, `specs/signalwire-rest`: `calling-api/calls` (requests, responses) and
`voice-api/logs`. The base is the space, https://{space}.signalwire.com; Basic with project id and
API token, of the scope *Voice*.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from chalicelib.carriers.contract.call_api import (
    ApiDialect,
    ApiRequest,
    CarrierCall,
    Standing,
    TapAgain,
)
from chalicelib.carriers.signalwire.webhooks import CARRIER

COMMANDS = "/api/calling/calls"
LOGS = "/api/voice/logs/"

_ENDED = frozenset({"busy", "failed", "no-answer", "canceled", "completed", "ended"})
_LIVE = frozenset(
    {"queued", "initiated", "created", "ringing", "answered", "in-progress", "joined", "ending"}
)


class Log(msgspec.Struct):
    """The field that we read of the answer to `GET /api/voice/logs/{id}`."""

    status: str | None = None


def tap(wanted: TapAgain) -> ApiRequest:
    """Return the command that begins a tap to a websocket.

    It states every option, because SignalWire's APIs differ in their defaults.
    """
    command = {
        "command": "calling.tap",
        "id": wanted.call.call_id,
        "params": {
            "control_id": wanted.control_id,
            "tap": {"type": "audio", "params": {"direction": wanted.direction}},
            "device": {
                "type": "ws",
                "params": {"uri": wanted.uri, "codec": str(wanted.encoding)},
            },
            "status_url": wanted.status_url,
        },
    }
    return ApiRequest(method="POST", path=COMMANDS, body=msgspec.json.encode(command))


def standing(call: CarrierCall) -> ApiRequest:
    """Return the request for a call's log, which SignalWire names by the segment."""
    log_id = call.segment_id or call.call_id
    return ApiRequest(method="GET", path=LOGS + quote(log_id, safe=""))


def read_standing(body: bytes) -> Standing:
    """Return the state of a call from its log."""
    try:
        status = msgspec.json.decode(body, type=Log).status
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Standing.UNKNOWN
    if status in _ENDED:
        return Standing.ENDED
    return Standing.LIVE if status in _LIVE else Standing.UNKNOWN


DIALECT = ApiDialect(carrier=CARRIER, tap=tap, standing=standing, read_standing=read_standing)
