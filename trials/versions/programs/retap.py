"""Notes that a carrier was asked to tap a dead worker's streams again: there is none to ask."""

from __future__ import annotations

from datetime import UTC, datetime

from chalicelib import wiring

if __name__ == "__main__":
    ports, now = wiring.ports(), datetime.now(UTC)
    streams = [
        one
        for lease in ports.leases.all()
        for one in ports.live_streams.of_worker(lease.worker)
        if one.ended_at is None
    ]
    for stream in streams:
        ports.retaps.begin(stream, "fixture", now)
    ports.retaps.end(streams[0], "fixture")
