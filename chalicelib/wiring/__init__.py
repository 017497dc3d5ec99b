"""The composition root: chooses the adapter behind each port, and composes use cases lazily."""

from __future__ import annotations

from chalicelib import config
from chalicelib.wiring.sink import Ports

__all__ = ["Ports", "install", "ports", "uninstall"]

_installed: Ports | None = None


def ports() -> Ports:
    """Return this process's ports."""
    return _installed or install(Ports(config.settings()))


def install(ports_: Ports) -> Ports:
    """Make these the process's ports, and return them."""
    global _installed  # noqa: PLW0603  # the one place that holds a process together
    _installed = ports_
    return ports_


def uninstall() -> None:
    """Forget the process's ports; the next call of `ports` makes new ones."""
    global _installed  # noqa: PLW0603  # as above
    _installed = None
