"""Callback bodies of taps: key for key what the carrier itself would send."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from chalicelib.recording.callbacks import encode
from chalicelib.recording.model import Call, CallRef, Direction, Profile
from chalicelib.tapping.callbacks import tap_body
from chalicelib.tapping.model import Codec, Tap, TapOptions, TapState

AT = datetime(2021, 12, 20, 11, 33, 20, 123_456, tzinfo=UTC)
REF = CallRef(account="main", carrier="signalwire", call_id="c-1")
CALL = Call(
    ref=REF,
    profile="support",
    open=True,
    round=1,
    generation=2,
    opened_at=AT,
    node_id="n-1",
    event_channel="swml:s-1",
    carrier_segment_id="g-1",
    project_id="p-1",
    space_id="s-1",
)
BARE_CALL = Call(ref=REF, profile="support", open=True, round=1, generation=2, opened_at=AT)
PROFILE = Profile(
    account="main",
    name="support",
    dialect="signalwire-tap",
    carrier="signalwire",
    project_id="the profile's project",
    space_id="the profile's space",
    created_at=AT,
)
TAP = Tap(
    tap_id="t-1",
    call=REF,
    control_id="tap_001",
    state=TapState.TAPPING,
    version=1,
    round=1,
    options=TapOptions(uri="rtp://192.168.1.100:12345", direction=Direction.BOTH),
    profile="support",
    created_at=AT,
)
WS = replace(TAP, options=TapOptions(uri="wss://example.com/a?b=c", codec=Codec.PCMA))


def test_tells_an_rtp_tap_key_for_key() -> None:
    """The text is the documented one: every key, in its order."""
    assert (
        '{"event_type":"calling.call.tap","event_channel":"swml:s-1","timestamp":1640000000.123,'
        '"project_id":"p-1","space_id":"s-1",'
        '"params":{"call_id":"c-1","node_id":"n-1","segment_id":"g-1","control_id":"tap_001",'
        '"state":"tapping","tap":{"type":"audio","params":{"direction":"both"}},'
        '"device":{"type":"rtp","params":{"addr":"192.168.1.100","port":12345,"codec":"PCMU",'
        '"ptime":20}}}}'
    ) == encode(tap_body(TAP, CALL, at=AT))


def test_tells_a_websocket_by_uri_and_codec() -> None:
    """A ws device has its uri and no ptime; secure or not, its type is ws."""
    params = tap_body(replace(WS, state=TapState.FINISHED), CALL, at=AT)["params"]

    assert isinstance(params, dict)
    assert "finished" == params["state"]
    assert {
        "type": "ws",
        "params": {"uri": "wss://example.com/a?b=c", "codec": "PCMA"},
    } == params["device"]


def test_leaves_out_what_isnt_known() -> None:
    """A segment and a tag stand there only when known; the rest has its stand-ins."""
    body = tap_body(TAP, BARE_CALL, at=AT, worker="w-1", profile=PROFILE)

    params = body["params"]
    assert isinstance(params, dict)
    assert ["call_id", "node_id", "control_id", "state", "tap", "device"] == list(params)
    assert ("the profile's project", "tapedeck-w-1") == (body["project_id"], params["node_id"])


def test_tells_a_calls_tag() -> None:
    """The tag that the carrier gave the call stands behind its segment."""
    params = tap_body(TAP, replace(CALL, labels={"tag": "vip"}), at=AT)["params"]

    assert isinstance(params, dict)
    assert ["segment_id", "tag"] == list(params)[2:4]
