"""RFC 4733 payloads: each key press told once, whatever the network did to its packets."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import WireError
from chalicelib.media.digits import DigitBegun, DigitEnded, DigitEvent
from chalicelib.media.telephone_event import (
    EVENT_DIGITS,
    TelephoneEvent,
    TelephoneEvents,
    parse_telephone_event,
)

FRAME = 160


def _payload(digit: str, samples: int, *, end: bool = False, volume: int = 10) -> bytes:
    return struct.pack("!BBH", EVENT_DIGITS.index(digit), (end << 7) | volume, samples)


Packet = tuple[bytes, int]


def _press(digit: str, timestamp: int, frames: int = 5) -> list[Packet]:
    """Return a press as senders do: a packet each 20 ms, the last one three times."""
    growing = [(_payload(digit, FRAME * n), timestamp) for n in range(1, frames)]
    return growing + 3 * [(_payload(digit, FRAME * frames, end=True), timestamp)]


def _told(packets: list[Packet]) -> list[DigitEvent]:
    events = TelephoneEvents(8000)
    return [
        event
        for payload, timestamp in packets
        for event in events.receive(parse_telephone_event(payload), timestamp)
    ]


def _both(digit: str, first_sample: int, samples: int) -> list[DigitEvent]:
    return [
        DigitBegun(digit=digit, first_sample=first_sample),
        DigitEnded(digit=digit, first_sample=first_sample, samples=samples),
    ]


def test_a_payload_says_what_the_rfc_says() -> None:
    """Event, end bit, volume without its sign, duration; the reserved bit is ignored."""

    packet = parse_telephone_event(b"\x0b\xca\x03\x20")

    assert TelephoneEvent(event=11, is_end=True, volume_dbm0=-10, samples=800) == packet
    assert "#" == packet.digit


@given(st.binary(max_size=8))
def test_any_bytes_are_an_event_or_a_wire_error(payload: bytes) -> None:
    """Four bytes always parse, fewer never do."""

    try:
        packet = parse_telephone_event(payload)
    except WireError:
        assert 4 > len(payload)
    else:
        assert (packet.digit is None) == (payload[0] > 15)


@pytest.mark.parametrize("digit", EVENT_DIGITS)
def test_a_press_is_told_once(digit: str) -> None:
    """Seven packets are one key press with its place and length."""

    assert _both(digit, 8000, 800) == _told(_press(digit, 8000))


def test_it_is_told_by_its_first_packet() -> None:
    """A terminator acts while the key is down."""

    events = TelephoneEvents(8000)
    payload, timestamp = _press("#", 4000)[0]

    told = events.receive(parse_telephone_event(payload), timestamp)

    assert [DigitBegun(digit="#", first_sample=4000)] == told
    assert "#" == events.sounding


@pytest.mark.parametrize("kept", range(7))
def test_any_single_packet_is_enough(kept: int) -> None:
    """Where all but one were lost, the press is told; its end with the next one at the latest."""

    told = _told([_press("5", 0)[kept], *_press("5", 8000)])

    assert ["5", "5"] == [event.digit for event in told if isinstance(event, DigitBegun)]
    assert ["5", "5"] == [event.digit for event in told if isinstance(event, DigitEnded)]


@given(st.data())
def test_loss_doubles_and_late_packets_change_no_digit(data: st.DataObject) -> None:
    """Of four presses the same four are told, if a packet of each comes before the next begins."""

    packets: list[Packet] = []
    late: list[Packet] = []
    for place, digit in enumerate("1123"):
        press = data.draw(st.permutations(_press(digit, 8000 * place)))
        count = data.draw(st.integers(1, len(press)))
        packets += press[:count] + data.draw(st.permutations(late))[:3]
        late = press
    told = _told(packets)

    assert [(digit, 8000 * place) for place, digit in enumerate("1123")] == [
        (event.digit, event.first_sample) for event in told if isinstance(event, DigitBegun)
    ]
    assert all(
        isinstance(begun, DigitBegun) == isinstance(ended, DigitEnded)
        for begun, ended in pairwise(told)
    )


def test_presses_back_to_back_are_two() -> None:
    """A key that begins where the other ended is another press."""

    assert _both("1", 0, 800) + _both("1", 800, 800) == _told(_press("1", 0) + _press("1", 800))


def test_a_long_press_goes_on_under_a_new_timestamp() -> None:
    """Beyond 65,535 samples a press has several segments (RFC 4733, 2.5.1.3), and is one."""

    packets = [
        (_payload("0", 65_535), 0),
        (_payload("0", FRAME), 65_535),
        (_payload("0", 2 * FRAME, end=True), 65_535),
    ]

    assert _both("0", 0, 65_855) == _told(packets)


def test_flash_and_modem_tones_are_no_digits() -> None:
    """Events from 16 on tell nothing here."""

    assert [] == _told([(b"\x10\x0a\x00\xa0", 0), (b"\xff\x8a\x00\xa0", 0)])


def test_a_lost_end_is_told_by_time() -> None:
    """A key of which nothing was heard for 200 ms is let go; what comes of it later is ignored."""

    events = TelephoneEvents(8000)
    packet = parse_telephone_event(_payload("3", 480))
    events.receive(packet, 8000)

    assert [] == events.advance(8480 + 1599)
    assert [DigitEnded(digit="3", first_sample=8000, samples=480)] == events.advance(8480 + 1600)
    assert [] == events.advance(99_999)
    assert [] == events.receive(packet, 8000)
    assert events.sounding is None


def test_finishing_lets_go() -> None:
    """When the source ends, so does its press."""

    events = TelephoneEvents(8000)
    events.receive(parse_telephone_event(_payload("3", 480)), 8000)

    assert [DigitEnded(digit="3", first_sample=8000, samples=480)] == events.finish()
    assert [] == events.finish()


def test_a_clock_that_began_again_is_heard() -> None:
    """A timestamp far behind is no late packet: a wild one must not deafen us for ever."""

    told = _told(_press("1", 900_000_000) + _press("2", 8000))

    assert _both("1", 900_000_000, 800) + _both("2", 8000, 800) == told
