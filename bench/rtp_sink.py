"""RTP ports as the sink has them; what they receive is cut once a second and let go."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from datetime import UTC, datetime

import uvloop

from bench.ingest_sink import NoClaims
from chalicelib.capture.events import Track
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import CallRef
from chalicelib.recording.rtp_endpoint import EndpointOptions, PortClaim
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.ingest.rtp_ports import RtpPlace, RtpPorts
from chalicelib.sink.runtime import gc_tuning
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits

HOST = "127.0.0.1"
FIRST = 20_000


class Ear:
    """A listener that does nothing."""

    def hear(self, stream: LiveStream, track: Track, payload: bytes, arrival_us: int) -> None:
        pass

    def press(self, stream: LiveStream, digit: str, arrival_us: int) -> None:
        pass


class Owner:
    """Follows streams, and listens to them where it shall."""

    def __init__(self, ear: Ear | None) -> None:
        self.streams: list[LiveStream] = []
        self.packets = 0
        self.records = 0
        self._ear = ear

    def stream_opened(self, stream: LiveStream) -> None:
        self.streams.append(stream)

    def stream_started(self, stream: LiveStream) -> None:
        stream.listen(self._ear)

    def stream_closed(self, stream: LiveStream) -> None:
        self.streams.remove(stream)

    def stream_silent(self, stream: LiveStream, number: int) -> None:
        """Let it be silent."""

    async def beat(self) -> None:
        """Cut every second."""
        while True:
            await asyncio.sleep(1)
            for stream in self.streams:
                records = stream.cut()
                self.records += len(records)
                self.packets += sum(record.messages for record in records)


async def main() -> None:
    count, listens = int(sys.argv[1]), sys.argv[2] == "listened"
    owner = Owner(Ear() if listens else None)
    place = RtpPlace(host=HOST, bind_host=HOST, first=FIRST, last=FIRST + 2 * count)
    ports = RtpPorts("bench", place, NoClaims(), owner, Health(), Limits())
    for number in range(count):
        await ports.open(_command(number))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    beat = asyncio.create_task(owner.beat())
    gc_tuning.tune()
    print(json.dumps({"first": FIRST, "count": len(ports)}), flush=True)
    await stop.wait()
    beat.cancel()
    await ports.close()
    print(json.dumps({"packets": owner.packets, "records": owner.records}), flush=True)


def _command(number: int) -> Command:
    claim = PortClaim(
        claim_id=str(number),
        worker="bench",
        host=HOST,
        port=FIRST + 2 * number,
        call=CallRef(account="main", carrier="bench", call_id=str(number)),
        profile="bench",
        control_id="rtp-speak",
        options=EndpointOptions(),
        claimed_at=datetime.now(UTC),
    )
    return Command(
        command_id=str(number),
        kind=CommandKind.OPEN_PORT,
        worker="bench",
        call_key=claim.call.key,
        recording_id="",
        at=claim.claimed_at,
        claim=claim,
    )


if __name__ == "__main__":
    uvloop.run(main())
