"""TCP ports for a local run."""

from __future__ import annotations

import os
import socket

from infra.local.failures import RunFailed

HOST = "127.0.0.1"


def choose_port(variable: str) -> int:
    """Return the port that an environment variable asks for, or any free one where it is unset.

    Raises RunFailed where the wanted port is no port, or taken.
    """
    wanted = os.environ.get(variable, "").strip()
    if not wanted:
        return _bound(0)
    if not (wanted.isascii() and wanted.isdigit()) or not 1 <= int(wanted) <= 65535:
        raise RunFailed(f"{variable} must be a port number from 1 to 65535, not {wanted!r}.")
    try:
        return _bound(int(wanted))
    except OSError as error:
        raise RunFailed(
            f"Port {wanted} ({variable}) can't be used: {error.strerror or error}. "
            f"End what uses it, set {variable} to another port, or unset it to use any free one."
        ) from error


def _bound(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return int(probe.getsockname()[1])
