"""Where a tap's messages go, whatever carries them."""

from __future__ import annotations

from typing import Protocol


class TapOutput(Protocol):
    """A tap's way out. What it does takes microseconds; what it can't send it drops and counts."""

    sent: int
    """messages; of a websocket those that its connection took"""
    dropped: int
    reconnects: int

    @property
    def source(self) -> tuple[str, int]:
        """Return from where packets come; of a websocket nothing."""

    def send(self, message: bytes) -> None:
        """Send a message, now or as soon as it goes."""

    def close(self) -> None:
        """Send nothing more."""
