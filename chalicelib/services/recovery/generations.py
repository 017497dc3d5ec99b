"""Generations of workers: which has calls, and whether one may go."""

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
    """Say why a generation may not go yet; nothing where it may.

    A worker that died with calls counts until somebody has ended them.
    """
    left = working(leases)
    busy = [
        f"{lease.worker} has {lease.calls} calls and {lease.rtp_open} RTP ports"
        for lease in left
        if lease.generation == generation and (lease.calls or lease.rtp_open)
    ]
    if any(lease.generation > generation and is_alive(lease, now) for lease in left):
        return busy
    return [*busy, f"no worker of a generation after {generation} lives: nobody would take calls"]
