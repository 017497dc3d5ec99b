"""Where segments wait for the store."""

from __future__ import annotations

import asyncio
import os
import string
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.storage import spool as spool_module
from chalicelib.sink.storage.spool import STORE, Spool, SpooledSegment
from tests.sink.rig import QUICK, run, until

SMALL = replace(QUICK, held_bytes=20, spool_bytes=35)


def segment(letter: str, size: int = 10) -> bytes:
    """Return bytes in the place of a segment."""
    return letter.encode() * size


def away() -> Health:
    """Return the health of a worker whose store takes nothing."""
    health = Health()
    health.degrade(STORE, "slow_down")
    return health


async def kept(spool: Spool, *bodies: bytes) -> list[SpooledSegment]:
    """Keep segments, each of which has room."""
    found = [await spool.keep(len(body), partial(bytes, body)) for body in bodies]
    return [one for one in found if one is not None]


def test_memory_is_filled_first_and_the_rest_goes_to_files(tmp_path: Path) -> None:
    """All of it reads back as it was; files have no name, and the worker is degraded meanwhile."""

    async def scenario() -> None:
        health = Health()
        spool = Spool(tmp_path, health, SMALL)
        bodies = [segment(letter) for letter in "abcd"]
        waiting = await kept(spool, *bodies)
        assert bodies == [one.read() for one in waiting]
        assert [True, True, False, False] == [one.body is not None for one in waiting]
        assert (20, 20, []) == (spool.memory_bytes, spool.disk_bytes, list(tmp_path.iterdir()))
        assert "spool: on_disk" == health.degraded
        for one in waiting:
            spool.let_go(one)
        assert (0, 0, "") == (spool.memory_bytes, spool.disk_bytes, health.degraded)
        spool.close()

    run(scenario)


def test_where_memory_and_files_are_full_there_is_no_room(tmp_path: Path) -> None:
    """Room that comes free is used again."""

    async def scenario() -> None:
        health = away()
        spool = Spool(tmp_path, health, SMALL)
        waiting = await kept(spool, *[segment(letter) for letter in "abcdef"])
        assert (20, 30, 5) == (spool.memory_bytes, spool.disk_bytes, len(waiting))
        assert "segments: slow_down; spool: full" == health.degraded
        spool.let_go(waiting[0])
        (last,) = await kept(spool, segment("g"))
        assert segment("g") == last.read()
        spool.close()

    run(scenario)


def test_without_a_folder_memory_is_all() -> None:
    """A process that may write nowhere still has its memory, and says so."""

    async def scenario() -> None:
        health = away()
        spool = Spool(None, health, SMALL)
        assert 2 == len(await kept(spool, *[segment(letter) for letter in "abc"]))
        assert "segments: slow_down; spool: full" == health.degraded
        spool.close()

    run(scenario)


def test_a_folder_that_is_gone_is_told_and_memory_is_all(tmp_path: Path) -> None:
    """The disk's own words stand in the health."""

    async def scenario() -> None:
        health = away()
        spool = Spool(tmp_path / "gone", health, SMALL)
        waiting = await kept(spool, *[segment(letter) for letter in "abc"])
        assert (20, 0, 2) == (spool.memory_bytes, spool.disk_bytes, len(waiting))
        assert "segments: slow_down; spool: disk: No such file or directory" == health.degraded
        spool.close()

    run(scenario)


def test_room_is_waited_for_while_the_store_takes_what_waits() -> None:
    """Many calls end at once and there is no disk: none is lost, unless the store goes away."""

    async def scenario() -> None:
        health = Health()
        spool = Spool(None, health, SMALL)
        waiting = await kept(spool, segment("a"), segment("b"))
        asked = [asyncio.create_task(spool.keep(10, partial(segment, letter))) for letter in "cd"]
        await until(lambda: "full" in health.degraded)
        assert not asked[0].done()
        spool.let_go(waiting[0])
        third = await asked[0]
        assert third is not None
        assert segment("c") == third.read()
        health.degrade(STORE, "slow_down")
        assert None is await asked[1]
        spool.close()

    run(scenario)


def test_all_minutes_that_end_at_once_find_their_room_one_by_one(tmp_path: Path) -> None:
    """More than the memory's share comes in one go: it waits for the disk, and none is lost, unless
    the store takes nothing and it is more than may wait for a disk that hangs."""

    async def scenario() -> None:
        health = away()
        limits = replace(SMALL, spool_bytes=2000, queued_bytes=500)
        spool = Spool(tmp_path, health, limits)
        held = threading.Event()
        bodies = [segment(letter) for letter in string.ascii_letters]

        def hang(body: bytes) -> bytes:
            held.wait(5)
            return body

        asked = [asyncio.create_task(spool.keep(10, partial(hang, body))) for body in bodies]
        await until(lambda: "slow_disk" in health.degraded)
        held.set()
        waiting = [one for one in await asyncio.gather(*asked) if one]
        assert bodies[:50] == [one.read() for one in waiting]
        assert (20, 480) == (spool.memory_bytes, spool.disk_bytes)
        health.recover(STORE)
        asked = [asyncio.create_task(spool.keep(10, partial(bytes, body))) for body in bodies]
        assert None not in await asyncio.gather(*asked)
        spool.close()

    run(scenario)


def test_what_was_made_leaves_the_queue() -> None:
    """While the store takes nothing the queue is short, and is there for those that follow."""

    async def scenario() -> None:
        spool = Spool(None, away(), replace(SMALL, queued_bytes=15))
        bodies = [segment(letter) for letter in "ab"]
        assert bodies == [one.read() for one in await kept(spool, *bodies)]
        spool.close()

    run(scenario)


def test_a_segment_that_cannot_be_made_takes_no_room(tmp_path: Path) -> None:
    """What its encoder raises comes back; the memory that was meant for it is free again."""

    async def scenario() -> None:
        spool = Spool(tmp_path, Health(), SMALL)
        with pytest.raises(ZeroDivisionError):
            await spool.keep(10, lambda: bytes(1 // 0))
        assert 0 == spool.memory_bytes
        spool.close()

    run(scenario)


def test_disk_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file goes with the last of its segments; the one that is written to begins again."""
    monkeypatch.setattr(spool_module, "FILE_BYTES", 15)
    limits: Limits = replace(QUICK, held_bytes=20, spool_bytes=1000)

    async def scenario() -> None:
        spool = Spool(tmp_path, Health(), limits)
        await kept(spool, segment("x"), segment("y"))
        waiting = await kept(spool, *[segment(letter) for letter in "abcd"])
        files = [one.file for one in waiting]
        assert files[0] is files[1] is not files[2] is files[3]
        for one in waiting:
            spool.let_go(one)
        (again, other) = await kept(spool, segment("e"), segment("f"))
        assert (files[2], 0) == (again.file, again.offset)
        assert [segment("e"), segment("f")] == [again.read(), other.read()]
        with pytest.raises(ValueError, match="closed"):
            waiting[0].read()
        spool.let_go(again)
        spool.let_go(other)
        (last,) = await kept(spool, segment("g"))
        assert segment("g") == last.read()
        spool.close()

    run(scenario)


def test_a_disk_that_takes_a_little_at_a_time_has_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that took less than it was given goes on where that ended."""

    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, body, at: write(file, body[:4], at))

    async def scenario() -> None:
        spool = Spool(tmp_path, Health(), replace(SMALL, held_bytes=0))
        bodies = [string.ascii_letters[:10].encode(), string.digits.encode()]
        assert bodies == [one.read() for one in await kept(spool, *bodies)]
        spool.close()

    run(scenario)


def test_what_is_lost_on_disk_is_not_taken_for_something_else(tmp_path: Path) -> None:
    """A file that ends early can't be read."""

    async def scenario() -> None:
        spool = Spool(tmp_path, Health(), SMALL)
        *_, last = await kept(spool, *[segment(letter) for letter in "abc"])
        assert last.file is not None
        last.file.begin_again()
        with pytest.raises(OSError, match="ends before"):
            last.read()
        spool.close()

    run(scenario)
