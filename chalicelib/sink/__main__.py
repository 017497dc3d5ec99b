"""`python -m chalicelib.sink`: one worker, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from chalicelib import wiring
from chalicelib.errors import PreconditionFailed, TapedeckError
from chalicelib.sink.ingest.rtp_ports import RtpPlace
from chalicelib.sink.runtime import gc_tuning, json_log
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.worker import Worker, WorkerPorts

_log = logging.getLogger("chalicelib.sink")


def main() -> int:
    """Run a worker; return 0 after a planned stop, 1 when it can't continue."""
    json_log.begin()
    try:
        uvloop.run(_run())
    except (ValueError, OSError, TapedeckError) as error:
        reason = error.code if isinstance(error, TapedeckError) else str(error)
        is_dead = isinstance(error, PreconditionFailed)
        message = "the worker was declared dead" if is_dead else "the worker can't run"
        _log.critical(message, extra={"reason": reason})
        return 1
    return 0


async def _run() -> None:
    ports = wiring.ports()
    settings = ports.settings
    worker_ports = WorkerPorts(
        control=ports.control,
        live_recordings=ports.live_recordings,
        live_taps=ports.live_taps,
        mailbox=ports.mailbox,
        port_claims=ports.port_claims,
        leases=ports.leases,
        store=ports.sink_media,
        dead_workers=ports.dead_workers,
        token_keys=ports.token_keys,
        url_policy=settings.url_policy,
        workflows=ports.workflows,
        protection=ports.task_protection,
        task_state=ports.task_state,
        spool_dir=Path(settings.run_dir),
    )
    rtp = await asyncio.to_thread(_rtp_place, ports)
    limits = Limits(stream_for_s=settings.stream_for.total_seconds())
    worker = Worker(_name(), worker_ports, limits, rtp, settings.generation)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_failure)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.start(
        settings.sink_host, settings.sink_port, settings.relay_port, settings.relay_host
    )
    gc_tuning.tune()
    await worker.run()


def _rtp_place(ports: wiring.Ports) -> RtpPlace:
    """Return where the worker takes RTP; one that can't learn its address takes none."""
    first, last = ports.settings.rtp_ports
    try:
        host = ports.rtp_host()
    except TapedeckError as error:
        _log.warning("the public address is unknown: no RTP", extra={"reason": error.message})
        host = ""
    return RtpPlace(host=host, bind_host=ports.settings.sink_host, first=first, last=last)


def _name() -> str:
    """Return a name that no other start of a worker has; later starts sort behind it."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.urandom(5).hex()}"


def _log_failure(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Log the class of an error that the loop caught; its message may quote what peers sent."""
    error = context.get("exception")
    if not isinstance(error, TimeoutError | ConnectionError):
        _log.error("the event loop caught an error", extra={"failure": type(error).__name__})


if __name__ == "__main__":
    sys.exit(main())
