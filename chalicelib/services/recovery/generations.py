"""Decides whether a generation of workers may be retired."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.ports.values import Lease
from chalicelib.recording.liveness import is_alive


def working(leases: Iterable[Lease]) -> list[Lease]:
    """Return the leases that aren't over, the oldest generation first."""
    left = [lease for lease in leases if not lease.over]
    return sorted(left, key=lambda lease: (lease.generation, lease.worker))


def hindrances(leases: Iterable[Lease], generation: int, now: datetime) -> list[str]:
    """Return why a generation can't be retired yet; nothing if it can.

    The calls of a dead worker count until they are ended.
    """
    left = working(leases)
    busy = [
        f"{lease.worker} has {lease.calls} calls and {lease.rtp_open} RTP ports"
        for lease in left
        if lease.generation == generation and (lease.calls or lease.rtp_open)
    ]
    if any(lease.generation > generation and is_alive(lease, now) for lease in left):
        return busy
    return [*busy, f"no worker of a generation after {generation} is alive to take its calls"]
