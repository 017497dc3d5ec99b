"""An RTP sender behind a bad network: datagrams by their arrival, and where each frame belongs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.capture.container import decode_index, encode, read_payload
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Clock, Track
from chalicelib.capture.packets import PacketCapture
from chalicelib.capture.placing import place
from chalicelib.capture.records import Record, StoredRecord, StreamHead
from chalicelib.capture.timeline import Timeline
from chalicelib.media.rtp import ENCODINGS, PCMU, RtpPacket, build, parse

WALL_US = 1_700_000_000_000_000
FRAME = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """What arrived."""

    arrival_us: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What happens on the way."""

    loss: float = 0.0
    doubled: float = 0.0
    swapped: float = 0.0
    """sent a frame later than its follower"""
    jitter_ms: float = 0.0
    latency_ms: float = 30.0
    seed: int = 1

    def carry(self, frames: Sequence[int], sender: Sender) -> list[Datagram]:
        """Return what arrives of a sender's frames, in the order of arrival."""
        dice = random.Random(self.seed)
        arrived: list[Datagram] = []
        for number, frame in enumerate(frames):
            sent_us = sender.begun_us + round((frame + 1) * 20_000 / (1 + sender.ppm * 1e-6))
            held_us = 45_000 if dice.random() < self.swapped else 0
            copies = 0 if dice.random() < self.loss else 1 + (dice.random() < self.doubled)
            for _ in range(copies):
                delay_us = round((self.latency_ms + dice.random() * self.jitter_ms) * 1000)
                body = build(sender.packet(frame, number))
                arrived.append(Datagram(arrival_us=sent_us + held_us + delay_us, body=body))
        return sorted(arrived, key=lambda datagram: datagram.arrival_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One SSRC; frames are counted since `begun_us`."""

    ssrc: int = 0xC0FFEE
    sequence: int = 65_000
    timestamp: int = 2**32 - 80_000
    kind: int = PCMU
    begun_us: int = WALL_US
    ppm: float = 0.0
    """how much its clock is fast"""

    def packet(self, frame: int, number: int) -> RtpPacket:
        """Return the packet of a frame, the sender's n-th."""
        return RtpPacket(
            self.kind,
            (self.sequence + number) & 0xFFFF,
            (self.timestamp + frame * FRAME) & 0xFFFF_FFFF,
            self.ssrc,
            payload_of(frame),
        )


def payload_of(frame: int) -> bytes:
    """Return a frame's bytes, which tell its number."""
    return frame.to_bytes(4, "big", signed=True) * (FRAME // 4)


def frame_of(payload: bytes) -> int:
    """Return the number that a frame's bytes tell."""
    return int.from_bytes(payload[:4], "big", signed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An RTP stream as the live side took it."""

    head: StreamHead
    records: list[Record]

    def body(self) -> bytes:
        """Return its records as one stored object."""
        return encode([self.head], self.records, kind=Kind.SEGMENT, worker="w1")

    def stored(self) -> list[StoredRecord]:
        """Return its records as assembly reads them."""
        return list(decode_index(self.body(), f"segments/{self.head.stream_key}").entries)


def head(stream_key: str = "r1", opened_at_us: int = WALL_US) -> StreamHead:
    """Return an RTP stream's head."""
    return StreamHead(
        stream_key=stream_key,
        call_key="main/carrier/call",
        carrier_stream_id=f"carrier-{stream_key}",
        dialect="rtp",
        rate_hz=8000,
        opened_at_us=opened_at_us,
        clock=Clock.RTP,
    )


def receive(
    datagrams: Sequence[Datagram],
    track: Track = Track.INBOUND,
    stream_key: str = "r1",
    cut_every_us: int = 1_000_000,
) -> Received:
    """Return what the live side makes of datagrams when it cuts once a second."""
    capture = PacketCapture(head(stream_key), track)
    records: list[Record] = []
    cut_at_us = datagrams[0].arrival_us + cut_every_us
    for datagram in datagrams:
        while datagram.arrival_us >= cut_at_us:
            records += capture.cut()
            cut_at_us += cut_every_us
        for one in capture.receive(parse(datagram.body), datagram.arrival_us):
            if one.payload_type in ENCODINGS:
                capture.add(one)
    records += capture.cut()
    return Received(head=capture.head(), records=records)


def placed(*streams: Received) -> Timeline:
    """Return the timeline of a call's streams."""
    return place(
        [stream.head for stream in streams],
        [entry for stream in streams for entry in stream.stored()],
    )


def sounding(timeline: Timeline, stream: Received) -> dict[int, int]:
    """Return each whole frame of a stream that sounds, by its number, and its position."""
    body = stream.body()
    frames: dict[int, int] = {}
    for placement in timeline.tracks[Track.INBOUND]:
        if placement.stored.record.stream_key != stream.head.stream_key:
            continue
        payload = read_payload(body, placement.stored)[placement.skip :][: placement.samples]
        for offset in range(0, placement.samples, FRAME):
            frames[frame_of(payload[offset:])] = placement.position + offset
    return frames
