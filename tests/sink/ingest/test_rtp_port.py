"""RTP on real sockets: what a network and strangers do to a port, and what is stored of it."""

from __future__ import annotations

import asyncio
import random
import socket
from dataclasses import replace

from chalicelib.capture.events import Clock, Encoding, Track
from chalicelib.capture.timeline import Reason
from chalicelib.media.rtp import COMFORT_NOISE, RtpPacket
from chalicelib.recording.model import Direction, Ending
from chalicelib.recording.rtp_endpoint import EndpointOptions
from tests.sink.rig import run, until
from tests.sink.rtp_rig import (
    HOST,
    closed,
    in_place,
    opened,
    rtp_rig,
    sender,
    sound,
    stored,
)


def test_a_sender_is_recorded_and_ends_by_its_silence() -> None:
    """The stream begins with the first packet, tells its own encoding, and ends with the last."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig, options=EndpointOptions(direction=Direction.LISTEN))
            async with sender(claim) as carrier:
                carrier.sound(range(10), kind=8)
                await closed(rig)
            await until(lambda: rig.claims.at(claim.host, claim.port) is None)
        (joining,) = rig.control.joinings
        assert ("rtp", claim.claim_id, "support") == (
            joining.dialect,
            joining.carrier_stream_id,
            joining.profile,
        )
        assert ((Track.OUTBOUND,), Encoding.PCMA) == (joining.tracks, joining.encoding)
        assert [Ending.BROKEN] == list(rig.control.endings.values())
        found = stored(rig)
        assert in_place(10) == found.sounding()
        assert (Clock.RTP, 10, 0) == (
            found.head.clock,
            found.head.messages_received,
            found.head.messages_lost,
        )
        assert {Encoding.PCMA} == {record.encoding for record in found.records}

    run(scenario)


def test_the_network_shuffles_doubles_and_wraps() -> None:
    """16 bits of sequence and 32 of time wrap in the middle; order and copies are no matter."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim, sequence=65_530, timestamp=2**32 - 1600) as carrier:
                carrier.sound([0, 2, 1, 3, 3, 5, 6, 4, 7, 8, 8, 9, *range(11, 30), 10])
                await closed(rig)
        found = stored(rig)
        assert in_place(30) == found.sounding()
        assert (32, 2, 0) == (
            found.head.messages_received,
            found.head.messages_duplicated,
            found.head.messages_lost,
        )
        assert () == found.timeline().holes

    run(scenario)


def test_a_bad_network_leaves_every_packet_in_its_place() -> None:
    """5 % lost, 1 % doubled, 30 ms of jitter that reorders: right to the sample, gaps told."""

    async def scenario() -> None:
        rig, dice = rtp_rig(), random.Random(7)
        lost = {number for number in range(1, 399) if dice.random() < 0.05} | {200, 201}
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim, sequence=65_400, timestamp=2**32 - 9600) as carrier:
                loop, sent = asyncio.get_running_loop(), []
                for number in sorted(set(range(400)) - lost):
                    for _ in range(1 + (dice.random() < 0.01)):
                        at_s = number * 0.01 + dice.random() * 0.03
                        loop.call_later(at_s, carrier.sound, [number])
                        sent.append(number)
                await closed(rig)
        found = stored(rig)
        assert {n: n * 160 for n in range(400) if n not in lost} == found.sounding()
        assert (len(sent), len(lost)) == (
            found.head.messages_received,
            found.head.messages_lost,
        )
        assert len(sent) - 400 + len(lost) == found.head.messages_duplicated
        assert found.head.messages_reordered > 0
        (hole,) = (one for one in found.timeline().holes if one.position == 200 * 160)
        assert (320, Reason.LOST_MESSAGES) == (hole.samples, hole.reason)

    run(scenario)


def test_what_is_no_packet_of_the_stream_is_counted() -> None:
    """Garbage, RTCP, another payload type, an unknown one: refused, and the rest is stored."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.send(b"", b"junk", random.Random(1).randbytes(1400))
                carrier.sound(range(5))
                carrier.send(carrier.packet(5, b"opus", kind=111))
                carrier.send(bytes([0x81, 200]) + bytes(26))
                carrier.send(carrier.packet(5, bytes(2040)))
                carrier.sound(range(5, 10))
                await closed(rig)
            assert rig.sink.call_registry.refused > 4
        found = stored(rig)
        assert in_place(10) == found.sounding()
        assert (10, 6) == (found.head.messages_received, found.head.messages_refused)

    run(scenario)


def test_another_sender_is_not_heard() -> None:
    """The first packet locks address and port; what others send is counted."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier, sender(claim) as stranger:
                carrier.sound(range(5))
                await until(lambda: rig.sink.call_registry.calls)
                stranger.sound(range(100, 120))
                carrier.sound(range(5, 10))
                await closed(rig)
        found = stored(rig)
        assert in_place(10) == found.sounding()
        assert 20 == found.head.messages_refused

    run(scenario)


def test_an_announced_source_is_waited_for() -> None:
    """Where the claim says who sends, a quicker stranger locks nothing."""

    async def scenario() -> None:
        rig = rtp_rig()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as known:
            known.bind((HOST, 0))
            options = EndpointOptions(source_addr=HOST, source_port=known.getsockname()[1])
            async with rig.running():
                claim = await opened(rig, options=options)
                async with sender(claim) as stranger:
                    stranger.sound(range(100, 110))
                    carrier = replace(stranger, socket=known)
                    carrier.sound(range(10))
                    await closed(rig)
        found = stored(rig)
        assert in_place(10) == found.sounding()
        assert 10 == found.head.messages_refused

    run(scenario)


def test_a_codec_that_was_announced_is_the_only_one() -> None:
    """A packet of the other one doesn't begin the stream."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig, options=EndpointOptions(codec=Encoding.PCMA))
            async with sender(claim) as carrier:
                carrier.sound(range(5), kind=0)
                carrier.sound(range(10), kind=8)
                await closed(rig)
        found = stored(rig)
        assert in_place(10) == found.sounding()
        assert (Encoding.PCMA, 5) == (
            rig.control.joinings[0].encoding,
            found.head.messages_refused,
        )

    run(scenario)


def test_a_flood_is_cut_to_200_packets_a_second() -> None:
    """Two seconds' worth may come at once; the rest is dropped, counted and told."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                for begin in range(0, 1200, 100):
                    carrier.sound(range(begin, begin + 100))
                    await asyncio.sleep(0.01)
                await closed(rig)
        head = stored(rig).head
        assert 400 <= head.messages_received <= 500
        assert 1200 == head.messages_received + head.messages_refused

    run(scenario)


def test_a_stall_that_delivers_at_once_loses_nothing() -> None:
    """Nearly eight seconds' packets, while the loop looks elsewhere: the kernel keeps them."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(390))
                await closed(rig)
        assert in_place(390) == stored(rig).sounding()

    run(scenario)


def test_a_sender_that_begins_anew_is_joined_by_the_wall_clock() -> None:
    """Another SSRC with other numbers goes on in the same stream; nothing of it is lost."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                await asyncio.sleep(0.3)
                anew = replace(carrier, ssrc=0xBEEF, sequence=9_000, timestamp=77)
                anew.sound(range(10))
                await closed(rig)
        found = stored(rig)
        assert 1 == len(rig.control.joinings)
        assert {0, 1} == {record.source for record in found.records}
        assert 20 == found.head.messages_received
        assert 1 == found.timeline().reconnects

    run(scenario)


def test_a_pause_of_the_sender_is_a_hole_of_its_length() -> None:
    """DTX: the timestamps go on while nothing is sent; comfort noise is no sound."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                carrier.send(carrier.packet(10, b"\x40", kind=COMFORT_NOISE))
                await asyncio.sleep(0.25)
                for number in range(22, 30):
                    packet = carrier.packet(number, sound(number))
                    carrier.send(
                        RtpPacket(0, number - 11, packet.timestamp, packet.ssrc, packet.payload)
                    )
                await closed(rig)
        found = stored(rig)
        assert in_place(10) | {n: n * 160 for n in range(22, 30)} == found.sounding()
        (hole,) = found.timeline().holes
        assert (1600, 12 * 160, Reason.NOT_RECEIVED) == (hole.position, hole.samples, hole.reason)
        assert 0 == found.head.messages_lost

    run(scenario)
