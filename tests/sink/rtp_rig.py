"""A sink with an RTP port, and senders on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

from chalicelib.capture import container
from chalicelib.capture.container import decode_index
from chalicelib.capture.placing import place
from chalicelib.capture.records import Record, StoredRecord, StreamHead
from chalicelib.capture.timeline import Timeline
from chalicelib.media.rtp import RtpPacket, build
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import CallRef
from chalicelib.recording.rtp_endpoint import EndpointOptions, PortClaim
from chalicelib.sink.ingest.rtp_ports import RtpPlace
from chalicelib.sink.runtime.limits import Limits
from tests.sink.rig import QUICK, Rig, until

HOST = "127.0.0.1"
PLACE = RtpPlace(host=HOST, bind_host=HOST, first=20_000, last=21_999)
CALL = CallRef(account="main", carrier="bandwidth", call_id="c-1")
SPEEDY = replace(
    QUICK,
    rtp_unused_s=5.0,
    rtp_silence_s=0.4,
    rtp_linger_s=0.1,
    rtp_straggle_s=1.0,
    rtp_release_s=0.2,
)


def free_port() -> int:
    """Return an even UDP port that is free now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
        if port % 2 == 0:
            return port


def rtp_rig(limits: Limits = SPEEDY, **more: object) -> Rig:
    """Return a sink that takes RTP."""
    return Rig(limits=limits, rtp=PLACE, **more)  # type: ignore[arg-type]  # fields by name


def a_claim(**changed: object) -> PortClaim:
    """Return the claim of a free port for what the party of `c-1` says."""
    claim = PortClaim(
        claim_id=f"claim-{uuid4()}",
        worker="w-1",
        host=HOST,
        port=free_port(),
        call=CALL,
        profile="support",
        control_id="rtp-speak",
        options=EndpointOptions(),
        claimed_at=datetime.now(UTC),
    )
    return replace(claim, **changed)  # type: ignore[arg-type]  # fields by name


def commanding(claim: PortClaim, kind: CommandKind) -> Command:
    """Return a command about a port."""
    return Command(
        command_id=str(uuid4()),
        kind=kind,
        worker="w-1",
        call_key=claim.call.key,
        recording_id="",
        at=datetime.now(UTC),
        claim=claim,
    )


def tell(rig: Rig, claim: PortClaim, kind: CommandKind) -> Command:
    """Send the worker a command about a port."""
    command = commanding(claim, kind)
    rig.mailbox.send(command)
    return command


async def opened(rig: Rig, **changed: object) -> PortClaim:
    """Claim a port and return when the worker hears it."""
    claim = a_claim(**changed)
    rig.claims.claim(claim)
    tell(rig, claim, CommandKind.OPEN_PORT)

    def is_open() -> bool:
        stored = rig.claims.at(claim.host, claim.port)
        return stored is not None and stored.is_open

    await until(is_open)
    return claim


@dataclass
class Sender:
    """A socket that sends to a port."""

    socket: socket.socket
    to: tuple[str, int]
    ssrc: int = 0xC0FFEE
    sequence: int = 0
    timestamp: int = 0

    def send(self, *datagrams: bytes | RtpPacket) -> None:
        """Send datagrams."""
        for one in datagrams:
            self.socket.sendto(one if isinstance(one, bytes) else build(one), self.to)

    def packet(self, number: int, payload: bytes, kind: int = 0) -> RtpPacket:
        """Return the n-th packet of 20 ms."""
        return RtpPacket(
            kind,
            (self.sequence + number) & 0xFFFF,
            (self.timestamp + number * 160) & 0xFFFF_FFFF,
            self.ssrc,
            payload,
        )

    def sound(self, numbers: Iterable[int], kind: int = 0) -> None:
        """Send packets whose bytes tell their number."""
        for number in numbers:
            self.send(self.packet(number, sound(number), kind))


@contextlib.asynccontextmanager
async def sender(claim: PortClaim, **more: int) -> AsyncIterator[Sender]:
    """Open a socket that sends to a claimed port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((HOST, 0))
        yield Sender(made, (claim.host, claim.port), **more)
        await asyncio.sleep(0.05)


def sound(number: int) -> bytes:
    """Return 20 ms that no other number gives."""
    return number.to_bytes(4, "big", signed=True) * 40


@dataclass
class Stored:
    """What objects under a prefix hold."""

    heads: dict[str, StreamHead] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    entries: list[StoredRecord] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)

    @property
    def head(self) -> StreamHead:
        """Return the only stream's head."""
        (head,) = self.heads.values()
        return head

    def timeline(self) -> Timeline:
        """Return where everything belongs."""
        return place(list(self.heads.values()), self.entries)

    def numbers(self) -> list[int]:
        """Return the numbers of all stored frames, in the order of storage."""
        payload = b"".join(record.payload for record in self.records)
        return [
            int.from_bytes(payload[at : at + 4], "big", signed=True)
            for at in range(0, len(payload), 160)
        ]

    def sounding(self) -> dict[int, int]:
        """Return the position of each whole frame that sounds, by its number."""
        frames: dict[int, int] = {}
        for placements in self.timeline().tracks.values():
            for placement in placements:
                body = self.bodies[placement.stored.object_key]
                payload = container.read_payload(body, placement.stored)
                payload = payload[placement.skip :][: placement.samples]
                for at in range(0, len(payload), 160):
                    number = int.from_bytes(payload[at : at + 4], "big", signed=True)
                    frames[number] = placement.position + at
        return frames


def stored(rig: Rig, prefix: str = "segments/") -> Stored:
    """Return what lies under a prefix."""
    found = Stored()
    for key in sorted(rig.store.keys(prefix)):
        body = rig.store.objects[key]
        decoded = container.decode(body, key)
        found.heads |= {head.stream_key: head for head in decoded.heads}
        found.records += decoded.records
        found.entries += decode_index(body, key).entries
        found.bodies[key] = body
    return found


async def closed(rig: Rig, calls: int = 1) -> None:
    """Wait until the call is closed."""
    await until(lambda: len(rig.control.closed) == calls)


def in_place(count: int) -> dict[int, int]:
    """Return where the first frames belong."""
    return {number: number * 160 for number in range(count)}
