"""Bandwidth's voice API, version 2: the state of a call.

Source: dev.bandwidth.com, *Get Call State Information* (`CallState` of the SDKs). The base is the
account, https://voice.bandwidth.com/api/v2/accounts/{accountId}. A stream can't be begun from here:
`<StartStream>` is BXML, and what hands a live call new BXML (`updateCall`, `updateCallBxml`) ends
what the call is doing.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from chalicelib.carriers.bandwidth.webhooks import CARRIER
from chalicelib.carriers.contract.call_api import ApiDialect, ApiRequest, CarrierCall, Standing

_LIVE = frozenset({"queued", "initiated", "answered"})


class CallState(msgspec.Struct, rename="camel"):
    """The fields that we read of the answer to `GET …/calls/{callId}`; more states may come."""

    state: str | None = None
    end_time: str | None = None
    """only of a call that ended"""


def standing(call: CarrierCall) -> ApiRequest:
    """Return the request for a call's state; Bandwidth keeps it for seven days, and may report a
    change minutes late."""
    return ApiRequest(method="GET", path="/calls/" + quote(call.call_id, safe=""))


def read_standing(body: bytes) -> Standing:
    """Return the state of a call."""
    try:
        call = msgspec.json.decode(body, type=CallState)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Standing.UNKNOWN
    if call.state == "disconnected" or call.end_time:
        return Standing.ENDED
    return Standing.LIVE if call.state in _LIVE else Standing.UNKNOWN


DIALECT = ApiDialect(carrier=CARRIER, tap=None, standing=standing, read_standing=read_standing)
