"""One worker's life: lease, socket, heartbeat; and the planned stop that loses nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.errors import PreconditionFailed
from chalicelib.ports.aws import MediaStore, TaskProtection, TaskState, Workflows
from chalicelib.ports.call_owner import CallControl, DeadWorkers, LiveRecordings, LiveTaps
from chalicelib.ports.rows import Leases, Mailbox, PortClaims
from chalicelib.ports.values import Lease
from chalicelib.security.url_guard import STRICT, UrlPolicy
from chalicelib.sink.call_registry import Hub
from chalicelib.sink.calls.database import Control
from chalicelib.sink.calls.worker_context import Worker
from chalicelib.sink.cluster.call_status_checks import CallStatusChecks
from chalicelib.sink.cluster.ecs_task import ScaleInProtection
from chalicelib.sink.cluster.failure_detector import FailureDetector
from chalicelib.sink.cluster.lease import LeaseKeeper
from chalicelib.sink.cluster.mailbox import MailboxKeeper
from chalicelib.sink.cluster.takeover import Takeover
from chalicelib.sink.commanded import Commanded
from chalicelib.sink.departure import Departure
from chalicelib.sink.forwarding.client import ForwardingClient
from chalicelib.sink.forwarding.server import ForwardingServer
from chalicelib.sink.ingest.rtp_ports import RtpPlace, RtpPorts
from chalicelib.sink.metrics import Metrics
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.tasks import Tasks
from chalicelib.sink.runtime.token_keys import TokenKeys
from chalicelib.sink.server import Server
from chalicelib.sink.storage.journal import Journal
from chalicelib.sink.storage.segment_store import SegmentStore
from chalicelib.sink.storage.spool import Spool
from chalicelib.sink.taps.dialer import Dialer
from chalicelib.sink.taps.tap_senders import Senders

_RELEASE_WITHIN_S = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the sink needs from outside."""

    control: CallControl
    live_recordings: LiveRecordings
    mailbox: Mailbox
    port_claims: PortClaims
    leases: Leases
    store: MediaStore
    live_taps: LiveTaps
    token_keys: Callable[[], Sequence[bytes]]
    """newest first"""
    dead_workers: DeadWorkers | None = None
    """none: they are the sweeper's"""
    workflows: Workflows | None = None
    """none: nobody asks carriers to tap again"""
    protection: TaskProtection | None = None
    """none outside ECS"""
    task_state: TaskState | None = None
    """none outside ECS"""
    url_policy: UrlPolicy = STRICT
    """where taps may send to"""
    spool_dir: Path | None = None
    """where segments wait for the store; none: in memory only"""


class Sink:
    """A worker. `start`, then `run` until `stop` was called or the worker was declared dead."""

    def __init__(
        self,
        name: str,
        outside: Outside,
        limits: Limits,
        rtp: RtpPlace | None = None,
        generation: int = 0,
    ) -> None:
        self._name = name
        self._generation = generation
        self._limits = limits
        self._started_at = datetime.now(UTC)
        self.health = Health()
        rtp = rtp or RtpPlace()
        self._keys = TokenKeys(outside.token_keys, self.health, limits)
        self._forwarding_client = ForwardingClient(name, self._keys.current, limits)
        self.spool = Spool(outside.spool_dir, self.health, limits)
        self._lease = LeaseKeeper(outside.leases, self._read_lease, self.health, limits)
        control = Control(
            outside.control, outside.live_recordings, self.health, limits, self._lease.sure
        )
        self._worker = _worker(
            name,
            outside,
            control,
            self._forwarding_client,
            self.spool,
            self.health,
            limits,
            rtp.host,
        )
        self._status_checks = (
            CallStatusChecks(name, outside.workflows, self.health, limits)
            if outside.workflows
            else None
        )
        self.hub = Hub(self._worker, self._status_checks)
        self._forwarding_server = ForwardingServer(name, self.hub, self._keys.current, limits)
        self._rtp = RtpPorts(name, rtp, outside.port_claims, self.hub, self.health, limits)
        self._server = Server(
            name, self.hub, self.health, self._keys.current, limits, self._rtp.__len__
        )
        self._metrics = Metrics(name, self.hub, self.health, limits, self._rtp.__len__, generation)
        self._protection = outside.protection and ScaleInProtection(
            outside.protection, lambda: self.hub.calls + len(self._rtp), limits
        )
        dead_workers = outside.dead_workers
        self._takeover = Takeover(dead_workers, self.health, limits) if dead_workers else None
        self._failure_detector = FailureDetector(
            name, outside.leases, outside.workflows, self._takeover, self.health, limits
        )
        self._departure = outside.task_state and Departure(
            outside.task_state, self._rtp.offer_no_more, limits
        )
        self._mailbox = MailboxKeeper(
            name, outside.mailbox, Commanded(self.hub, self._rtp), self.health, limits
        )
        self._beside = Tasks()
        """what no call waits for"""
        self._stop_asked = asyncio.Event()

    async def start(self, host: str, port: int, relay_port: int = 0, relay_host: str = "") -> int:
        """Read the keys, take the lease, then listen; return the port. `relay_host`: how other
        workers call this one's host; empty: it is found out."""
        await self._keys.begin()
        await self._lease.begin()
        self._forwarding_client.address = await self._forwarding_server.start(
            host, relay_port, relay_host
        )
        port = await self._server.start(host, port)
        _log.info("the sink listens", extra={"worker": self._name, "port": port})
        return port

    @property
    def forwarding_address(self) -> str:
        """Return the address to which other workers forward streams; empty before `start`."""
        return self._forwarding_client.address

    def stop(self) -> None:
        """Ask for the planned stop; asking twice is harmless."""
        self._stop_asked.set()

    async def run(self) -> None:
        """Work until the stop, then stop. Raises PreconditionFailed where it was declared dead, and
        whatever ends what it can't do without: a worker that hears no commands records what it must
        not."""
        lease = asyncio.create_task(self._lease.keep())
        beat = asyncio.create_task(self.hub.beat())
        mailbox = asyncio.create_task(self._mailbox.keep())
        keys = asyncio.create_task(self._keys.keep())
        asked = asyncio.create_task(self._stop_asked.wait())
        self._beside.start(self._metrics.keep())
        if self._protection:
            self._beside.start(self._protection.keep())
        if self._departure:
            self._beside.start(self._departure.keep())
        self._beside.start(self._failure_detector.keep())
        try:
            needed = {lease, beat, mailbox, keys}
            await asyncio.wait({*needed, asked}, return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                await self._finish(lease)
            for task in needed:
                if task.done() and not task.cancelled():
                    task.result()
        finally:
            await self._end(lease, beat, mailbox, keys, asked)

    async def _finish(self, lease: asyncio.Task[None]) -> None:
        """Send everybody away and store what they sent; heartbeat and lease go on meanwhile."""
        self._server.refuse_more()
        self._forwarding_server.refuse_more()
        self._rtp.refuse_more()
        _log.info("the sink stops", extra={"worker": self._name, "calls": self.hub.calls})
        if not await self.hub.stop(self._limits.stop_within_s):
            return
        lease.cancel()
        await asyncio.wait({lease})
        try:
            await self._lease.release(self._name, _RELEASE_WITHIN_S)
        except (TimeoutError, PreconditionFailed):
            _log.warning("the lease was left to run out", extra={"worker": self._name})

    async def _end(self, *tasks: asyncio.Task[Any]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._beside.cancel()
        await self._mailbox.close()
        await self._rtp.close()
        self.hub.cut_off()
        await self._worker.senders.close()
        await self._server.close()
        self._forwarding_client.close()
        await self._forwarding_server.close()
        await self._worker.journal.close()
        self._worker.segments.close()
        self._worker.control.close()
        if self._takeover:
            await self._takeover.close()
        self._failure_detector.close()
        if self._status_checks:
            await self._status_checks.close()
        self._lease.close()
        self._keys.close()
        _log.info("the sink stopped", extra={"worker": self._name})

    def _read_lease(self, renewals: int) -> Lease:
        return Lease(
            worker=self._name,
            started_at=self._started_at,
            renewals=renewals + 1,
            calls=self.hub.calls,
            journal_safe_below=self.hub.safe_below(),
            degraded=self.health.degraded,
            renewed_at=datetime.now(UTC),
            rtp_host=self._rtp.offer.host,
            rtp_first=self._rtp.offer.first,
            rtp_last=self._rtp.offer.last,
            rtp_open=len(self._rtp),
            generation=self._generation,
        )


def _worker(
    name: str,
    outside: Outside,
    control: Control,
    forwarding_client: ForwardingClient,
    spool: Spool,
    health: Health,
    limits: Limits,
    public_host: str,
) -> Worker:
    return Worker(
        name=name,
        limits=limits,
        health=health,
        control=control,
        journal=Journal(name, outside.store, health, limits),
        segments=SegmentStore(name, outside.store, spool, health, limits),
        forwarding_client=forwarding_client,
        senders=Senders(
            name,
            outside.live_taps,
            Dialer(policy=outside.url_policy, limits=limits),
            health,
            limits,
            public_host,
        ),
    )
