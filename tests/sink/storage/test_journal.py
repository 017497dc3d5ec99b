"""The journal."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace

from chalicelib.capture import container
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.storage.batch import Batch
from chalicelib.sink.storage.journal import Journal
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


def batch(payload: bytes, key: str = "s-1", received: int = 0, first_sample: int = 0) -> Batch:
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
    return Batch([head(key, received)], [record])


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
            journal.add(batch(b"x" * 8, f"s-{number}"))
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
            journal.add(batch(b"x" * 10, first_sample=number * 10))
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
            journal.add(batch(b"x", first_sample=number))
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
    """A batch that is covered before its commit costs the journal nothing."""

    async def scenario() -> None:
        store = SlowStore()
        journal = Journal("w", store, Health(), QUICK)
        covered, open_ = batch(b"a"), batch(b"b", "s-2")
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


def test_a_journal_that_is_behind_leaves_to_segments_what_they_have() -> None:
    """While all puts wait, spooled batches are left out, and the journal keeps no media of them."""

    async def scenario() -> None:
        store = GatedStore()
        journal = Journal("w", store, Health(), replace(QUICK, journal_puts=1))
        under_way, spooled, open_ = batch(b"a"), batch(b"b"), batch(b"c")
        journal.add(under_way)
        journal.commit()
        journal.add(spooled)
        journal.add(open_)
        spooled.spool()
        assert [1, 1] == [len(under_way.records), len(spooled.records)]
        journal.commit()
        assert (True, None, []) == (spooled.is_settled, spooled.number, spooled.records)
        under_way.spool()
        assert [] == under_way.records
        store.gate.set()
        await until(lambda: len(store.objects) == 1)
        await asyncio.sleep(0)
        journal.commit()
        await until(lambda: len(store.objects) == 2)
        bodies = [container.decode(body).records for body in store.objects.values()]
        assert [b"a", b"c"] == [record.payload for records in bodies for record in records]
        await journal.close()

    run(scenario)
