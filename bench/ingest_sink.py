"""The sink as it runs, with tables in memory and a real S3 client."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import uvloop

from chalicelib.adapters.s3.buckets import SINK_CONFIG, S3MediaStore
from chalicelib.capture.events import Encoding
from chalicelib.errors import NotFound
from chalicelib.ports.values import CloseResult, JoinRequest, JoinResult, Lease
from chalicelib.recording.commands import Command
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import CallRef, Ending, Recording, RecordOptions, State
from chalicelib.recording.rtp_endpoint import PortClaim
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.sink.runtime import gc_tuning, json_log
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.worker import Worker, WorkerPorts
from chalicelib.tapping.lifecycle import TapCause
from chalicelib.tapping.model import Tap, TapQuality, TapRequest

KEY = bytes(32)


class Tables:
    """Says yes to everything."""

    def join_call(self, joining: JoinRequest) -> JoinResult:
        recording = Recording(
            recording_id=joining.stream_key,
            call=joining.call,
            control_id="bench",
            state=State.RECORDING,
            version=1,
            round=1,
            options=RecordOptions(),
            profile=joining.profile,
            created_at=joining.opened_at,
            started_at=joining.opened_at,
        )
        return JoinResult(
            call=joining.call,
            call_session=1,
            stream_count=1,
            encoding=Encoding.PCMU,
            recordings=(recording,),
        )

    def end_stream(
        self,
        call: CallRef,
        stream_key: str,
        ending: Ending,
        at: datetime,
        *,
        in_segments: bool = True,
        segments: tuple[int, int] | None = None,
        reason: str = "",
    ) -> Ending:
        return ending

    def close_call(self, call: CallRef, round_: int, at: datetime) -> CloseResult:
        return CloseResult(closed=True)

    def begin(self, recording_id: str, at_us: int) -> Recording:
        raise NotFound(recording_id)

    def note_beep(self, recording_id: str, at_us: int) -> Recording:
        raise NotFound(recording_id)

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        raise NotFound(recording_id)

    def resume(self, recording_id: str, at_us: int) -> Recording:
        raise NotFound(recording_id)

    def send(self, command: Command) -> None:
        pass

    def waiting(self, worker: str) -> list[Command]:
        return []

    def is_waiting(self, command: Command) -> bool:
        return False

    def remove(self, command: Command) -> None:
        pass

    def end_recording(self, recording_id: str, cause: Cause, at: datetime, digit: str = "") -> None:
        pass

    def renew(self, lease: Lease) -> None:
        pass

    def release(self, worker: str) -> None:
        pass

    def all(self) -> list[Lease]:
        return []

    def declare_dead(self, lease: Lease) -> None:
        pass

    def forget(self, worker: str) -> None:
        pass


class NoClaims:
    """Nobody claims a port."""

    def claim(self, claim: PortClaim) -> None:
        pass

    def of_call(self, call_key: str) -> list[PortClaim]:
        return []

    def at(self, host: str, port: int) -> PortClaim | None:
        return None

    def open(self, claim: PortClaim) -> None:
        pass

    def release(self, claim: PortClaim) -> None:
        pass


class NoTaps:
    """Nobody taps."""

    def begin(self, request: TapRequest, source_address: str, source_port: int) -> Tap:
        raise NotFound(request.tap_id)

    def refuse(self, request: TapRequest, reason: str, at: datetime) -> Tap:
        raise NotFound(request.tap_id)

    def take_over(self, tap: Tap, worker: str, source_address: str, source_port: int) -> Tap:
        return tap

    def abandon(self, call_key: str, tap_id: str, at: datetime) -> Tap:
        raise NotFound(tap_id)

    def end(self, tap: Tap, cause: TapCause, reason: str, quality: TapQuality, at: datetime) -> Tap:
        return tap


async def main(endpoint_url: str, limits: Limits, spool_dir: Path | None = None) -> None:
    """Serve a bench until SIGTERM; tell the port and a good path."""
    json_log.begin()
    client = boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",  # noqa: S106  # the store takes anything
        config=SINK_CONFIG,
    )
    tables = Tables()
    outside = WorkerPorts(
        control=tables,
        live_recordings=tables,
        live_taps=NoTaps(),
        mailbox=tables,
        port_claims=NoClaims(),
        leases=tables,
        store=S3MediaStore(client, "bench"),
        token_keys=lambda: [KEY],
        spool_dir=spool_dir,
    )
    sink = Worker("bench", outside, limits)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sink.stop)
    port = await sink.start("127.0.0.1", 0)
    token = tokens.issue(
        [KEY], TokenKind.PROFILE, "main", "bench", datetime.now(UTC) + timedelta(hours=9)
    )
    gc_tuning.tune()
    print(json.dumps({"port": port, "path": f"/bandwidth/{token}"}), flush=True)
    await sink.run()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Limits(sessions=int((sys.argv[2:] or ["100000"])[0]))))
