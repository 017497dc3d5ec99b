"""How much memory the unfinished messages of all sockets hold together."""

from __future__ import annotations

MOST_BYTES = 32 * 1024 * 1024


class Unfinished:
    """The parts of messages that aren't whole yet."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.held_bytes = 0
        self.refused = 0
        """sockets that were closed because there was no room"""
        self._most_bytes = most_bytes

    def take(self, size: int) -> bool:
        """Make room for a part; False, and counted, where there is none."""
        if self.held_bytes + size > self._most_bytes:
            self.refused += 1
            return False
        self.held_bytes += size
        return True

    def free(self, size: int) -> None:
        """Give room back: the message is whole, or its socket is over."""
        self.held_bytes -= size
