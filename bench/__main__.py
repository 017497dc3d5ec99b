"""`make bench`: every measurement there is, one after the other."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

MEASUREMENTS = (
    "ingest",
    "costs",
    "finalization",
    "proof",
    "hook",
    "detectors",
    "listening",
    "rtp",
    "forwarding",
    "taps",
    "rtp_ingest",
    "live_commands",
)


def main() -> int:
    """Run those that exist, each in a process of its own; return the worst exit code."""
    codes = [
        subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
        for name in MEASUREMENTS
        if importlib.util.find_spec(f"bench.{name}") is not None
    ]
    return max(codes, default=0)


if __name__ == "__main__":
    sys.exit(main())
