"""A whole sink on a free port with fakes behind it, and carriers that talk to it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from chalicelib.capture import container
from chalicelib.capture.events import Track
from chalicelib.capture.records import Record
from chalicelib.ports.aws import Workflows
from chalicelib.ports.call_owner import DeadWorkers, LiveRecordings, LiveTaps
from chalicelib.ports.rows import Mailbox
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.security.url_guard import UrlPolicy
from chalicelib.sink.ingest.rtp_ports import RtpPlace
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.worker import Worker, WorkerPorts
from tests.fake_accounts import FakeMailbox
from tests.fake_claims import FakePortClaims
from tests.fake_store import Store
from tests.sink.fakes import FakeControl, FakeLeases, FakeLive, FakeLiveTaps, SlowStore

KEY = b"k" * 32
LOCAL = UrlPolicy(http_allowed=True, ports=None, allowed_networks=(ip_network("127.0.0.0/8"),))
FRAME = 160
"""samples of 20 ms"""

QUICK = Limits(
    start_within_s=0.3,
    linger_s=0.2,
    alone_after_s=0.3,
    rejoin_s=0.02,
    other_workers_s=0.05,
    journal_every_s=0.05,
    segment_every_s=30.0,
    retry_first_s=0.02,
    retry_most_s=0.05,
    lease_every_s=0.05,
    mailbox_every_s=0.02,
    mailbox_idle_s=0.1,
    forwarding_alive_s=0.2,
    forwarding_reach_s=0.5,
    stop_within_s=5.0,
)


def token(kind: TokenKind = TokenKind.PROFILE, *, hours: int = 1, key: bytes = KEY) -> str:
    """Return a token for the profile `support`."""
    expires_at = datetime.now(UTC) + timedelta(hours=hours)
    return tokens.issue([key], kind, "main", "support", expires_at)


def frame(number: int) -> bytes:
    """Return 20 ms of PCMU that no other number gives."""
    return (number % 65536).to_bytes(2) * (FRAME // 2)


def start(call_id: str = "c-1", stream_id: str = "s-1") -> str:
    """Return Bandwidth's start of two tracks."""
    tracks = [
        {"name": name, "mediaFormat": {"encoding": "PCMU", "sampleRate": 8000}}
        for name in ("inbound", "outbound")
    ]
    metadata = {"accountId": "5", "callId": call_id, "streamId": stream_id, "tracks": tracks}
    return json.dumps({"eventType": "start", "metadata": metadata})


def media(number: int, track: str = "inbound") -> str:
    """Return one of Bandwidth's media messages."""
    payload = base64.b64encode(frame(number)).decode()
    return json.dumps(
        {"eventType": "media", "sequenceNumber": str(number), "track": track, "payload": payload}
    )


STOP = json.dumps({"eventType": "stop", "metadata": {}})


@dataclass
class Rig:
    """A running sink."""

    limits: Limits = QUICK
    control: FakeControl = field(default_factory=FakeControl)
    live: LiveRecordings = field(default_factory=FakeLive)
    mailbox: Mailbox = field(default_factory=lambda: FakeMailbox(Store()))
    claims: FakePortClaims = field(default_factory=lambda: FakePortClaims(Store()))
    rtp: RtpPlace = field(default_factory=RtpPlace)
    taps: LiveTaps = field(default_factory=FakeLiveTaps)
    leases: FakeLeases = field(default_factory=FakeLeases)
    store: SlowStore = field(default_factory=SlowStore)
    keys: list[bytes] = field(default_factory=lambda: [KEY])
    dead_workers: DeadWorkers | None = None
    workflows: Workflows | None = None
    name: str = "w-1"
    spool_dir: Path | None = None
    port: int = 0
    life: asyncio.Task[None] | None = None
    outside: WorkerPorts = field(init=False)
    sink: Worker = field(init=False)

    def __post_init__(self) -> None:
        self.outside = WorkerPorts(
            control=self.control,
            live_recordings=self.live,
            mailbox=self.mailbox,
            port_claims=self.claims,
            leases=self.leases,
            store=self.store,
            token_keys=lambda: list(self.keys),
            live_taps=self.taps,
            dead_workers=self.dead_workers,
            workflows=self.workflows,
            url_policy=LOCAL,
            spool_dir=self.spool_dir,
        )
        self.sink = Worker(self.name, self.outside, self.limits, self.rtp)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Rig]:
        """Run the sink; stop it as planned."""
        self.port = await self.sink.start("127.0.0.1", 0)
        self.life = asyncio.create_task(self.sink.run())
        try:
            yield self
        finally:
            self.sink.stop()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(self.life, 20)

    async def die(self) -> None:
        """End as a killed process does: connections break, and nothing more is stored."""
        assert self.life is not None
        self.store.is_away = True
        self.life.cancel()
        await asyncio.wait({self.life})

    @contextlib.asynccontextmanager
    async def bandwidth(self, token_: str = "") -> AsyncIterator[ClientConnection]:
        """Open a Bandwidth stream's socket."""
        uri = f"ws://127.0.0.1:{self.port}/bandwidth/{token_ or token()}"
        async with connect(uri, compression=None) as socket:
            yield socket

    async def open(self, call_id: str) -> ClientConnection:
        """Return a Bandwidth stream's socket after its start."""
        socket = await connect(f"ws://127.0.0.1:{self.port}/bandwidth/{token()}", compression=None)
        await socket.send(start(call_id, f"s-{call_id}"))
        return socket

    @contextlib.asynccontextmanager
    async def tap(
        self, call_id: str = "c-1", direction: str = "speak"
    ) -> AsyncIterator[ClientConnection]:
        """Open a SignalWire tap's socket."""
        uri = f"ws://127.0.0.1:{self.port}/signalwire-tap/{token()}/{call_id}/{direction}"
        async with connect(uri, compression=None) as socket:
            yield socket

    def stored(self, prefix: str, track: Track = Track.INBOUND) -> bytes:
        """Return a track's payload as the objects under a prefix hold it, by position."""
        records: dict[tuple[str, int], Record] = {}
        for key in self.store.keys(prefix):
            for record in container.decode(self.store.objects[key], key).records:
                if record.track is track:
                    records[record.stream_key, record.first_sample] = record
        return b"".join(records[place].payload for place in sorted(records))


async def until(condition: Callable[[], object], within_s: float = 5.0) -> None:
    """Wait for what other tasks bring about."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario on the loop that the sink runs on."""
    uvloop.run(scenario())
