"""A worker's RTP ports: opened on a command, freed when what came to them is over."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from chalicelib.capture.events import Encoding
from chalicelib.errors import PreconditionFailed
from chalicelib.ports.rows import PortClaims
from chalicelib.recording.commands import Command
from chalicelib.recording.cuts import WORKER_STOPPED
from chalicelib.recording.rtp_endpoint import DIALECT, PortClaim
from chalicelib.sink.ingest.live_stream import Opening, StreamOwner
from chalicelib.sink.ingest.rtp_port import RtpPort
from chalicelib.sink.ingest.rtp_stream import RtpStream
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool
from chalicelib.sink.runtime.tasks import Tasks

_RELEASE_WITHIN_S = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPlace:
    """Where a worker takes RTP."""

    host: str = ""
    """the public IPv4 that is announced; empty: nowhere"""
    bind_host: str = ""
    """of the sockets; empty: every address"""
    first: int = 0
    """the least of its ports"""
    last: int = 0


class RtpPorts:
    """The ports that are open now."""

    def __init__(
        self,
        worker: str,
        place: RtpPlace,
        claims: PortClaims,
        owner: StreamOwner,
        health: Health,
        limits: Limits,
    ) -> None:
        self._worker = worker
        self._place = place
        self._claims = claims
        self._owner = owner
        self._limits = limits
        self._ports: dict[str, RtpPort] = {}
        self._patient = RetryPool("rtp", 2, health, limits)
        self._releases = Tasks()
        self._streams = 0
        self._is_stopping = False
        self._is_leaving = False

    def __len__(self) -> int:
        return len(self._ports)

    @property
    def offer(self) -> RtpPlace:
        """Return where this worker takes more RTP."""
        return RtpPlace() if self._is_stopping or self._is_leaving else self._place

    async def open(self, command: Command) -> None:
        """Open a claimed port and report it; free one that can't be opened."""
        claim = command.claim
        if claim is None or claim.claim_id in self._ports:
            return
        port = RtpPort(claim, self._limits, self._new_stream, self._forget)
        if self._is_stopping or not await self._binds(port):
            await self._release(claim)
            return
        self._ports[claim.claim_id] = port
        if self._is_stopping:  # since it was asked to open
            port.shut(WORKER_STOPPED)
            return
        try:
            await self._patient.retry(partial(self._claims.open, claim))
        except PreconditionFailed:
            port.shut("unclaimed")

    async def end(self, command: Command) -> None:
        """End what comes to a port: the carrier said that it is over."""
        port = self._ports.get(command.claim.claim_id) if command.claim else None
        if port is not None:
            port.finish()

    def offer_no_more(self) -> None:
        """Offer no port from now on; claimed ports are still opened."""
        self._is_leaving = True

    def refuse_more(self) -> None:
        """Stop opening ports and free those that wait; the call registry ends the streams."""
        self._is_stopping = True
        for port in list(self._ports.values()):
            if not port.is_streaming:
                port.shut(WORKER_STOPPED)

    async def close(self) -> None:
        """Shut what is open, and free it where the database answers in time."""
        self._is_stopping = True
        for port in list(self._ports.values()):
            port.shut(WORKER_STOPPED)
        await self._releases.finish(_RELEASE_WITHIN_S)
        await self._releases.cancel()
        self._patient.close()

    async def _binds(self, port: RtpPort) -> bool:
        loop = asyncio.get_running_loop()
        address = (self._place.bind_host or "0.0.0.0", port.port)  # noqa: S104  # a public port
        try:
            await loop.create_datagram_endpoint(lambda: port, local_addr=address)
        except OSError as error:
            extra = {"port": port.port, "reason": error.strerror or type(error).__name__}
            _log.warning("a claimed port can't be heard", extra=extra)
            return False
        return True

    def _new_stream(self, port: RtpPort, encoding: Encoding, first_us: int) -> RtpStream:
        self._streams += 1
        claim = port.claim
        opening = Opening(
            account=claim.call.account,
            profile=claim.profile,
            carrier=claim.call.carrier,
            dialect=DIALECT,
            stream_key=f"{self._worker}-rtp-{self._streams}",
        )
        return RtpStream(opening, self._owner, port, encoding, first_us)

    def _forget(self, port: RtpPort) -> None:
        self._ports.pop(port.claim.claim_id, None)
        self._releases.start(self._release(port.claim))

    async def _release(self, claim: PortClaim) -> None:
        await self._patient.retry(partial(self._claims.release, claim))
