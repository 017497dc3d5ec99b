"""`python -m chalicelib.api.workers list|idle`: the sink's workers, by generation.

`make retire` runs `idle`: its exit code is 0 if a generation has no calls left and a newer one
takes the new calls.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

from chalicelib import wiring
from chalicelib.api.requests import now
from chalicelib.errors import TapedeckError
from chalicelib.ports.values import Lease
from chalicelib.recording.liveness import is_alive
from chalicelib.services.recovery.generations import hindrances, working


def main(arguments: Sequence[str], out: TextIO, errors: TextIO) -> int:
    """Run one command and return the process's exit code."""
    asked = _parser().parse_args(arguments)
    try:
        leases = wiring.ports().leases.all()
    except (TapedeckError, ValueError) as error:
        errors.write(f"{error}\n")
        return 1
    if asked.command == "list":
        out.writelines(f"{_shown(lease, now())}\n" for lease in working(leases))
        return 0
    left = hindrances(leases, asked.generation, now())
    errors.writelines(f"{hindrance}\n" for hindrance in left)
    return 1 if left else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chalicelib.api.workers")
    commands = parser.add_subparsers(required=True, metavar="list|idle", dest="command")
    commands.add_parser("list", help="show every worker that isn't over")
    idle = commands.add_parser("idle", help="say whether a generation may go")
    idle.add_argument("generation", type=int)
    return parser


def _shown(lease: Lease, at: datetime) -> str:
    facts = f"generation {lease.generation}  {lease.worker}  {lease.calls} calls"
    state = "" if is_alive(lease, at) else "  silent"
    problem = f"  degraded: {lease.degraded}" if lease.degraded else ""
    return f"{facts}  {lease.rtp_open} RTP ports{state}{problem}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout, sys.stderr))
