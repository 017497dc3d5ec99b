"""The lease, and what it tells."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest

from chalicelib.errors import PreconditionFailed
from chalicelib.ports.values import Lease
from chalicelib.sink.cluster.lease import LeaseKeeper
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from tests.sink.fakes import FakeLeases, now
from tests.sink.rig import QUICK, Rig, run, start, until


def keeper(leases: FakeLeases, health: Health, limits: Limits = QUICK) -> LeaseKeeper:
    def read(renewals: int) -> Lease:
        return Lease(worker="w", started_at=now(), renewals=renewals, calls=0, journal_safe_below=0)

    return LeaseKeeper(leases, read, health, limits)


def test_renewals_grow() -> None:
    """Observers compare the count, so that no clock of theirs matters."""

    async def scenario() -> None:
        leases = FakeLeases()
        lease = keeper(leases, Health())
        await lease.begin()
        task = asyncio.create_task(lease.keep())
        await until(lambda: len(leases.renewals) > 3)
        task.cancel()
        counts = [renewal.renewals for renewal in leases.renewals]
        assert sorted(set(counts)) == counts
        lease.close()

    run(scenario)


def test_a_database_outage_kills_nobody() -> None:
    """While the database is away the worker is unwell and lives; then it renews again."""

    async def scenario() -> None:
        leases, health = FakeLeases(), Health()
        lease = keeper(leases, health)
        await lease.begin()
        leases.is_away = True
        task = asyncio.create_task(lease.keep())
        await until(lambda: "lease" in health.degraded)
        leases.is_away = False
        await until(lambda: health.degraded == "")
        assert not task.done()
        task.cancel()
        lease.close()

    run(scenario)


def test_no_socket_before_the_first_lease() -> None:
    """The death of a worker without a lease would not be noticed."""

    async def scenario() -> None:
        rig = Rig()
        rig.leases.is_away = True
        starting = asyncio.create_task(rig.sink.start("127.0.0.1", 0))
        await asyncio.sleep(0.2)
        assert not starting.done()
        rig.leases.is_away = False
        assert await starting
        rig.sink.stop()
        await rig.sink.run()

    run(scenario)


def test_a_worker_that_was_declared_dead_stops() -> None:
    """Another worker has its calls: going on would write beside it."""

    async def scenario() -> None:
        rig = Rig()
        rig.port = await rig.sink.start("127.0.0.1", 0)
        async with rig.bandwidth() as socket:
            await socket.send(start())
            rig.leases.is_buried = True
            with pytest.raises(PreconditionFailed):
                async with asyncio.timeout(5):
                    await rig.sink.run()
            await socket.wait_closed()
        assert [] == rig.leases.released

    run(scenario)


def test_the_lease_is_released_when_nothing_is_left() -> None:
    """After a planned stop no other worker needs to look after this one's calls."""

    async def scenario() -> None:
        rig = Rig()
        async with rig.running():
            with contextlib.suppress(TimeoutError):
                await until(lambda: len(rig.leases.renewals) > 1)
        assert ["w-1"] == rig.leases.released

    run(scenario)


def test_who_renewed_just_now_is_sure_to_live() -> None:
    """No other can have declared it dead, so it may write."""

    async def scenario() -> None:
        lease = keeper(FakeLeases(), Health())
        await lease.begin()
        await asyncio.wait_for(lease.sure(), 1)
        lease.close()

    run(scenario)


class SlowLeases(FakeLeases):
    """A database that takes its time."""

    def renew(self, lease: Lease) -> None:
        """Write the lease, late."""
        time.sleep(0.2)
        super().renew(lease)


def test_a_lease_counts_from_when_it_was_asked_for() -> None:
    """Other workers count from when it was written, which may be right after the request: a late
    answer must not make it last longer."""

    async def scenario() -> None:
        lease = keeper(SlowLeases(), Health(), replace(QUICK, lease_sure_s=0.15))
        await lease.begin()
        sure = asyncio.create_task(lease.sure())
        await asyncio.sleep(0)
        assert not sure.done()
        sure.cancel()
        lease.close()

    run(scenario)


def test_who_did_not_renew_for_long_waits_before_it_writes() -> None:
    """It was frozen, or cut off: it is sure again with its next renewal, or finds itself dead."""

    async def scenario() -> None:
        leases = FakeLeases()
        lease = keeper(leases, Health(), replace(QUICK, lease_sure_s=0.0))
        await lease.begin()
        sure = asyncio.create_task(lease.sure())
        leases.is_buried = True
        with pytest.raises(PreconditionFailed):
            await lease.keep()
        assert not sure.done()
        sure.cancel()
        lease.close()

        lease = keeper(FakeLeases(), Health(), replace(QUICK, lease_sure_s=0.5))
        sure = asyncio.create_task(lease.sure())
        await asyncio.sleep(0)
        assert not sure.done()
        await lease.begin()
        await asyncio.wait_for(sure, 1)
        lease.close()

    run(scenario)
