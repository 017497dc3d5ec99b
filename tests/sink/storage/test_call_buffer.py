"""One call's media, from batches to stored segments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from chalicelib.capture import container
from chalicelib.capture.container_index import Kind
from chalicelib.errors import Unavailable
from chalicelib.services.finalization.media_index import read_holdings
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.storage.call_buffer import NO_ROOM, UNREADABLE, CallBuffer
from chalicelib.sink.storage.journal import Journal
from chalicelib.sink.storage.segment_store import SegmentStore
from chalicelib.sink.storage.spool import STORE, Spool, SpooledSegment
from tests.samples import a_stream
from tests.sink.fakes import SlowStore
from tests.sink.rig import QUICK, run, until
from tests.sink.storage.test_journal import batch

CALL = "main/bandwidth/c-1"


@dataclass
class PartlyAway(SlowStore):
    """A store that takes only some keys."""

    away: str = ""
    """the beginning of keys that it doesn't take; empty: it takes all"""

    def put(self, key: str, body: bytes) -> None:
        """Store, or not."""
        if self.away and key.startswith(self.away):
            self.refused += 1
            raise Unavailable("503", code="slow_down")
        super().put(key, body)


class KnownSpool(Spool):
    """A spool that tells what it keeps."""

    def __init__(self, folder: Path | None, health: Health, limits: Limits) -> None:
        super().__init__(folder, health, limits)
        self.kept: list[SpooledSegment] = []

    async def keep(self, size: int, encode: Callable[[], bytes]) -> SpooledSegment | None:
        """Keep a segment."""
        waiting = await super().keep(size, encode)
        self.kept += [waiting] if waiting else []
        return waiting


@dataclass
class Bench:
    """A worker's writing parts, and the media of one call."""

    folder: Path | None = None
    limits: Limits = QUICK
    store: PartlyAway = field(default_factory=PartlyAway)
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        self.spool = KnownSpool(self.folder, self.health, self.limits)
        self.segments = SegmentStore("w", self.store, self.spool, self.health, self.limits)
        self.journal = Journal("w", self.store, self.health, self.limits)
        self.media = self.call(CALL)

    def call(self, key: str) -> CallBuffer:
        """Return the media of a call that has none yet."""
        return CallBuffer(key, self.journal, self.segments, self.health)

    def hold(self, *payloads: bytes) -> None:
        """Receive, and commit to the journal."""
        for payload in payloads:
            self.media.hold(batch(payload, first_sample=payload[0]))
        self.journal.commit()

    def stored(self, prefix: str = "segments/") -> list[container.Container]:
        """Return what the store has."""
        return [container.decode(self.store.objects[key]) for key in self.store.keys(prefix)]

    def payloads(self, prefix: str = "segments/") -> list[list[bytes]]:
        """Return the payloads of each stored object."""
        return [[record.payload for record in read.records] for read in self.stored(prefix)]

    async def close(self) -> None:
        """End."""
        await self.journal.close()
        self.segments.close()


def part(number: int) -> bytes:
    """Return ten bytes of media that say their position."""
    return bytes([10 * number]) * 10


async def idle() -> None:
    """Let what can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0.01)


def test_a_segment_holds_cuts_in_order_under_the_newest_heads() -> None:
    """A segment says which journal numbers it makes needless, and what its streams count by now."""

    async def scenario() -> None:
        bench = Bench()
        bench.media.hold(batch(b"ab", received=1))
        bench.journal.commit()
        bench.media.hold(batch(b"cd", received=2, first_sample=2))
        await bench.media.store()
        (read,) = bench.stored()
        assert (Kind.SEGMENT, 0) == (read.kind, read.journal_through)
        assert [b"ab", b"cd"] == [record.payload for record in read.records]
        assert [2] == [head.messages_received for head in read.heads]
        assert (1, 0) == (bench.media.safe_below(1), bench.segments.waiting_bytes)
        await bench.close()

    run(scenario)


def test_hundreds_of_numbers_that_are_taken_are_passed_in_a_few_steps() -> None:
    """A long call that streams again after its close doesn't try them one by one, and overwrites
    none."""

    async def scenario() -> None:
        taken = {f"segments/{CALL}/w/{number:06d}": b"old" for number in range(720)}
        bench = Bench(store=PartlyAway(dict(taken)))
        bench.hold(part(0))
        async with asyncio.timeout(5):
            await bench.media.store()
        bench.hold(part(1))
        await bench.media.store()
        new = sorted(bench.store.objects.keys() - taken.keys() - {"journal/w/0000000000"})
        assert [f"segments/{CALL}/w/{number:06d}" for number in (1023, 1024)] == new[-2:]
        await bench.close()

    run(scenario)


def test_each_minute_of_an_outage_is_the_segment_it_would_have_been(tmp_path: Path) -> None:
    """In memory and in files, in order, under contiguous numbers; the worker says how it is."""

    async def scenario() -> None:
        limits = replace(QUICK, held_bytes=750)
        bench = Bench(tmp_path, limits, PartlyAway(away="s"))
        bench.hold(part(0))
        storing = asyncio.create_task(bench.media.store())
        await until(lambda: bench.store.refused)
        for number in range(1, 9):
            bench.hold(part(number))
            await bench.media.seal()
        assert bench.spool.disk_bytes
        assert bench.media.is_storing
        assert "segments: slow_down; spool: on_disk" == bench.health.degraded
        bench.store.away = ""
        await storing
        assert [[part(number)] for number in range(9)] == bench.payloads()
        throughs = [read.journal_through for read in bench.stored()]
        assert sorted(throughs) == throughs
        assert ("", 0, 0) == (
            bench.health.degraded,
            bench.spool.memory_bytes,
            bench.spool.disk_bytes,
        )
        await bench.close()

    run(scenario)


def test_journal_objects_stay_until_a_stored_segment_has_what_they_hold(tmp_path: Path) -> None:
    """While a segment waits, in memory or in a file, its first journal object is needed."""

    async def scenario() -> None:
        bench = Bench(tmp_path, replace(QUICK, held_bytes=300), PartlyAway(away="segments/"))
        for number in range(4):
            bench.hold(part(number))
            await bench.media.seal()
        bench.hold(part(4))
        assert (5, 0) == (bench.journal.next_number, bench.media.safe_below(5))
        storing = asyncio.create_task(bench.media.store())
        bench.store.away = ""
        await storing
        assert 5 == bench.media.safe_below(5)
        await bench.close()

    run(scenario)


def test_what_the_journal_never_took_holds_no_journal_object_back(tmp_path: Path) -> None:
    """All is away: what waits in a file is in no journal object, what came last will be in one."""

    async def scenario() -> None:
        limits = replace(QUICK, held_bytes=100, journal_puts=1)
        bench = Bench(tmp_path, limits, PartlyAway(away="journal/"))
        bench.hold(b"other call's")
        await bench.media.store()
        bench.store.away = "j"
        bench.hold(part(1))
        await bench.media.seal()
        assert 1 == bench.media.safe_below(1)
        bench.journal.commit()
        assert 1 == bench.media.safe_below(1)
        assert [] == bench.media.records
        await bench.close()

    run(scenario)


def test_where_nothing_has_room_the_newest_is_lost_and_told() -> None:
    """A segment without payload says which samples were received and are gone, for each track."""

    async def scenario() -> None:
        limits = replace(QUICK, held_bytes=700, journal_puts=1)
        bench = Bench(None, limits, PartlyAway(away="s"))
        bench.store.is_away = True
        bench.health.degrade(STORE, "slow_down")
        bench.hold(part(0))
        await bench.media.seal()
        bench.hold(*[part(number) * 40 for number in (1, 2, 3)])
        await bench.media.seal()
        bench.hold(part(4))
        await bench.media.seal()
        assert {NO_ROOM: 1200} == dict(bench.health.lost)
        bench.store.is_away, bench.store.away = False, ""
        await bench.media.store()
        first, lost, last = bench.stored()
        assert [part(0)] == [record.payload for record in first.records]
        assert [(b"", 10, 420)] == [
            (record.payload, record.first_sample, record.samples) for record in lost.records
        ]
        assert [part(4)] == [record.payload for record in last.records]
        assert (None, True) == (bench.journal.kept_from, bench.media.is_whole)
        await bench.close()

    run(scenario)


def test_a_segment_that_has_no_room_claims_nothing_that_the_journal_has() -> None:
    """The journal keeps it for as long as the worker lives, and no later segment says otherwise."""

    async def scenario() -> None:
        bench = Bench(None, replace(QUICK, held_bytes=700), PartlyAway(away="segments/"))
        bench.health.degrade(STORE, "slow_down")
        bench.hold(part(0))
        await bench.media.seal()
        bench.hold(part(1) * 60)
        await until(lambda: not bench.media.endangered_bytes)  # the journal has it
        await bench.media.seal()
        bench.hold(part(2))
        await bench.media.seal()
        assert ({}, False) == (dict(bench.health.lost), bench.media.is_whole)
        bench.store.away = ""
        await bench.media.store()
        assert [0, 0, 0] == [read.journal_through for read in bench.stored()]
        assert [[part(0)], [], [part(2)]] == bench.payloads()
        assert [[part(0)], [part(1) * 60], [part(2)]] == bench.payloads("journal/")
        assert 1 == bench.journal.kept_from
        ended = a_stream(stream_key="s-1", worker="w", journal_from=0, complete=False)
        read = read_holdings(CALL, [ended], bench.store)
        assert {0, 10, 20} == {one.record.first_sample for one in read.entries if one.length}
        bench.media.hold(batch(b"x"))
        bench.journal.commit()
        await bench.media.store()
        assert 0 == bench.stored()[-1].journal_through
        await bench.close()

    run(scenario)


def test_a_file_that_cannot_be_read_is_lost_and_told(tmp_path: Path) -> None:
    """What waited in it is reported as lost, and the next segment is stored."""

    async def scenario() -> None:
        limits = replace(QUICK, held_bytes=300, journal_puts=1)
        bench = Bench(tmp_path, limits, PartlyAway(away="s"))
        bench.hold(part(0) * 20)
        await bench.media.seal()
        bench.hold(part(1))
        await bench.media.seal()
        (file,) = {waiting.file for waiting in bench.spool.kept if waiting.file}
        file.begin_again()
        bench.store.away = ""
        await bench.media.store()
        assert {UNREADABLE: 200} == dict(bench.health.lost)
        assert [[b""], [part(1)]] == bench.payloads()
        assert 0 == bench.segments.waiting_bytes
        await bench.close()

    run(scenario)


def test_what_replaces_an_unreadable_segment_hides_no_journal_object(tmp_path: Path) -> None:
    """Its batches never were in the journal; the first object is the open batch's."""

    async def scenario() -> None:
        limits = replace(QUICK, held_bytes=300)
        bench = Bench(tmp_path, limits, PartlyAway(away="segments/"))
        bench.media.hold(batch(part(0) * 20))
        await bench.media.seal()
        (file,) = {waiting.file for waiting in bench.spool.kept if waiting.file}
        file.begin_again()
        storing = asyncio.create_task(bench.media.store())
        await until(lambda: bench.store.refused)
        bench.hold(part(1))
        assert (1, 0) == (bench.journal.next_number, bench.media.safe_below(1))
        bench.store.away = ""
        await storing
        await bench.media.store()
        assert [[b""], [part(1)]] == bench.payloads()
        await bench.close()

    run(scenario)


def test_what_nobody_wants_any_more_leaves_the_spool(tmp_path: Path) -> None:
    """A discard takes what waits, and waits itself for the one segment that is on its way."""

    async def scenario() -> None:
        limits = replace(QUICK, held_bytes=450)
        bench = Bench(tmp_path, limits, PartlyAway(away="segments/"))
        bench.hold(part(0))
        storing = asyncio.create_task(bench.media.store())
        await until(lambda: bench.store.refused)
        for number in (1, 2, 3):
            bench.hold(part(number))
            await bench.media.seal()
        bench.media.hold(batch(part(4)))
        waiting = bench.segments.waiting_bytes
        discarding = asyncio.create_task(bench.media.discard())
        await idle()
        assert not discarding.done()
        assert 0 < bench.segments.waiting_bytes < waiting / 2
        bench.store.away = ""
        await asyncio.gather(storing, discarding)
        assert ([[part(0)]], 0) == (bench.payloads(), bench.segments.waiting_bytes)
        await bench.close()

    run(scenario)


class Refusing(PartlyAway):
    """A store that fails once with an unexpected error."""

    def put(self, key: str, body: bytes) -> None:
        """Fail, then store."""
        if key.startswith("segments/") and not self.refused:
            self.refused += 1
            raise ZeroDivisionError
        super().put(key, body)


def test_what_failed_for_good_is_stored_with_what_follows() -> None:
    """A put that raises an unexpected error leaves its segment in its place."""

    async def scenario() -> None:
        bench = Bench(store=Refusing())
        bench.hold(part(0))
        with pytest.raises(ZeroDivisionError):
            await bench.media.store()
        bench.hold(part(1))
        await bench.media.store()
        assert [[part(0)], [part(1)]] == bench.payloads()
        await bench.close()

    run(scenario)


def test_bytes_in_danger_are_those_that_nobody_else_has() -> None:
    """What a journal object holds survives its worker."""

    async def scenario() -> None:
        bench = Bench(None, replace(QUICK, journal_puts=1), PartlyAway(away="s"))
        bench.hold(part(0))
        await bench.media.seal()
        assert 0 == bench.media.endangered_bytes
        bench.media.hold(batch(part(1)))
        await bench.media.seal()
        bench.media.hold(batch(part(2)))
        assert 20 == bench.media.endangered_bytes
        await bench.close()

    run(scenario)
