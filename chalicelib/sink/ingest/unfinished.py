"""How much memory the unfinished messages of all sockets hold together."""

from __future__ import annotations

MOST_BYTES = 28 * 1024 * 1024
"""with the connections that it takes to hold so much, less than 32 MB: 230 messages of 64 KB, 53 of
half a minute"""
READ_BUFFER_BYTES = 64 * 1024
"""that a connection's read buffer grows by when much comes at once; it never shrinks"""


def cost(size: int) -> int:
    """Return what an unfinished message of this size costs, with the buffer that read it."""
    return size + min(size, READ_BUFFER_BYTES)


class Unfinished:
    """The parts of messages that aren't whole yet."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.held_bytes = 0
        self._most_bytes = most_bytes

    def grow(self, before: int, after: int) -> bool:
        """Make room for a message that grows; False where there is none."""
        more = cost(after) - cost(before)
        if self.held_bytes + more > self._most_bytes:
            return False
        self.held_bytes += more
        return True

    def free(self, size: int) -> None:
        """Give a message's room back: it is whole, or its socket is over."""
        self.held_bytes -= cost(size)
