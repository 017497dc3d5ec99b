"""The simulated RTP tap, heard by our own ears."""

from __future__ import annotations

import asyncio
import socket

from chalicelib.capture.events import Encoding
from chalicelib.media.reception import Reception
from chalicelib.media.rtp import PCMA, TELEPHONE_EVENT, parse
from chalicelib.media.telephone_event import TelephoneEvents, parse_telephone_event
from simulator.rtp import RtpTap, send, socket_to

FRAMES = [bytes([number]) * 160 for number in range(10)]


def test_frames_and_keys_are_sent_in_time() -> None:
    """A key takes five frames' time, in which nothing else comes; the sound after it has a gap."""

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(2)
        uri = f"rtp://127.0.0.1:{ear.getsockname()[1]}"
        tap = RtpTap(uri=uri, call_id="c-1", encoding=Encoding.PCMA)
        with socket_to(uri) as sender:
            asyncio.run(send(tap, sender, FRAMES, {4: "#"}))
        packets = [parse(ear.recv(2048)) for _ in range(10 + 4 + 3)]

    reception, events = Reception(), TelephoneEvents(8000)
    received = [one for packet in packets for one in reception.receive(packet, 0)]
    sound = [one for one in received if one.payload_type == PCMA]
    keys = [one for one in received if one.payload_type == TELEPHONE_EVENT]
    told = [
        event
        for one in keys
        for event in events.receive(parse_telephone_event(one.payload), one.position)
    ]
    assert FRAMES == [one.payload for one in sound]
    places = [number * 160 for number in (0, 1, 2, 3, 9, 10, 11, 12, 13, 14)]
    assert places == [one.position for one in sound]
    assert ["#", "#"] == [event.digit for event in told]
    assert [0, 4, 11] == [place for place, packet in enumerate(packets) if packet.marker]
