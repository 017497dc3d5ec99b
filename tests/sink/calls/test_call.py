"""A call's life from joining to closing, with a database and a store that misbehave."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from chalicelib.capture import container
from chalicelib.capture.events import Encoding, Track
from chalicelib.errors import Forbidden
from chalicelib.ports.values import JoinRequest, JoinResult
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Ending, RecordOptions
from tests.sink.fakes import FakeControl
from tests.sink.rig import QUICK, STOP, Rig, frame, media, run, start, until

SEGMENTS = "segments/main/bandwidth/c-1/"
JOURNAL = "journal/w-1/"


def sent(*numbers: int) -> bytes:
    """Return the payload of these messages."""
    return b"".join(map(frame, numbers))


def test_joining_tells_what_the_stream_is() -> None:
    """The call, its profile and the stream's facts reach the database as they were said."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await until(lambda: rig.control.joinings)
            joining = rig.control.joinings[0]
            assert ("main", "bandwidth", "c-1") == (
                joining.call.account,
                joining.call.carrier,
                joining.call.call_id,
            )
            assert ("support", "s-1", "w-1", "bandwidth") == (
                joining.profile,
                joining.carrier_stream_id,
                joining.worker,
                joining.dialect,
            )
            assert (Track.INBOUND, Track.OUTBOUND) == joining.tracks
            assert (Encoding.PCMU, 8000) == (joining.encoding, joining.rate_hz)

    run(scenario)


def test_a_slow_database_costs_no_sample() -> None:
    """Media that comes while the lookup takes 300 ms is kept from the first sample."""

    async def scenario() -> None:
        limits = replace(QUICK, alone_after_s=5.0)
        async with Rig(limits=limits, control=FakeControl(delay_s=0.3)).running() as rig:
            async with rig.bandwidth() as socket:
                for message in (start(), media(0), media(1)):
                    await socket.send(message)
                await asyncio.sleep(0.15)
                assert not rig.store.objects
                await socket.send(STOP)
                await until(lambda: rig.control.closed)
            assert sent(0, 1) == rig.stored(SEGMENTS)

    run(scenario)


def test_without_a_database_a_worker_captures_alone() -> None:
    """After a while the journal is written; the call is joined when the database is back."""

    async def scenario() -> None:
        async with Rig(control=FakeControl(is_away=True)).running() as rig:
            async with rig.bandwidth() as socket:
                for message in (start(), media(0), media(1)):
                    await socket.send(message)
                await until(lambda: rig.stored(JOURNAL) == sent(0, 1))
                assert "database" in rig.sink.health.degraded
                rig.control.is_away = False
                await socket.send(STOP)
                await until(lambda: rig.control.closed)
            assert sent(0, 1) == rig.stored(SEGMENTS)
            await until(lambda: not rig.sink.health.degraded)

    run(scenario)


def test_a_stream_that_may_not_join_is_closed_and_forgotten() -> None:
    """A profile that is gone, or isn't this dialect's, gets no media stored."""

    async def scenario() -> None:
        control = FakeControl(refusal=Forbidden("no such profile", code="no_profile"))
        async with Rig(control=control).running() as rig:
            async with rig.bandwidth() as socket:
                for message in (start(), media(0)):
                    await socket.send(message)
                await socket.wait_closed()
                assert (1008, "no_profile") == (socket.close_code, socket.close_reason)
            await until(lambda: not rig.sink.call_registry.calls)
            assert {} == rig.store.objects

    run(scenario)


def test_what_nobody_records_is_never_written() -> None:
    """Without a live recording media is dropped; the stream's end is noted all the same."""

    async def scenario() -> None:
        async with Rig(control=FakeControl(options=None)).running() as rig:
            async with rig.bandwidth() as socket:
                for message in (start(), media(0), media(1)):
                    await socket.send(message)
                await until(lambda: rig.control.joinings)
                await asyncio.sleep(0.2)
                for message in (media(2), STOP):
                    await socket.send(message)
                await until(lambda: rig.control.closed)
            assert {} == rig.store.objects
            assert rig.leases.renewals[-1].journal_safe_below == 0

    run(scenario)


def test_a_taps_encoding_is_the_profiles() -> None:
    """A dialect that doesn't say its encoding is stored in the one that its profile knows."""

    async def scenario() -> None:
        async with Rig(control=FakeControl(encoding=Encoding.PCMA)).running() as rig:
            async with rig.tap() as socket:
                await until(lambda: rig.control.joinings)
                await asyncio.sleep(0.05)
                await socket.send(frame(0))
            await until(lambda: rig.control.closed)
            (key,) = rig.store.keys("segments/")
            (record,) = container.decode(rig.store.objects[key]).records
            assert Encoding.PCMA is record.encoding

    run(scenario)


def test_a_taps_head_gets_the_profiles_encoding_too() -> None:
    """What came before the profile was read is no other encoding."""

    async def scenario() -> None:
        control = FakeControl(encoding=Encoding.PCMA, delay_s=0.2)
        async with Rig(control=control, limits=replace(QUICK, alone_after_s=5.0)).running() as rig:
            async with rig.tap() as socket:
                await socket.send(frame(0))
            await until(lambda: rig.control.closed)
            (key,) = rig.store.keys("segments/")
            (record,) = container.decode(rig.store.objects[key]).records
            assert Encoding.PCMA is record.encoding

    run(scenario)


def test_two_taps_are_two_tracks_of_one_call() -> None:
    """Speak and listen come on two sockets; the call closes when both are gone."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.tap(direction="listen") as listen:
                async with rig.tap(direction="speak") as speak:
                    await speak.send(frame(1))
                    await listen.send(frame(2))
                await until(lambda: rig.control.endings)
                await asyncio.sleep(0.1)
                assert [] == rig.control.closed
                await listen.send(frame(3))
            await until(lambda: rig.control.closed)
            tapped = "segments/main/signalwire/c-1/"
            assert sent(1) == rig.stored(tapped)
            assert sent(2, 3) == rig.stored(tapped, Track.OUTBOUND)

    run(scenario)


def test_a_reconnect_within_the_grace_joins_the_same_call() -> None:
    """A dropped socket's call stays open; the next stream is stored beside, never over it."""

    async def scenario() -> None:
        control = FakeControl(graces_s={Ending.BROKEN: 1.0})
        async with Rig(control=control).running() as rig:
            async with rig.bandwidth() as first:
                for message in (start(), media(0)):
                    await first.send(message)
                await until(lambda: rig.store.objects)
                first.transport.abort()
            await until(lambda: rig.control.endings)
            async with rig.bandwidth() as second:
                for message in (start(stream_id="s-2"), media(1), STOP):
                    await second.send(message)
                await until(lambda: rig.control.closed, 5)
            assert sent(0, 1) == rig.stored(SEGMENTS)
            assert 1 == len({call.key for call, _ in rig.control.closed})

    run(scenario)


class LatterRefused(FakeControl):
    """A database that takes its time to refuse every stream but the first."""

    def join_call(self, joining: JoinRequest) -> JoinResult:
        """Put the first stream under its call."""
        if not self.joinings:
            return super().join_call(joining)
        time.sleep(0.6)
        raise Forbidden("no such profile", code="no_profile")


def test_a_stream_that_may_not_join_leaves_no_call_open() -> None:
    """The call's time to close came while it was asked for: the call closes all the same."""

    async def scenario() -> None:
        control = LatterRefused(graces_s={Ending.BROKEN: 0.3})
        async with Rig(control=control).running() as rig:
            async with rig.bandwidth() as first:
                for message in (start(), media(0)):
                    await first.send(message)
                await until(lambda: rig.store.objects)
                first.transport.abort()
            await until(lambda: rig.control.endings)
            async with rig.bandwidth() as second:
                await second.send(start(stream_id="s-2"))
                await second.wait_closed()
            await until(lambda: not rig.sink.call_registry.calls)
            assert ["c-1"] == [call.call_id for call, _ in rig.control.closed]

    run(scenario)


def test_a_stream_that_may_not_join_takes_no_other_s_media_with_it() -> None:
    """What waits for its segment is the stream's that brought it."""

    async def scenario() -> None:
        async with Rig(control=LatterRefused()).running() as rig:
            async with rig.bandwidth() as first, rig.bandwidth() as second:
                for message in (start(), media(0)):
                    await first.send(message)
                await until(lambda: rig.store.objects)
                await second.send(start(stream_id="s-2"))
                await second.wait_closed()
            await until(lambda: not rig.sink.call_registry.calls)
            assert frame(0) in rig.stored("segments/")

    run(scenario)


def test_a_call_that_comes_again_overwrites_nothing() -> None:
    """After its close a call id may stream again; its segments get numbers of their own."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            for turn in (0, 1):
                async with rig.bandwidth() as socket:
                    for message in (start(stream_id=f"s-{turn}"), media(turn), STOP):
                        await socket.send(message)
                    await until(lambda turn=turn: len(rig.control.closed) == turn + 1)
            assert sent(0, 1) == rig.stored(SEGMENTS)
            assert 2 == len(list(rig.store.keys(SEGMENTS)))

    run(scenario)


def test_a_webhook_that_said_finished_spares_the_grace() -> None:
    """Where the carrier's webhook knows that the stream stopped, the call closes at once."""

    async def scenario() -> None:
        control = FakeControl(graces_s={Ending.CLOSED: 60.0}, stopped_by_webhook=True)
        async with Rig(control=control).running() as rig:
            async with rig.tap() as socket:
                await socket.send(frame(0))
            await until(lambda: rig.control.closed)

    run(scenario)


def test_a_store_that_is_away_at_the_end_only_delays_it() -> None:
    """S3 answers 503 at hang-up: the call closes when its segment is stored, and not before."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await until(lambda: rig.control.joinings)
                rig.store.is_away = True
                for message in (media(0), STOP):
                    await socket.send(message)
                await until(lambda: rig.store.refused > 5)
                assert {} == rig.control.endings
                assert "segments" in rig.sink.health.degraded
                rig.store.is_away = False
                await until(lambda: rig.control.closed)
            assert sent(0) == rig.stored(SEGMENTS)
            await until(lambda: not rig.sink.health.degraded)

    run(scenario)


def test_segments_come_while_the_call_lives() -> None:
    """Every so often a call's media moves into a segment, and the journal below it may go."""

    async def scenario() -> None:
        async with Rig(limits=replace(QUICK, segment_every_s=0.2)).running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                for number in range(30):
                    await socket.send(media(number))
                    await asyncio.sleep(0.02)
                assert 2 <= len(list(rig.store.keys(SEGMENTS)))
                assert 1 < rig.leases.renewals[-1].journal_safe_below
                await socket.send(STOP)
                await until(lambda: rig.control.closed)
            assert sent(*range(30)) == rig.stored(SEGMENTS)
            throughs = [
                container.decode(rig.store.objects[key]).journal_through
                for key in rig.store.keys(SEGMENTS)
            ]
            assert sorted(throughs) == throughs

    run(scenario)


def test_a_recording_of_full_length_ends_before_its_call() -> None:
    """At max_length the segment is stored, the recording ends there, and capture stops."""

    async def scenario() -> None:
        control = FakeControl(options=RecordOptions(max_length_s=0.1))
        async with Rig(control=control).running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                for number in range(5):
                    await socket.send(media(number))
                await until(lambda: rig.control.ended_recordings)
                assert sent(*range(5)) == rig.stored(SEGMENTS)
                for message in (media(5), media(6)):
                    await socket.send(message)
                await asyncio.sleep(0.2)
                await socket.send(STOP)
                await until(lambda: rig.control.closed)
            ((recording_id, cause, at),) = rig.control.ended_recordings
            opened_at = rig.control.joinings[0].opened_at
            assert ("r-c-1", Cause.MAX_LENGTH) == (recording_id, cause)
            assert timedelta(0) < at - opened_at < timedelta(seconds=0.2)
            assert sent(*range(5)) == rig.stored(SEGMENTS)
            assert sent(*range(5)) == rig.stored(JOURNAL)

    run(scenario)


def test_a_call_that_ends_at_full_length_closes_after_its_recording() -> None:
    """The recording's own end is written first, so that the call's end can't move it."""

    async def scenario() -> None:
        control = FakeControl(options=RecordOptions(max_length_s=0.1), delay_s=0.05)
        async with Rig(control=control).running() as rig:
            async with rig.bandwidth() as socket:
                for message in (start(), *map(media, range(6)), STOP):
                    await socket.send(message)
                await until(lambda: rig.control.closed)
            assert 1 == len(rig.control.ended_recordings)

    run(scenario)
