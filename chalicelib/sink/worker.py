"""A worker from its start to its planned stop, which loses nothing: lease, sockets, heartbeat."""

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
from chalicelib.sink.call_registry import CallRegistry
from chalicelib.sink.calls.command_handler import CommandHandler
from chalicelib.sink.calls.database import Database
from chalicelib.sink.calls.worker_context import WorkerContext
from chalicelib.sink.cluster.call_status_checks import CallStatusChecks
from chalicelib.sink.cluster.ecs_task import DrainWatch, ScaleInProtection
from chalicelib.sink.cluster.failure_detector import FailureDetector
from chalicelib.sink.cluster.lease import LeaseKeeper
from chalicelib.sink.cluster.mailbox import MailboxKeeper
from chalicelib.sink.cluster.takeover import Takeover
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
class WorkerPorts:
    """The ports that a worker needs."""

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
    """None: the sweeper ends their calls"""
    workflows: Workflows | None = None
    """None: carriers aren't asked to tap again, nor for a call's status"""
    protection: TaskProtection | None = None
    """None outside ECS"""
    task_state: TaskState | None = None
    """None outside ECS"""
    url_policy: UrlPolicy = STRICT
    """the URLs that taps may send to"""
    spool_dir: Path | None = None
    """the folder in which segments wait for the store; None: in memory only"""


class Worker:
    """A worker. Call `start`, then `run`, which returns after `stop`."""

    def __init__(
        self,
        name: str,
        ports: WorkerPorts,
        limits: Limits,
        rtp: RtpPlace | None = None,
        generation: int = 0,
    ) -> None:
        self._name = name
        self._generation = generation
        self._limits = limits
        self._started_at = datetime.now(UTC)
        health = self.health = Health()
        rtp = rtp or RtpPlace()
        self._keys = TokenKeys(ports.token_keys, health, limits)
        keys = self._keys.current
        client = self._forwarding_client = ForwardingClient(name, keys, limits)
        spool = self.spool = Spool(ports.spool_dir, health, limits)
        self._lease = LeaseKeeper(ports.leases, self._read_lease, health, limits)
        database = Database(health, limits, self._lease.sure)
        self._context = _worker_context(
            name, ports, database, client, spool, health, limits, rtp.host
        )
        workflows, dead_workers = ports.workflows, ports.dead_workers
        self._status_checks = (
            CallStatusChecks(name, workflows, health, limits) if workflows else None
        )
        calls = self.call_registry = CallRegistry(self._context, self._status_checks)
        self._forwarding_server = ForwardingServer(name, calls, keys, limits)
        self._rtp = RtpPorts(name, rtp, ports.port_claims, calls, health, limits)
        count_ports = self._rtp.__len__
        self._server = Server(name, calls, health, keys, limits, count_ports)
        self._metrics = Metrics(name, calls, health, limits, count_ports, generation)
        self._protection = ports.protection and ScaleInProtection(
            ports.protection, lambda: calls.calls + len(self._rtp), limits
        )
        self._takeover = Takeover(dead_workers, health, limits) if dead_workers else None
        self._failure_detector = FailureDetector(
            name, ports.leases, workflows, self._takeover, health, limits
        )
        self._drain_watch = ports.task_state and DrainWatch(
            ports.task_state, self._rtp.offer_no_more, limits
        )
        commands = CommandHandler(calls, self._rtp)
        self._mailbox = MailboxKeeper(name, ports.mailbox, commands, health, limits)
        self._background = Tasks()
        """tasks that no call waits for"""
        self._stop_requested = asyncio.Event()

    async def start(self, host: str, port: int, relay_port: int = 0, relay_host: str = "") -> int:
        """Read the keys, take the lease, then listen; return the port. `relay_host` is the name by
        which other workers reach this host; empty: the worker finds its address."""
        await self._keys.begin()
        await self._lease.begin()
        self._forwarding_client.address = await self._forwarding_server.start(
            host, relay_port, relay_host
        )
        port = await self._server.start(host, port)
        _log.info("the worker listens", extra={"worker": self._name, "port": port})
        return port

    @property
    def forwarding_address(self) -> str:
        """Return the address to which other workers forward streams; empty before `start`."""
        return self._forwarding_client.address

    def stop(self) -> None:
        """Request the planned stop; a second request is harmless."""
        self._stop_requested.set()

    async def run(self) -> None:
        """Work until `stop` is called, then stop as planned.

        Raises PreconditionFailed if the worker was declared dead, and the error of any task that it
        needs: a worker that reads no commands would record what it must not.
        """
        lease = asyncio.create_task(self._lease.keep())
        beat = asyncio.create_task(self.call_registry.beat())
        mailbox = asyncio.create_task(self._mailbox.keep())
        keys = asyncio.create_task(self._keys.keep())
        requested = asyncio.create_task(self._stop_requested.wait())
        self._background.start(self._metrics.keep())
        if self._protection:
            self._background.start(self._protection.keep())
        if self._drain_watch:
            self._background.start(self._drain_watch.keep())
        self._background.start(self._failure_detector.keep())
        try:
            needed = {lease, beat, mailbox, keys}
            await asyncio.wait({*needed, requested}, return_when=asyncio.FIRST_COMPLETED)
            if requested.done():
                await self._finish(lease)
            for task in needed:
                if task.done() and not task.cancelled():
                    task.result()
        finally:
            await self._end(lease, beat, mailbox, keys, requested)

    async def _finish(self, lease: asyncio.Task[None]) -> None:
        """Close all streams and store what they sent; heartbeat and lease continue meanwhile."""
        self._server.refuse_more()
        self._forwarding_server.refuse_more()
        self._rtp.refuse_more()
        _log.info(
            "the worker stops", extra={"worker": self._name, "calls": self.call_registry.calls}
        )
        if not await self.call_registry.stop(self._limits.stop_within_s):
            return
        lease.cancel()
        await asyncio.wait({lease})
        try:
            await self._lease.release(self._name, _RELEASE_WITHIN_S)
        except (TimeoutError, PreconditionFailed):
            _log.warning(
                "the lease couldn't be released; it will expire", extra={"worker": self._name}
            )

    async def _end(self, *tasks: asyncio.Task[Any]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._background.cancel()
        await self._mailbox.close()
        await self._rtp.close()
        self.call_registry.cut_off()
        await self._context.senders.close()
        await self._server.close()
        self._forwarding_client.close()
        await self._forwarding_server.close()
        await self._context.journal.close()
        self._context.segments.close()
        self._context.database.close()
        if self._takeover:
            await self._takeover.close()
        self._failure_detector.close()
        if self._status_checks:
            await self._status_checks.close()
        self._lease.close()
        self._keys.close()
        _log.info("the worker stopped", extra={"worker": self._name})

    def _read_lease(self, renewals: int) -> Lease:
        return Lease(
            worker=self._name,
            started_at=self._started_at,
            renewals=renewals + 1,
            calls=self.call_registry.calls,
            journal_safe_below=self.call_registry.safe_below(),
            degraded=self.health.degraded,
            renewed_at=datetime.now(UTC),
            rtp_host=self._rtp.offer.host,
            rtp_first=self._rtp.offer.first,
            rtp_last=self._rtp.offer.last,
            rtp_open=len(self._rtp),
            generation=self._generation,
        )


def _worker_context(
    name: str,
    ports: WorkerPorts,
    database: Database,
    forwarding_client: ForwardingClient,
    spool: Spool,
    health: Health,
    limits: Limits,
    public_host: str,
) -> WorkerContext:
    return WorkerContext(
        name=name,
        limits=limits,
        health=health,
        database=database,
        call_control=ports.control,
        live_recordings=ports.live_recordings,
        journal=Journal(name, ports.store, health, limits),
        segments=SegmentStore(name, ports.store, spool, health, limits),
        forwarding_client=forwarding_client,
        senders=Senders(
            name,
            ports.live_taps,
            Dialer(policy=ports.url_policy, limits=limits),
            health,
            limits,
            public_host,
        ),
    )
