"""Callback bodies: key for key what the carrier itself would send."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.errors import TapedeckError
from chalicelib.recording.callbacks import download_url, encode, record_body
from chalicelib.recording.model import (
    Call,
    CallRef,
    Format,
    Profile,
    Recording,
    RecordOptions,
    Rendition,
    State,
)

AT = datetime(2021, 12, 20, 11, 33, 20, 123_456, tzinfo=UTC)
PUBLIC_URL = "https://tapedeck.example.com/api"
REF = CallRef(account="main", carrier="signalwire", call_id="2e1e66e5-5d07-413d-9668-55542992eec0")
CALL = Call(
    ref=REF,
    profile="support",
    open=False,
    round=1,
    generation=2,
    opened_at=AT,
    node_id="a0d4e6e5-5d07-413d-9668-55542992eec0",
    event_channel="swml:be38xxxx-8xxx-4xxxx-9fxx-bxxxxxxxxx",
    project_id="4d0d6f16-5881-4fcc-92a4-02c51a91954d",
    space_id="451ed9ff-e568-4222-8af9-4f9ab7428d09",
)
BARE_CALL = Call(ref=REF, profile="support", open=False, round=1, generation=2, opened_at=AT)
PROFILE = Profile(
    account="main",
    name="support",
    dialect="signalwire-tap",
    carrier="signalwire",
    project_id="the profile's project",
    space_id="the profile's space",
    created_at=AT,
)
WAV = Rendition(
    format=Format.WAV,
    key="recordings/main/r-1/recording.wav",
    size=248_320,
    duration_ms=15_500,
    channels=1,
    sha256="00",
    created_at=AT,
)
MP3 = replace(WAV, format=Format.MP3, size=62_000)
RECORDING = Recording(
    recording_id="r-1",
    call=REF,
    control_id="recording_001",
    state=State.FINISHED,
    version=4,
    round=1,
    options=RecordOptions(),
    profile="support",
    created_at=AT,
    renditions=(WAV,),
)


def body(recording: Recording = RECORDING, call: Call = CALL, **more: object) -> dict[str, object]:
    return record_body(recording, call, at=AT, public_url=PUBLIC_URL, **more)  # type: ignore[arg-type]


def test_tells_finished_key_for_key() -> None:
    """A finished recording's body is the carrier's documented one, with our URL in it."""

    assert {
        "event_type": "calling.call.record",
        "event_channel": "swml:be38xxxx-8xxx-4xxxx-9fxx-bxxxxxxxxx",
        "timestamp": 1640000000.123,
        "project_id": "4d0d6f16-5881-4fcc-92a4-02c51a91954d",
        "space_id": "451ed9ff-e568-4222-8af9-4f9ab7428d09",
        "params": {
            "call_id": "2e1e66e5-5d07-413d-9668-55542992eec0",
            "node_id": "a0d4e6e5-5d07-413d-9668-55542992eec0",
            "control_id": "recording_001",
            "state": "finished",
            "record": {
                "url": "https://tapedeck.example.com/api/v1/recordings/r-1/download",
                "duration": 15.5,
                "size": 248320,
                "format": "wav",
            },
        },
    } == body()


@pytest.mark.parametrize(
    "state", [State.RECORDING, State.PAUSED, State.NO_INPUT, State.ERROR], ids=str
)
def test_leaves_the_record_out_until_it_is_finished(state: State) -> None:
    """Every other state has the four params and no `record`, even where a rendition lies there."""

    params = body(replace(RECORDING, state=state))["params"]

    assert {
        "call_id": "2e1e66e5-5d07-413d-9668-55542992eec0",
        "node_id": "a0d4e6e5-5d07-413d-9668-55542992eec0",
        "control_id": "recording_001",
        "state": str(state),
    } == params


def test_encodes_in_the_carriers_order_and_in_ascii() -> None:
    """The text is compact JSON whose keys stand as documented and whose characters are ASCII."""

    text = encode(body(replace(RECORDING, state=State.RECORDING, control_id="Gespräch")))

    assert (
        '{"event_type":"calling.call.record",'
        '"event_channel":"swml:be38xxxx-8xxx-4xxxx-9fxx-bxxxxxxxxx",'
        '"timestamp":1640000000.123,'
        '"project_id":"4d0d6f16-5881-4fcc-92a4-02c51a91954d",'
        '"space_id":"451ed9ff-e568-4222-8af9-4f9ab7428d09",'
        '"params":{"call_id":"2e1e66e5-5d07-413d-9668-55542992eec0",'
        '"node_id":"a0d4e6e5-5d07-413d-9668-55542992eec0",'
        '"control_id":"Gespr\\u00e4ch","state":"recording"}}'
    ) == text


def test_keeps_numbers_floats_where_the_carrier_has_floats() -> None:
    """Timestamp and duration are JSON numbers with a fraction even where it is zero."""

    on_the_second = record_body(
        replace(RECORDING, renditions=(replace(WAV, duration_ms=4_000),)),
        CALL,
        at=AT.replace(microsecond=0),
        public_url=PUBLIC_URL,
    )

    text = encode(on_the_second)

    assert '"timestamp":1640000000.0,' in text
    assert '"duration":4.0,' in text


def test_names_the_node_after_the_worker() -> None:
    """Where the carrier named no node, the worker is the node; without one, Tapedeck is."""

    params = body(call=BARE_CALL, worker="w-1")["params"]
    without = body(call=BARE_CALL)["params"]

    assert isinstance(params, dict)
    assert isinstance(without, dict)
    assert ("tapedeck-w-1", "tapedeck") == (params["node_id"], without["node_id"])


def test_takes_project_and_space_from_the_profile() -> None:
    """The profile's ids stand in for the carrier's, and empty ones for both."""

    assert ("the profile's project", "the profile's space") == _ids(
        body(call=BARE_CALL, profile=PROFILE)
    )
    assert ("", "") == _ids(body(call=BARE_CALL))
    assert (CALL.project_id, CALL.space_id) == _ids(body(profile=PROFILE))


def test_makes_an_event_channel_of_the_call() -> None:
    """A call whose carrier named no channel has a constant one of its own."""

    other_call = replace(BARE_CALL, ref=replace(REF, call_id="c1"))

    assert body(call=BARE_CALL)["event_channel"] == body(call=BARE_CALL)["event_channel"]
    assert "swml:31da8fae-edcb-556f-b959-eae523332675" == body(call=other_call)["event_channel"]


def test_prefers_the_carriers_own_call_id() -> None:
    """A call id that the carrier's webhook corrected is the one that the callback says."""

    params = body(call=replace(CALL, carrier_call_id="corrected"))["params"]

    assert isinstance(params, dict)
    assert "corrected" == params["call_id"]


def test_tells_of_the_rendition_that_was_asked_for() -> None:
    """Size and format are those of the recording's own format, whatever else was made."""

    recording = replace(RECORDING, options=RecordOptions(format=Format.MP3), renditions=(WAV, MP3))

    text = json.dumps(body(recording))

    assert '"size": 62000, "format": "mp3"' in text


def test_refuses_to_announce_what_cannot_be_downloaded() -> None:
    """A finished recording without its rendition is our fault, and no body."""

    with pytest.raises(TapedeckError, match="r-1 is finished without its wav"):
        body(replace(RECORDING, renditions=(MP3,)))


def test_puts_the_token_into_the_path() -> None:
    """The tokened URL opens without an API key; a slash at the base's end changes nothing."""

    assert "https://tapedeck.example.com/api/v1/recordings/r-1/download/t0k.en" == download_url(
        PUBLIC_URL + "/", "r-1", "t0k.en"
    )
    assert "/r-1/download/t0k.en" in encode(body(download_token="t0k.en"))


def _ids(of: dict[str, object]) -> tuple[object, object]:
    return of["project_id"], of["space_id"]
