"""`python -m trials.takeover.sweeper`: the sweeper as a process, so that a proxy can cut it off.

Each sweep is a line of JSON: what it did.
"""

from __future__ import annotations

import json
import time

from chalicelib import wiring
from chalicelib.errors import Unavailable

_APART_S = 2.0


def main() -> None:
    """Sweep until somebody ends the process."""
    needs = wiring.ports().sweeper
    while True:
        try:
            done = dict(needs.sweep())
        except Unavailable:
            done = {"unavailable": 1}
        print(json.dumps(done), flush=True)
        time.sleep(_APART_S)


if __name__ == "__main__":
    main()
