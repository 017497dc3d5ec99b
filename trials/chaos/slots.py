"""Places where a worker runs: killed, and started again under another name, on the same port."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

from infra.local.ports import HOST, choose_port
from infra.local.processes import running
from tests.e2e.fault_proxy import FaultProxy, Moment
from tests.e2e.stage import Stage
from trials.chaos.kills import Trap

_READY_WITHIN_S = 60
_RTP_FIRST, _RTP_LAST = 24_000, 31_999
RTP_PORTS = 40
"""of a worker"""
_STOP_WITHIN_S = 30
_WRITE = "PutItem"


@dataclass(slots=True, kw_only=True)
class Life:
    """One worker, from its start to its end."""

    port: int
    rtp_first: int
    process: Popen[bytes]
    name: str = ""
    """as the worker tells it"""
    killed_s: float | None = None
    """on the monotonic clock; nothing while it lives"""
    killed_in: str = ""
    """which moment it was"""

    def at(self, stream_url: str) -> str:
        """Return a stream URL that leads to this worker."""
        return f"ws://{HOST}:{self.port}{urlsplit(stream_url).path}"

    def has_port(self, uri: str) -> bool:
        """Whether an RTP address is this worker's."""
        return self.rtp_first <= (urlsplit(uri).port or 0) < self.rtp_first + RTP_PORTS


@dataclass(slots=True)
class Slot:
    """One of the three; its worker's requests go through a proxy of its own."""

    number: int
    stage: Stage
    proxy: FaultProxy
    ports: Iterator[int]
    """first RTP ports"""
    port: int = field(default_factory=lambda: choose_port(""))
    lives: list[Life] = field(default_factory=list)
    trap: Trap | None = None
    _stored_segment: bool = False
    _stack: ExitStack = field(default_factory=ExitStack)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def life(self) -> Life | None:
        """The worker that runs here and takes calls."""
        last = self.lives[-1] if self.lives else None
        return last if last and last.name and last.killed_s is None else None

    async def start(self) -> Life:
        """Start a worker; return it when it takes calls."""
        self.trap, self._stored_segment = None, False
        first = next(self.ports)
        folder = self.stage.folder / self.stage.fresh(f"slot-{self.number}-{len(self.lives)}")
        process = self._stack.enter_context(
            running(
                "The sink",
                [self.stage.aws.tools.python, "-m", "chalicelib.sink"],
                log=folder / "sink.log",
                environment=self._environment(folder, first),
                stop_within_s=_STOP_WITHIN_S,
            )
        )
        life = Life(port=self.port, rtp_first=first, process=process)
        self.lives.append(life)
        life.name = await asyncio.wait_for(self._name(), _READY_WITHIN_S)
        return life

    def kill(self, moment: str) -> bool:
        """SIGKILL the worker; tell whether it lived. Any thread may."""
        with self._lock:
            life = self.life
            if life is None:
                return False
            life.process.kill()
            life.killed_s, life.killed_in = time.monotonic(), moment
            return True

    def passes(self, moment: Moment, request: str) -> bool:
        """Spring the trap where its moment is come; let nothing through of a worker that is dead
        before the store had all of it."""
        if any(life.killed_s is not None and life.name in request for life in self.lives):
            return moment is Moment.ROW_ASKED
        trap = self.trap
        if trap is None or not self._is_met(trap, moment, request):
            return True
        return not self.kill(trap)

    def close(self) -> None:
        """Stop the worker."""
        self._stack.close()

    def _is_met(self, trap: Trap, moment: Moment, request: str) -> bool:
        is_journal, is_segment = request.startswith("journal/"), request.startswith("segments/")
        if trap is Trap.ROW:
            self._stored_segment |= is_segment and moment is Moment.PUT_ANSWERED
            is_end = _WRITE in request and "ended_at" in request
            return self._stored_segment and moment is Moment.ROW_ASKED and is_end
        wanted = {
            Trap.JOURNAL_PUT: is_journal and moment is Moment.PUT_BEGUN,
            Trap.JOURNAL_STORED: is_journal and moment is Moment.PUT_STORED,
            Trap.SEGMENT_PUT: is_segment and moment is Moment.PUT_BEGUN,
            Trap.SEGMENT_STORED: is_segment and moment is Moment.PUT_STORED,
        }
        return wanted.get(trap, False)

    def _environment(self, folder: Path, rtp_first: int) -> dict[str, str]:
        spool = folder / "spool"
        spool.mkdir(parents=True, exist_ok=True)
        return {
            **self.stage.stack.environment,
            "AWS_ENDPOINT_URL": self.proxy.url,
            "TAPEDECK_SINK_HOST": HOST,
            "TAPEDECK_SINK_PORT": str(self.port),
            "TAPEDECK_RTP_HOST": HOST,
            "TAPEDECKRTP_PORTS": f"{rtp_first}-{rtp_first + RTP_PORTS - 1}",
            "TAPEDECK_RUN_DIR": str(spool),
        }

    async def _name(self) -> str:
        while True:
            if name := await asyncio.to_thread(_asked_name, self.port):
                return name
            await asyncio.sleep(0.1)


@contextmanager
def slots(stage: Stage, count: int, latency_s: Callable[[], float]) -> Iterator[list[Slot]]:
    """Return empty places; at the end their workers are stopped."""
    rtp_firsts = iter(range(_RTP_FIRST, _RTP_LAST, RTP_PORTS))
    with ExitStack() as stack:
        made = []
        for number in range(count):
            proxy = stack.enter_context(FaultProxy(stage.aws.endpoint).running())
            slot = Slot(number, stage, proxy, rtp_firsts)
            proxy.faults.put_latency_s, proxy.faults.passes = latency_s, slot.passes
            stack.callback(slot.close)
            made.append(slot)
        yield made


def _asked_name(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=2) as answer:
            return str(json.load(answer)["worker"])
    except (OSError, ValueError):
        return ""
