"""A lock between processes: held while a file stays open.

`python -m infra.lock COMMAND…` runs a command that packages, as `make package` does.

By hand: `fcntl.flock` is one call; a package would add its own files and timeouts.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.paths import BUILD

PACKAGING = BUILD / "packaging.lock"
"""Held while Chalice packages: it writes .chalice/deployments/<digest>.zip in place, and takes a
file of that name for whole, also while another process still writes it."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until nobody else holds this lock, and hold it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    with locked(PACKAGING):
        code = subprocess.run(sys.argv[1:], check=False).returncode
    sys.exit(code)
