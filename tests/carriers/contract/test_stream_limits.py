"""What a dialect's sockets may send."""

from __future__ import annotations

import pytest

from chalicelib.capture.events import Encoding, StreamStarted, Track
from chalicelib.carriers.contract.stream_limits import StreamLimits


def started(encoding: Encoding | None, rate_hz: int, tracks: int = 1) -> StreamStarted:
    """Return the start of a stream of this format."""
    both = (Track.INBOUND, Track.OUTBOUND)
    return StreamStarted(
        call_id="c",
        carrier_stream_id="s",
        tracks=both[:tracks],
        encoding=encoding,
        rate_hz=rate_hz,
    )


@pytest.mark.parametrize(
    ("encoding", "rate_hz", "tracks", "is_base64", "rate"),
    [
        (Encoding.PCMU, 8000, 1, True, 18_666),
        (Encoding.PCMU, 8000, 2, True, 37_332),
        (None, 8000, 1, False, 16_000),
        (Encoding.L16, 16_000, 2, True, 101_332),
        (Encoding.L16, 24_000, 1, True, 72_000),
        (Encoding.L16, 48_000, 2, False, 208_000),
    ],
)
def test_a_format_has_a_rate(
    encoding: Encoding | None, rate_hz: int, tracks: int, is_base64: bool, rate: int
) -> None:
    """Bytes per second by encoding, rate, tracks and envelope."""
    limits = StreamLimits(is_base64=is_base64)

    assert rate == limits.wire_rate(started(encoding, rate_hz, tracks))


@pytest.mark.parametrize(
    ("offered", "accepted"),
    [
        ("", ""),
        ("chat", ""),
        ("audio.example.org", "audio.example.org"),
        ("chat, media,audio.example.org", "media"),
    ],
)
def test_a_sub_protocol_is_accepted_where_it_is_offered(offered: str, accepted: str) -> None:
    """The carrier's first one that the dialect knows; none that wasn't offered."""
    limits = StreamLimits(subprotocols=("audio.example.org", "media"))

    assert accepted == limits.subprotocol(offered)


@pytest.mark.parametrize("size", [0, 512 * 1024 + 1])
def test_no_dialect_may_ask_for_any_size(size: int) -> None:
    """A dialect's largest message has a bound of its own."""
    with pytest.raises(ValueError, match="choose 1 to 524288"):
        StreamLimits(message_bytes=size)
