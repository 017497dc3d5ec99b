"""What is attacked: a sink in a process of its own, with default limits, and a store for it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Thread

from bench.ingest import SENDER_CORE, SINK_CORE, Child, get
from chalicelib.sink.runtime.limits import Limits
from tests.sink.raw import TEXT, Raw, websocket_frame
from tests.sink.rig import start

LIMITS = Limits()
KIB = 1024

_ADDRESSES = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A sink that listens."""

    port: int
    token: str
    sink: Child
    store_port: int

    @property
    def path(self) -> str:
        """Where Bandwidth's socket is welcome."""
        return f"/bandwidth/{self.token}"

    def tap_path(self, call_id: str) -> str:
        """Return where SignalWire's socket is welcome: its start is in the path."""
        return f"/signalwire-tap/{self.token}/{call_id}/speak"

    def memory_kib(self) -> int:
        """Return the resident memory."""
        return self._status("VmRSS")

    def peak_kib(self) -> int:
        """Return the most resident memory since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Let the peak begin where the memory is."""
        Path(f"/proc/{self.sink.process.pid}/clear_refs").write_text("5")

    def messages_stored(self) -> int:
        """Count the messages whose media arrived in segments."""
        return int(get(self.store_port, "/")["messages"])

    async def connect(self) -> Raw:
        """Return a connection that said nothing."""
        return await Raw.connect(self.port)

    async def enter(self, path: str = "", address: str = "") -> Raw:
        """Return a socket after its 101; from an address that nobody had, where none is given."""
        raw = await self.connect()
        named = address or f"2001:db8::{next(_ADDRESSES):x}"
        status = await raw.ask(path or self.path, extra=f"X-Forwarded-For: {named}\r\n")
        if status != 101:
            raw.abort()
            raise ConnectionError(f"the sink answered {status}")
        return raw

    async def stream(self, call_id: str) -> Raw:
        """Return a socket on which a call was started."""
        raw = await self.enter()
        raw.send(websocket_frame(TEXT, start(call_id, f"s-{call_id}").encode()))
        return raw

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.sink.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise LookupError(name)


@contextmanager
def target() -> Iterator[Target]:
    """Run the sink and its store."""
    store = Child(SENDER_CORE, "bench.ingest_store")
    store_port = store.hear("port")["port"]
    arguments = (f"http://127.0.0.1:{store_port}", str(LIMITS.sessions))
    sink = Child(SINK_CORE, "bench.ingest_sink", *arguments)
    try:
        where = sink.hear("path")
        _discard_log(sink)
        token = where["path"].rpartition("/")[2]
        yield Target(port=where["port"], token=token, sink=sink, store_port=store_port)
    finally:
        sink.end()
        store.end()


def _discard_log(sink: Child) -> None:
    """Read what a sink logs: nobody reads it, and a full pipe would stop the sink."""
    said = sink.process.stdout
    assert said is not None
    Thread(target=lambda: deque(said, maxlen=0), daemon=True).start()


async def seconds_until_cut(raw: Raw, within_s: float) -> float:
    """Return how long a connection lives on, `within_s` where it doesn't end before."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(within_s):
            while await raw.reader.read(65_536):
                pass
    except TimeoutError:
        return within_s
    except ConnectionError:
        pass
    return time.monotonic() - began
