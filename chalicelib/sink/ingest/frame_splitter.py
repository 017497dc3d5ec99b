"""Large websocket frames as parts of a message, before the frame parser sees them.

The parser keeps a frame until it is whole, in a buffer that never shrinks, and has one cap for all
sockets. A dialect that sends messages of hundreds of KB is cut into parts here (RFC 6455, 5.4), so
that what is unfinished lies in one place, is counted there, and is freed with its message.
"""

from __future__ import annotations

import asyncio

PART_BYTES = 32 * 1024
"""a multiple of four, so that each part has the mask of the whole"""

_FIN = 0x80
_RESERVED = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_LENGTH = 0x7F
_CONTROL = 0x08
_READ_BYTES = 64 * 1024


class FrameSplitter:
    """Bytes of a client in; the same frames, none larger than a part, out."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        """a frame that announces more is left to the parser, which refuses it"""
        self._header = bytearray()
        self._first = 0
        """the first byte of the frame that is split; its opcode is a continuation's later"""
        self._mask = b""
        self._frame_left = 0
        self._part_left = 0

    def feed(self, data: memoryview) -> bytes:
        """Return what the parser shall read for these bytes."""
        out = bytearray()
        at = 0
        while at < len(data):
            if self._frame_left:
                at += self._copy(data[at:], out)
            else:
                self._header.append(data[at])
                at += 1
                if len(self._header) == self._header_size():
                    self._begin_frame(out)
        return bytes(out)

    def _header_size(self) -> int:
        """Return how long the header is, as far as it is known."""
        if len(self._header) < 2:
            return 2
        length = self._header[1] & _LENGTH
        more = {126: 2, 127: 8}.get(length, 0)
        return 2 + more + (4 if self._header[1] & _MASKED else 0)

    def _begin_frame(self, out: bytearray) -> None:
        header, self._header = bytes(self._header), bytearray()
        mask = header[-4:] if header[1] & _MASKED else b""
        length = header[1] & _LENGTH
        if length > 125:
            length = int.from_bytes(header[2 : len(header) - len(mask)])
        is_split = PART_BYTES < length <= self._largest and not header[0] & _CONTROL
        self._first, self._mask = header[0], mask
        self._frame_left, self._part_left = length, 0 if is_split else length
        if not is_split:
            out += header

    def _copy(self, data: memoryview, out: bytearray) -> int:
        if not self._part_left:
            self._begin_part(out)
        size = min(len(data), self._part_left)
        out += data[:size]
        self._part_left -= size
        self._frame_left -= size
        return size

    def _begin_part(self, out: bytearray) -> None:
        size = min(PART_BYTES, self._frame_left)
        is_last = size == self._frame_left
        first = self._first if is_last else self._first & ~_FIN
        masked = _MASKED if self._mask else 0
        out.append(first)
        if size > 125:
            out.append(126 | masked)
            out += size.to_bytes(2)
        else:
            out.append(size | masked)
        out += self._mask
        self._part_left = size
        self._first &= ~(_OPCODE | _RESERVED)


class SplittingProtocol(asyncio.BufferedProtocol):
    """Stands between a connection and its frame parser."""

    def __init__(self, parser: asyncio.BufferedProtocol, largest: int) -> None:
        self._parser = parser
        self._splitter = FrameSplitter(largest)
        self._read = memoryview(bytearray(_READ_BYTES))

    def get_buffer(self, _size_hint: int) -> memoryview:
        """Return where to read to."""
        return self._read

    def buffer_updated(self, size: int) -> None:
        """Give the parser what came."""
        rest = memoryview(self._splitter.feed(self._read[:size]))
        while rest:
            room = memoryview(self._parser.get_buffer(-1))
            taken = min(len(room), len(rest))
            room[:taken] = rest[:taken]
            room.release()
            self._parser.buffer_updated(taken)
            rest = rest[taken:]

    def eof_received(self) -> bool | None:
        """Tell the parser that nothing more comes."""
        return self._parser.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the parser that the connection is over."""
        self._parser.connection_lost(error)

    def pause_writing(self) -> None:
        """Tell the parser that the peer doesn't read."""
        self._parser.pause_writing()

    def resume_writing(self) -> None:
        """Tell the parser that the peer reads again."""
        self._parser.resume_writing()
