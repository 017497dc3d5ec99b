"""One call on two workers: the first that learns of it captures both sides."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from chalicelib.capture.events import Track
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.model import Ending, State
from tests.sink.calls.commanded_call import holds
from tests.sink.pair import BETWEEN, CALL_KEY, UNHURRIED, pair, pcm
from tests.sink.rig import frame, run, until

OUT = Track.OUTBOUND
SECRET = range(30_000, 30_040)
"""the numbers of frames that are said while everything is paused"""


def sent(numbers: list[int]) -> bytes:
    """Return the payload of frames."""
    return b"".join(map(frame, numbers))


def unused_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def frozen_host() -> AsyncIterator[int]:
    """Take connections on a port, and never read or answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_the_owner_captures_both_sides() -> None:
    """Every sample of both tracks lies in the owner's segments, and the call is one capture."""

    async def scenario() -> None:
        async with pair() as two:
            inbound, outbound = await two.both()
            await asyncio.gather(inbound.say(range(50)), outbound.say(range(100, 150)))
            assert ["w-1", "w-1"] == two.captured_by()
            await inbound.stop()
            await outbound.stop()
            await two.ended()
        prefix = f"segments/{CALL_KEY}/"
        assert sent(inbound.sent) == two.near.stored(prefix, Track.INBOUND)
        assert sent(outbound.sent) == two.near.stored(prefix, OUT)
        assert [] == [key for key in two.near.store.objects if "w-2" in key]
        assert [(two.recording.recording_id, 1)] == two.desk.workflows.finalizations
        left, right, manifest = two.heard()
        assert pcm(range(50)) in left
        assert pcm(range(100, 150)) in right
        assert {"late_track"} >= {gap.reason for gap in manifest.gaps}

    run(scenario)


def test_of_two_that_begin_at_once_one_owns() -> None:
    """Both sides meet their workers in the same moment; neither is captured by both."""

    async def scenario() -> None:
        async with pair() as two:
            inbound, outbound = await asyncio.gather(
                two.side(two.near, "inbound"), two.side(two.far, "outbound")
            )
            await until(lambda: len(two.streams()) == 2)
            assert 1 == len(set(two.captured_by()))
            await asyncio.gather(inbound.say(range(20)), outbound.say(range(100, 120)))
            await inbound.stop()
            await outbound.stop()
            await two.ended()
        assert sent(inbound.sent) == two.near.stored("segments/", Track.INBOUND)
        assert sent(outbound.sent) == two.near.stored("segments/", OUT)

    run(scenario)


def test_what_comes_before_the_owner_is_known_is_passed_too() -> None:
    """While the database takes its time the media waits, and the owner gets the first sample."""

    async def scenario() -> None:
        async with pair() as two:
            inbound = await two.side(two.near, "inbound")
            await until(two.streams)
            two.far_control.delay_s = 0.2
            outbound = await two.side(two.far, "outbound")
            await until(lambda: len(two.streams()) == 2)
            assert 5 < len(outbound.sent)
            await outbound.say(range(20))
            await inbound.stop()
            await outbound.stop()
            await two.ended()
        stored = two.near.stored(f"segments/{CALL_KEY}/", OUT)
        assert sent(outbound.sent) == stored

    run(scenario)


def test_a_pause_at_the_owner_is_a_pause_everywhere() -> None:
    """What either socket brings meanwhile is nowhere: in no object, and in no worker's memory."""

    async def scenario() -> None:
        async with pair() as two:
            inbound, outbound = await two.both()
            await asyncio.gather(inbound.say(range(20)), outbound.say(range(100, 120)))
            await two.command(CommandKind.PAUSE, "w-1")
            await asyncio.gather(inbound.say([1]), outbound.say([1]))  # what was under way
            await asyncio.gather(inbound.say(SECRET), outbound.say(SECRET))
            await asyncio.sleep(0.05)
            for worker in (two.near, two.far):
                assert not holds(worker.sink, frame(SECRET[5]))
            assert State.PAUSED is two.recording.state
            await two.command(CommandKind.RESUME, "w-1")
            await asyncio.gather(inbound.say([BETWEEN]), outbound.say([BETWEEN]))
            await asyncio.gather(inbound.say(range(20, 40)), outbound.say(range(120, 140)))
            await inbound.stop()
            await outbound.stop()
            await two.ended()
        everything = two.stored()
        assert [] == [number for number in SECRET if frame(number) in everything]
        left, right, _ = two.heard()
        for numbers, heard in ((range(20), left), (range(100, 120), right)):
            assert pcm(numbers) in heard
            assert pcm(range(numbers[-1] + 1, numbers[-1] + 21)) in heard

    run(scenario)


def test_when_the_owner_dies_the_other_goes_on() -> None:
    """What the dead worker's journal lacks of the passed track is still with the other one, which
    claims the call, ends what the dead one left, and executes commands; the gap is reported."""

    async def scenario() -> None:
        async with pair() as two:
            inbound, outbound = await two.both()
            await asyncio.gather(inbound.say(range(50)), outbound.say(range(100, 150)))
            await two.near.die()
            await outbound.say(range(150, 200))
            await until(lambda: "w-2" in two.captured_by())
            call = two.desk.core.calls.get(CALL_KEY)
            assert ("w-2", 2) == (call.owner, call.epoch)
            await until(lambda: two.streams()[1].ended_at)
            assert (Ending.DEAD, False) == (two.streams()[1].ending, two.streams()[1].complete)
            await until(lambda: two.streams()[0].ending is Ending.DEAD)
            assert two.near.leases.leases["w-1"].over
            await two.command(CommandKind.PAUSE, "w-2")
            assert State.PAUSED is two.recording.state
            await outbound.stop()
            await two.ended()
        left, right, manifest = two.heard()
        assert pcm(range(45)) in left
        # Where the two captures meet, a frame may lack the sample by which their clocks differ.
        assert 1 >= len([n for n in range(100, 200) if pcm([n]) not in right])
        assert ["ended_early"] == [gap.reason for gap in manifest.gaps if gap.track == "inbound"]

    run(scenario)


def test_of_two_heirs_one_owns() -> None:
    """Both lose the owner at once and claim the call: one captures for both."""

    async def scenario() -> None:
        async with pair() as two:
            third = await two.third()
            _, outbound = await two.both()
            inbound = await two.side(third, "inbound")
            await until(lambda: two.captured_by() == ["w-1"] * 3)
            await asyncio.gather(inbound.say(range(50)), outbound.say(range(100, 150)))
            await two.near.die()
            await asyncio.gather(inbound.say(range(50, 120)), outbound.say(range(150, 220)))
            await until(lambda: len([one for one in two.streams() if not one.ended_at]) == 2)
            owner = two.desk.core.calls.get(CALL_KEY).owner
            assert owner in ("w-2", "w-3")
            assert [owner] * 2 == [one.worker for one in two.streams() if not one.ended_at]
            await inbound.stop()
            await outbound.stop()
            await two.ended()
        left, right, _ = two.heard()
        assert 1 >= len([n for n in range(120) if pcm([n]) not in left])
        assert 1 >= len([n for n in range(100, 220) if pcm([n]) not in right])

    run(scenario)


def test_a_pause_outlives_the_owner() -> None:
    """A worker that claims a call with paused recordings keeps nothing until one is resumed."""

    async def scenario() -> None:
        async with pair() as two:
            _, outbound = await two.both()
            await outbound.say(range(100, 120))
            await two.command(CommandKind.PAUSE, "w-1")
            await outbound.say([1])
            await outbound.say(SECRET[:20])
            await two.near.die()
            await outbound.say(SECRET[20:])
            await until(lambda: "w-2" in two.captured_by())
            await outbound.say([1])
            assert not holds(two.far.sink, frame(SECRET[25]))
            await two.command(CommandKind.RESUME, "w-2")
            await outbound.say(range(120, 140))
            await outbound.stop()
            await until(lambda: not two.far.sink.call_registry.calls)
        everything = two.stored()
        assert [] == [number for number in SECRET if frame(number) in everything]
        assert sent([*range(120, 140)]) in two.near.stored("segments/", OUT)

    run(scenario)


def test_a_planned_stop_of_the_owner_loses_nothing() -> None:
    """It gives the stream back before it goes: every sample is stored by one or the other."""

    async def scenario() -> None:
        async with pair() as two:
            inbound, outbound = await two.both()
            await outbound.say(range(100, 130))
            await inbound.stop()
            two.near.sink.stop()
            assert two.near.life is not None
            await asyncio.wait({two.near.life}, timeout=10)
            assert ["w-1"] == two.near.leases.released
            await outbound.say(range(130, 160))
            await outbound.stop()
            await two.ended()
        stored = [
            two.near.stored(f"segments/{CALL_KEY}/{worker}/", OUT) for worker in ("w-1", "w-2")
        ]
        assert sent(outbound.sent) == b"".join(stored)
        assert min(map(len, stored)) > 0
        assert ["w-1", "w-1", "w-2"] == two.captured_by()

    run(scenario)


def test_a_stream_that_comes_while_the_owner_stops_is_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A carrier that is sent away comes back at once: the owner, that still owns the call, takes
    nothing more, and what was passed to it is the other worker's from the first sample."""

    async def scenario() -> None:
        async with pair() as two:
            inbound = await two.side(two.near, "inbound")
            await inbound.say(range(100, 110))
            two.near.sink.stop()
            await inbound.socket.wait_closed()
            outbound = await two.side(two.far, "outbound")
            await outbound.say(range(130, 160))
            await outbound.stop()
            await two.ended()
        assert sent(outbound.sent) == two.near.stored(f"segments/{CALL_KEY}/w-2/", OUT)

    run(scenario)
    assert "over" in [getattr(record, "reason", "") for record in caplog.records]


def test_a_planned_stop_of_the_passer_loses_nothing() -> None:
    """What its socket brought is the owner's before the worker goes."""

    async def scenario() -> None:
        async with pair() as two:
            inbound, outbound = await two.both()
            await outbound.say(range(100, 130))
            await outbound.hush()
            two.far.sink.stop()
            assert two.far.life is not None
            await asyncio.wait({two.far.life}, timeout=10)
            assert ["w-2"] == two.far.leases.released
            assert sent(outbound.sent) == two.near.stored("segments/", OUT)
            assert (Ending.BROKEN, True) == (two.streams()[1].ending, two.streams()[1].complete)
            await inbound.stop()

    run(scenario)


def test_when_the_passer_dies_its_stream_is_broken() -> None:
    """The owner keeps what came, and the call stays open for another stream."""

    async def scenario() -> None:
        async with pair() as two:
            inbound, outbound = await two.both()
            await outbound.say(range(100, 130))
            await two.far.die()
            await until(lambda: two.streams()[1].ending)
            assert (Ending.BROKEN, True) == (two.streams()[1].ending, two.streams()[1].complete)
            assert sent(outbound.sent[:-5]) in two.near.stored("segments/", OUT)
            assert two.desk.core.calls.get(CALL_KEY).open
            await inbound.stop()

    run(scenario)


def test_without_a_database_the_other_worker_captures_alone() -> None:
    """After a while it journals, and joins beside the owner when the database is back."""

    async def scenario() -> None:
        async with pair(replace(UNHURRIED, alone_after_s=0.3)) as two:
            inbound = await two.side(two.near, "inbound")
            await until(two.streams)
            two.far_control.is_away = True
            outbound = await two.side(two.far, "outbound")
            await outbound.say(range(100, 130))
            await until(lambda: sent([*range(100, 130)]) in two.near.stored("journal/w-2/", OUT))
            two.far_control.is_away = False
            await until(lambda: two.captured_by() == ["w-1", "w-2"])
            assert "w-1" == two.desk.core.calls.get(CALL_KEY).owner
            await inbound.stop()
            await outbound.stop()
            await two.ended()
        assert sent(outbound.sent) == two.near.stored("segments/", OUT)
        assert pcm(range(100, 130)) in two.heard()[1]

    run(scenario)


def test_an_owner_that_cannot_be_reached_is_followed() -> None:
    """Its port is closed: the other worker claims the call, and loses nothing."""

    async def scenario() -> None:
        async with pair() as two:
            inbound = await two.side(two.near, "inbound")
            await until(two.streams)
            call = two.desk.core.calls.get(CALL_KEY)
            moved = replace(call, owner_address=f"127.0.0.1:{unused_port()}")
            two.desk.core.store.calls[CALL_KEY] = moved
            outbound = await two.side(two.far, "outbound")
            await until(lambda: two.captured_by() == ["w-1", "w-2"])
            await outbound.say(range(20))
            assert "w-2" == two.desk.core.calls.get(CALL_KEY).owner
            await inbound.stop()
            await outbound.stop()
            await two.ended()
        assert sent(outbound.sent) == two.near.stored("segments/", OUT)

    run(scenario)


def test_an_owner_that_reads_nothing_is_given_up() -> None:
    """Its connection stalls: the other worker goes on by itself, from before the stall."""

    async def scenario() -> None:
        async with pair() as two, frozen_host() as port:
            inbound = await two.side(two.near, "inbound")
            await until(two.streams)
            call = two.desk.core.calls.get(CALL_KEY)
            frozen = replace(call, owner_address=f"127.0.0.1:{port}")
            two.desk.core.store.calls[CALL_KEY] = frozen
            outbound = await two.side(two.far, "outbound")
            await until(lambda: two.captured_by() == ["w-1", "w-2"])
            await inbound.stop()
            await outbound.stop()
            await two.ended()
        assert sent(outbound.sent) == two.near.stored("segments/", OUT)

    run(scenario)


def test_the_newer_stream_of_a_track_wins_wherever_it_comes() -> None:
    """A reconnect through another worker follows the first from its first sample."""

    async def scenario() -> None:
        async with pair() as two:
            first = await two.side(two.near, "inbound")
            await first.say([*range(50), *[BETWEEN] * 5])
            second = await two.side(two.far, "inbound")
            await until(lambda: len(two.streams()) == 2)
            await asyncio.gather(first.say(range(200, 250)), second.say(range(100, 150)))
            await first.stop()
            await second.say(range(150, 200))
            await second.stop()
            await two.ended()
        left, _, _ = two.heard()
        assert pcm(range(50)) in left
        assert pcm(range(100, 200)) in left
        assert pcm([249]) not in left

    run(scenario)
