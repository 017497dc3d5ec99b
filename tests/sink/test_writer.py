"""Journal and segments."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace

from chalicelib.capture import container
from chalicelib.capture.container import Kind
from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.record import Record, StreamHead
from chalicelib.sink.health import Health
from chalicelib.sink.writer import Cut, Held, Journal, Segments
from tests.sink.fakes import SlowStore
from tests.sink.rig import QUICK, run, until


def head(key: str = "s-1", received: int = 0) -> StreamHead:
    return StreamHead(
        stream_key=key,
        call_key="main/bandwidth/c-1",
        carrier_stream_id="cs-1",
        dialect="bandwidth",
        rate_hz=8000,
        opened_at_us=0,
        messages_received=received,
    )


def cut(payload: bytes, key: str = "s-1", received: int = 0, first_sample: int = 0) -> Cut:
    record = Record(
        stream_key=key,
        track=Track.INBOUND,
        encoding=Encoding.PCMU,
        first_sample=first_sample,
        samples=len(payload),
        arrived_at_us=0,
        least_lateness_us=0,
        payload=payload,
    )
    return Cut([head(key, received)], [record])


@dataclass
class GatedStore(SlowStore):
    """A store whose puts wait for a gate; counts how many wait at once."""

    gate: threading.Event = field(default_factory=threading.Event)
    at_once: int = 0
    most_at_once: int = 0

    def put(self, key: str, body: bytes) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.gate.wait(5)
        self.at_once -= 1
        super().put(key, body)


def test_one_object_holds_what_all_calls_received() -> None:
    """A commit is one object, whatever the number of calls."""

    async def scenario() -> None:
        store = SlowStore()
        journal = Journal("w", store, Health(), QUICK)
        for number in range(10):
            journal.add(cut(b"x" * 8, f"s-{number}"))
        journal.commit()
        await until(lambda: store.objects)
        read = container.decode(store.objects["journal/w/0000000000"])
        assert (Kind.JOURNAL, "w", 10) == (read.kind, read.worker, len(read.records))
        assert 1 == journal.next_number
        await journal.close()

    run(scenario)


def test_objects_are_bounded() -> None:
    """What is more than an object may hold goes into the next."""

    async def scenario() -> None:
        store = SlowStore()
        journal = Journal("w", store, Health(), replace(QUICK, journal_bytes=20))
        for number in range(5):
            journal.add(cut(b"x" * 10, first_sample=number * 10))
        journal.commit()
        await until(lambda: len(store.objects) == 3)
        await journal.close()

    run(scenario)


def test_puts_in_flight_are_bounded_and_numbers_contiguous() -> None:
    """Four puts wait at most; what comes meanwhile waits for the next commit, under one number."""

    async def scenario() -> None:
        store = GatedStore()
        journal = Journal("w", store, Health(), QUICK)
        for number in range(10):
            journal.add(cut(b"x", first_sample=number))
            journal.commit()
        await until(lambda: store.at_once == 4)
        store.gate.set()
        await until(lambda: len(store.objects) == 4)
        await asyncio.sleep(0)
        journal.commit()
        await until(lambda: len(store.objects) == 5)
        assert 4 == store.most_at_once
        assert [f"journal/w/{number:010d}" for number in range(5)] == list(store.keys("journal/"))
        read = container.decode(store.objects["journal/w/0000000004"])
        assert list(range(4, 10)) == [record.first_sample for record in read.records]
        await journal.close()

    run(scenario)


def test_what_a_segment_holds_is_left_out_of_the_journal() -> None:
    """A cut that is covered before its commit costs the journal nothing."""

    async def scenario() -> None:
        store = SlowStore()
        journal = Journal("w", store, Health(), QUICK)
        covered, open_ = cut(b"a"), cut(b"b", "s-2")
        journal.add(covered)
        journal.add(open_)
        covered.cover()
        journal.commit()
        await until(lambda: store.objects)
        read = container.decode(store.objects["journal/w/0000000000"])
        assert [b"b"] == [record.payload for record in read.records]
        assert (None, 0) == (covered.number, open_.number)
        await journal.close()

    run(scenario)


def test_a_segment_holds_cuts_in_order_under_the_newest_heads() -> None:
    """A segment says which journal numbers it makes needless, and what its streams count by now."""

    async def scenario() -> None:
        store = SlowStore()
        segments = Segments("w", store, Health(), QUICK)
        cuts = [cut(b"ab", received=1), cut(b"cd", received=2, first_sample=2)]
        assert 8 == await segments.put("main/bandwidth/c-1", 7, cuts, 41)
        read = container.decode(store.objects["segments/main/bandwidth/c-1/w/000007"])
        assert (Kind.SEGMENT, 41) == (read.kind, read.journal_through)
        assert [b"ab", b"cd"] == [record.payload for record in read.records]
        assert [2] == [head.messages_received for head in read.heads]
        segments.close()

    run(scenario)


def test_a_number_that_is_taken_is_passed_over() -> None:
    """Another round's segment under the same number stays as it is."""

    async def scenario() -> None:
        store = SlowStore()
        segments = Segments("w", store, Health(), QUICK)
        assert 1 == await segments.put("k", 0, [cut(b"first")], -1)
        assert 2 == await segments.put("k", 0, [cut(b"second")], -1)
        assert 2 == len(store.objects)
        segments.close()

    run(scenario)


def test_hundreds_of_numbers_that_are_taken_are_passed_in_a_few_steps() -> None:
    """A long call that streams again after its close doesn't try them one by one."""

    async def scenario() -> None:
        store = SlowStore({f"segments/call/w-1/{number:06d}": b"old" for number in range(720)})
        segments = Segments("w-1", store, Health(), QUICK)
        async with asyncio.timeout(5):
            following = await segments.put("call", 0, [cut(b"new")], -1)
        assert 1024 == following
        assert list(store.keys("segments/call/w-1/"))[-1] == "segments/call/w-1/001023"
        segments.close()

    run(scenario)


def test_media_is_dropped_only_beyond_the_bound_and_oldest_first() -> None:
    """What the store doesn't take is held up to a bound; what is dropped is counted and told."""

    health = Health()
    held = Held(health, replace(QUICK, held_bytes=20))
    cuts = [cut(b"x" * 10) for _ in range(5)]
    for each in cuts:
        held.hold(each)
    held.let_go([cuts[1]])

    held.enforce(usual_bytes=10)

    assert [True, True, False, False, False] == [each.covered for each in cuts]
    assert {"the store takes no segments": 10} == dict(health.lost)
    assert "dropped 10 bytes" in health.degraded


def test_what_is_let_go_twice_counts_once() -> None:
    """A cut may be stored after it was dropped."""

    held = Held(Health(), replace(QUICK, held_bytes=5))
    first, second = cut(b"x" * 10), cut(b"y" * 5)
    held.hold(first)
    held.let_go([first])
    held.let_go([first])
    held.hold(second)

    held.enforce(usual_bytes=0)

    assert not second.covered
