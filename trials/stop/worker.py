"""A worker as it runs, with a real S3 client, and tables in memory that take their time.

python -m trials.stop.worker STORE-URL RTP-CALLS GRACE-SECONDS
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, cast

import boto3
import uvloop

from chalicelib.adapters.s3.buckets import SINK_CONFIG, S3MediaStore
from chalicelib.ports.call_owner import CallControl
from chalicelib.recording.close_grace import Graces
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import CallRef, Direction
from chalicelib.recording.rtp_endpoint import EndpointOptions, PortClaim
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.sink.ingest.rtp_ports import RtpPlace
from chalicelib.sink.runtime import gc_tuning, json_log
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.worker import Worker, WorkerPorts
from tests.samples import a_profile
from tests.services.core_desk import Desk
from tests.sink.fakes import FakeLeases
from trials.stop.frames import call_id

NAME = "w-1"
KEY = bytes(32)
ANSWER_S = 0.03
"""of the database, to each question: several requests to DynamoDB"""
PLACE = RtpPlace(host="127.0.0.1", bind_host="127.0.0.1", first=22_000, last=23_999)


@dataclass
class Slow:
    """A control as a worker has it: other workers' questions are answered between its own."""

    control: CallControl
    _lock: Lock = field(default_factory=Lock)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._answer, name)

    def _answer(self, name: str, *question: Any, **more: Any) -> Any:
        time.sleep(ANSWER_S)
        with self._lock:
            return getattr(self.control, name)(*question, **more)


def claims(count: int) -> list[PortClaim]:
    """Return claims of both sides' ports for the first calls."""
    return [
        PortClaim(
            claim_id=f"{call}-{side}",
            worker=NAME,
            host=PLACE.host,
            port=PLACE.first + 4 * call + 2 * side,
            call=CallRef(account="main", carrier="signalwire", call_id=call_id(call)),
            profile="tapped",
            control_id=f"rtp-{direction}",
            options=EndpointOptions(direction=direction),
            claimed_at=datetime.now(UTC),
        )
        for call in range(count)
        for side, direction in enumerate((Direction.SPEAK, Direction.LISTEN))
    ]


async def main(store_url: str, rtp_calls: int, grace_s: float) -> None:
    """Work until SIGTERM; tell where, and at the end what became of the calls."""
    json_log.begin()
    client = boto3.client(
        "s3",
        endpoint_url=store_url,
        region_name="us-east-1",
        aws_access_key_id="stop",
        aws_secret_access_key="stop",  # the store takes anything
        config=SINK_CONFIG,
    )
    desk, leases = Desk(), FakeLeases()
    graces = Graces(broken=timedelta(seconds=grace_s))
    desk.control = replace(desk.control, graces=graces)
    tapped = a_profile(name="tapped", dialect="signalwire-tap", carrier="signalwire")
    desk.core.store.profiles["main", "tapped"] = tapped
    outside = WorkerPorts(
        control=cast(CallControl, Slow(desk.control)),
        live_recordings=desk.live,
        live_taps=desk.taps,
        mailbox=desk.core.mailbox,
        port_claims=desk.core.port_claims,
        leases=leases,
        store=S3MediaStore(client, "stop"),
        token_keys=lambda: [KEY],
    )
    sink = Worker(NAME, outside, Limits(), PLACE)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sink.stop)
    port = await sink.start("127.0.0.1", 0)
    running = asyncio.create_task(sink.run())
    ports = claims(rtp_calls)
    for claim in ports:
        desk.core.port_claims.claim(claim)
        desk.core.mailbox.send(_opening(claim))
    while not all(desk.core.port_claims.of_call(one.call.key)[0].is_open for one in ports):
        await asyncio.sleep(0.1)
    gc_tuning.tune()
    told = {"port": port, "bandwidth": _token("front"), "tap": _token("tapped")}
    print(json.dumps({**told, "rtp": [claim.port for claim in ports]}), flush=True)
    await running
    calls = desk.core.store.calls.values()
    outcome = {
        "outcome": len(calls),
        "open": sum(call.open for call in calls),
        "finalizing": len(set(desk.workflows.finalizations)),
        "released": leases.released == [NAME],
        "lost_bytes": sink.health.lost.total(),
    }
    print(json.dumps(outcome), flush=True)


def _token(profile: str) -> str:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    return tokens.issue([KEY], TokenKind.PROFILE, "main", profile, expires_at)


def _opening(claim: PortClaim) -> Command:
    return Command(
        command_id=f"open-{claim.claim_id}",
        kind=CommandKind.OPEN_PORT,
        worker=NAME,
        call_key=claim.call.key,
        recording_id="",
        at=claim.claimed_at,
        claim=claim,
    )


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
