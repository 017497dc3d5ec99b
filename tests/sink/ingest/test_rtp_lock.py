"""Which sender a port hears, on real sockets: strangers come first, beside it, in its place."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.media.rtp import RtpPacket
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.rtp_endpoint import EndpointOptions, PortClaim
from chalicelib.sink.ingest.rtp_lock import (
    LOCK_PACKETS,
    STEADY_PACKETS,
    TAKE_OVER_PACKETS,
    Budget,
    SenderLock,
)
from tests.media.test_reception import Sender as Numbers
from tests.sink.rig import Rig, run, until
from tests.sink.rtp_rig import (
    HOST,
    SPEEDY,
    Stored,
    closed,
    in_place,
    opened,
    rtp_rig,
    sender,
    stored,
    tell,
)

PATIENT = replace(SPEEDY, rtp_silence_s=5.0)
STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
RTCP = bytes([0x81, 200, 0, 6]) + bytes(24)
SCAN: dict[str, list[bytes | RtpPacket]] = {
    "nothing": [b""],
    "garbage": [b"OPTIONS sip:100@192.0.2.1 SIP/2.0\r\n\r\n", random.Random(3).randbytes(200)],
    "STUN": [STUN],
    "RTCP": [RTCP],
    "one packet": [RtpPacket(8, 7, 1234, 0xBAD, b"\xd5" * 160)],
    "the same packet, often": [RtpPacket(0, 0, 0, 0, b"\xff" * 160)] * 30,
    "packets that count wrong": [RtpPacket(0, n, 0, 0, b"\xff" * 160) for n in range(30)],
    "a few good ones": [
        RtpPacket(8, n, 160 * n, 0xBAD, b"\xd5" * 160) for n in range(LOCK_PACKETS - 1)
    ],
}


@pytest.mark.parametrize("datagrams", SCAN.values(), ids=SCAN)
def test_a_stranger_that_comes_first_does_not_lock_the_port(
    datagrams: list[bytes | RtpPacket],
) -> None:
    """The carrier is recorded from its first sample, in its encoding; the stranger is counted."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as stranger, sender(claim) as carrier:
                stranger.send(*datagrams)
                await asyncio.sleep(0.05)
                assert [] == rig.control.joinings
                carrier.sound(range(10))
                await closed(rig)
        found = stored(rig)
        assert in_place(10) == found.sounding()
        assert ["PCMU"] == [joining.encoding for joining in rig.control.joinings]
        assert (10, len(datagrams), 0) == (
            found.head.messages_received,
            found.head.messages_refused,
            found.timeline().reconnects,
        )

    run(scenario)


def test_strangers_between_the_first_packets_change_nothing() -> None:
    """Each of the carrier's packets that led to the lock is kept, with its own arrival."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as stranger, sender(claim) as carrier:
                for number in range(LOCK_PACKETS + 5):
                    stranger.send(STUN, stranger.packet(9 * number, b"\xff" * 160))
                    carrier.sound([number])
                    await asyncio.sleep(0.02)
                await closed(rig)
        found = stored(rig)
        assert in_place(LOCK_PACKETS + 5) == found.sounding()
        first, *_ = found.records
        assert abs(first.arrived_at_us - found.head.opened_at_us) < 1000
        assert found.head.messages_refused >= 2 * LOCK_PACKETS

    run(scenario)


def test_a_port_that_only_strangers_send_to_has_no_stream() -> None:
    """It is freed as one that nobody used."""

    async def scenario() -> None:
        rig = rtp_rig(replace(SPEEDY, rtp_unused_s=0.3))
        async with rig.running():
            claim = await opened(rig)
            for datagrams in SCAN.values():
                async with sender(claim) as stranger:
                    stranger.send(*datagrams)
            await until(lambda: rig.claims.at(HOST, claim.port) is None)
        assert ([], {}) == (rig.control.joinings, rig.store.objects)

    run(scenario)


def after(found: Stored, numbers: range) -> list[int]:
    """Return where frames sound, from the first of them on; each has to."""
    sounding = found.sounding()
    return [sounding[number] - sounding[numbers[0]] for number in numbers]


def spoken(count: int) -> list[int]:
    """Return where frames belong that follow each other."""
    return [160 * number for number in range(count)]


def test_a_steady_sender_takes_the_port_from_one_that_fell_silent() -> None:
    """A stranger that was regular for a moment costs the carrier nothing: all it said is there."""

    async def scenario() -> None:
        rig = rtp_rig(PATIENT)
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as stranger, sender(claim, ssrc=2, sequence=9) as carrier:
                stranger.sound(range(1000, 1000 + LOCK_PACKETS))
                await until(lambda: rig.control.joinings)
                for number in range(TAKE_OVER_PACKETS + 10):
                    carrier.sound([number], kind=8 if number > TAKE_OVER_PACKETS else 0)
                    if number == TAKE_OVER_PACKETS // 2:
                        stranger.sound([1000 + LOCK_PACKETS])
                    await asyncio.sleep(0.02)
                tell(rig, claim, CommandKind.END_PORT)
                await closed(rig)
        found = stored(rig)
        assert spoken(TAKE_OVER_PACKETS + 10) == after(found, range(TAKE_OVER_PACKETS + 10))
        assert LOCK_PACKETS + 1 + TAKE_OVER_PACKETS + 10 == found.head.messages_received
        assert (1, 0) == (len(rig.control.joinings), found.head.messages_refused)

    run(scenario)


def test_a_sender_may_go_on_from_another_address() -> None:
    """Its network, or another host of the carrier: the same numbers go on in the same source."""

    async def scenario() -> None:
        rig = rtp_rig(PATIENT)
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as before, sender(claim) as moved:
                before.sound(range(10))
                moved.sound(range(10, 10 + TAKE_OVER_PACKETS))
                moved.sound(range(10 + TAKE_OVER_PACKETS, 80))
                before.sound(range(100, 103))
                tell(rig, claim, CommandKind.END_PORT)
                await closed(rig)
        found = stored(rig)
        assert in_place(80) == found.sounding()
        assert {0} == {record.source for record in found.records}
        assert 80 == found.head.messages_received

    run(scenario)


def test_a_stranger_never_takes_the_port_from_a_steady_sender() -> None:
    """However steady it is itself; it is counted, and recorded nowhere."""

    async def scenario() -> None:
        rig = rtp_rig(PATIENT)
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier, sender(claim, ssrc=2) as stranger:
                carrier.sound(range(LOCK_PACKETS))
                for number in range(LOCK_PACKETS, 100):
                    stranger.sound(range(1000 + 3 * number, 1003 + 3 * number))
                    carrier.sound([number])
                    await asyncio.sleep(0)
                tell(rig, claim, CommandKind.END_PORT)
                await closed(rig)
        found = stored(rig)
        assert in_place(100) == found.sounding()
        assert (100, 3 * (100 - LOCK_PACKETS)) == (
            found.head.messages_received,
            found.head.messages_refused,
        )

    run(scenario)


def test_a_flood_of_strangers_takes_nothing_from_the_one_that_is_heard() -> None:
    """What strangers may send is bounded apart, so the carrier's packets are all taken."""

    async def scenario() -> None:
        rig = rtp_rig(PATIENT)
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier, sender(claim, ssrc=2) as stranger:
                carrier.sound(range(LOCK_PACKETS))
                for number in range(LOCK_PACKETS, 50):
                    stranger.send(*[stranger.packet(number, b"\xff" * 160)] * 40)
                    carrier.sound([number])
                    await asyncio.sleep(0.002)
                tell(rig, claim, CommandKind.END_PORT)
                await closed(rig)
        assert in_place(50) == stored(rig).sounding()

    run(scenario)


def test_a_sender_whose_address_was_announced_has_nothing_to_prove() -> None:
    """Its first packet begins the stream; nobody else's ever does."""

    async def scenario() -> None:
        rig = rtp_rig()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as known:
            known.bind((HOST, 0))
            options = EndpointOptions(source_addr=HOST, source_port=known.getsockname()[1])
            async with rig.running():
                claim = await opened(rig, options=options)
                async with sender(claim) as stranger:
                    stranger.sound(range(100, 100 + 2 * LOCK_PACKETS))
                    replace(stranger, socket=known).sound([0])
                    await closed(rig)
        found = stored(rig)
        assert in_place(1) == found.sounding()
        assert 2 * LOCK_PACKETS == found.head.messages_refused

    run(scenario)


def test_of_an_announced_host_any_port_proves_itself() -> None:
    """Another host's packets prove nothing, however regular they are."""

    async def scenario() -> None:
        rig = rtp_rig()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as known:
            known.bind(("127.0.0.2", 0))
            async with rig.running():
                claim = await opened(rig, options=EndpointOptions(source_addr="127.0.0.2"))
                async with sender(claim) as stranger:
                    stranger.sound(range(100, 120))
                    replace(stranger, socket=known).sound(range(10))
                    await closed(rig)
        found = stored(rig)
        assert in_place(10) == found.sounding()
        assert 20 == found.head.messages_refused

    run(scenario)


def test_a_planned_stop_waits_for_a_sender_that_just_began() -> None:
    """What it sent before it had proved itself is stored, too."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier, sender(await _call(rig)) as other:
                other.sound(range(100, 110))
                await until(lambda: rig.sink.call_registry.calls)
                carrier.sound(range(LOCK_PACKETS - 1))
                await asyncio.sleep(0.03)
                rig.sink.stop()
                await asyncio.sleep(0.02)
                carrier.sound(range(LOCK_PACKETS - 1, 10))
                assert rig.life is not None
                await asyncio.wait({rig.life})
        assert set(range(10)) < set(stored(rig).numbers())

    run(scenario)


async def _call(rig: Rig) -> PortClaim:
    """Return a port of the same call."""
    return await opened(rig, control_id="rtp-other")


CARRIER, STRANGER = ("198.51.100.1", 4000), ("203.0.113.9", 5060)


def heard(
    lock: SenderLock, address: tuple[str, int], numbers: range, received: Callable[[int], int]
) -> list[int]:
    """Return how many packets each packet brings that is offered."""
    sender_ = Numbers(ssrc=address[1])
    return [len(lock.offer(sender_.packet(n), address, 20_000 * n, received(n))) for n in numbers]


@pytest.mark.parametrize(
    ("every", "is_displaced"),
    [
        (TAKE_OVER_PACKETS // STEADY_PACKETS, False),
        (TAKE_OVER_PACKETS // STEADY_PACKETS + 5, True),
    ],
    ids=["steady", "sparse"],
)
def test_sparse_is_who_sends_less_than_four_packets_in_a_second(
    every: int, is_displaced: bool
) -> None:
    """A packet each quarter of a second is enough to keep a port."""
    lock = SenderLock(EndpointOptions(), SPEEDY, 0.0)
    assert LOCK_PACKETS == heard(lock, CARRIER, range(LOCK_PACKETS), lambda _: 0)[-1]

    offered = heard(lock, STRANGER, range(TAKE_OVER_PACKETS), lambda n: LOCK_PACKETS + n // every)

    assert (TAKE_OVER_PACKETS if is_displaced else 0) == max(offered)
    assert (STRANGER if is_displaced else CARRIER) == lock.address


def test_a_port_that_is_free_again_hears_whoever_proves_itself() -> None:
    """Nothing of what waited is left, and all of it is counted."""
    lock = SenderLock(EndpointOptions(), SPEEDY, 0.0)
    heard(lock, CARRIER, range(LOCK_PACKETS), lambda _: 0)
    heard(lock, STRANGER, range(3), lambda _: 5)
    assert 3 == lock.waiting

    lock.release()

    assert (None, 0, 3) == (lock.address, lock.waiting, lock.count_let_go())
    assert LOCK_PACKETS == heard(lock, STRANGER, range(LOCK_PACKETS), lambda _: 0)[-1]


def test_a_budget_fills_again() -> None:
    """400 packets at once, then 200 a second."""
    budget = Budget(SPEEDY, 0.0)

    assert [400, 100, 400] == [
        sum(budget.spend(at_s) for _ in range(1000)) for at_s in (0.0, 0.5, 60.0)
    ]
