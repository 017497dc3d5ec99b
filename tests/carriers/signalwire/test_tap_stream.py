"""SignalWire tap on the wire."""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import Media, StreamStarted, Track
from chalicelib.carriers.signalwire.tap_stream import SignalWireTap
from chalicelib.errors import WireError
from tests.carriers.samples import sample


def tap(direction: str = "speak") -> SignalWireTap:
    return SignalWireTap({"call_id": "call-1", "direction": direction})


@pytest.mark.parametrize(
    ("direction", "track"),
    [("speak", Track.INBOUND), ("listen", Track.OUTBOUND), ("both", Track.MIXED)],
)
def test_the_path_is_the_start(direction: str, track: Track) -> None:
    """What a start would say comes from the path; the encoding is left to the profile."""

    expected = StreamStarted(
        call_id="call-1",
        carrier_stream_id=f"call-1/{direction}",
        tracks=(track,),
        encoding=None,
    )
    assert expected == tap(direction).open()


def test_binary_is_media() -> None:
    """The sample's bare bytes are the track's payload, as they came."""

    payload = b64decode(sample("signalwire", "tap-ws-media-frame")["payload_base64"])

    assert 160 == len(payload)
    assert Media(Track.OUTBOUND, payload) == tap("listen").receive(payload)


@given(st.binary(min_size=1, max_size=4000))
def test_any_size_is_media(payload: bytes) -> None:
    """No frame size is documented: every one is taken."""

    assert Media(Track.INBOUND, payload) == tap().receive(payload)


@pytest.mark.parametrize("message", ["", "listening", "{}", '{"event":"dtmf"}', b""])
def test_text_and_nothing_say_nothing(message: str | bytes) -> None:
    """Text is ignored, and so is an empty message."""

    assert tap().receive(message) is None


@pytest.mark.parametrize(
    "message",
    [
        '{"eventType":"start","metadata":{}}',
        '{ "eventType" : "media" }',
        '{"event":"connected","protocol":"Call"}',
        '{"event": "start"}',
    ],
)
def test_another_dialects_first_words_are_refused(message: str) -> None:
    """A stream of another dialect sent here says so at once, and can still be mended."""

    parser = tap()

    with pytest.raises(WireError) as refused:
        parser.receive(message)

    assert "wrong_dialect" == refused.value.code
    assert Media(Track.INBOUND, b"\xff") == parser.receive(b"\xff")


def test_once_media_came_no_text_matters() -> None:
    """A tap that has sounded is a tap, whatever text comes between."""

    parser = tap()
    parser.receive(b"\xff")

    assert parser.receive('{"eventType":"start"}') is None


@given(st.lists(st.one_of(st.text(), st.binary()), max_size=20))
def test_any_messages_are_media_nothing_or_wire_errors(messages: list[str | bytes]) -> None:
    """No message, and no sequence of them, does anything else."""

    parser = tap()
    said: list[Media | None] = []
    for message in messages:
        with suppress(WireError):
            said.append(parser.receive(message))

    assert [m for m in messages if m and isinstance(m, bytes)] == [s.payload for s in said if s]
