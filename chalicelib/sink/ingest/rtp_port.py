"""One claimed port: datagrams in, a stream as long as somebody sends.

`sink/ingest/rtp_lock.py` decides which sender is accepted, `media/reception.py` places its SSRCs.
Datagrams that aren't accepted are counted with the stream:

| a datagram | code |
|---|---|
| of another sender than the accepted one | `other_source` |
| beyond 200 a second | `too_fast` |
| of more than 2,048 bytes | `too_long` |
| that is no RTP | those of `media/rtp.py` |
| of a payload type that is unknown, or isn't that of the codec that was announced | `unsupported_payload_type`, `other_payload_type` |
| of a sender that the carrier reported as ended | `after_end` |
"""  # noqa: E501  # a table's row is one line

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence

from chalicelib.capture.events import Encoding
from chalicelib.errors import WireError
from chalicelib.media import rtp
from chalicelib.media.candidates import Held
from chalicelib.media.rtp import ENCODINGS, RtpPacket
from chalicelib.media.rtp_source import verify_known
from chalicelib.recording.cuts import NO_PACKETS, TOO_LONG, WORKER_STOPPED
from chalicelib.recording.model import Ending
from chalicelib.recording.rtp_endpoint import PortClaim
from chalicelib.sink.ingest.rtp_lock import Address, SenderLock
from chalicelib.sink.ingest.rtp_stream import RtpStream
from chalicelib.sink.runtime.limits import Limits

MOST_BYTES = 2048
"""of a datagram: a quarter of a second, and more than a network carries in one piece"""

RECEIVE_BUFFER_BYTES = 512 * 1024
"""the kernel gives at most twice its default: about 500 packets, 3 s of 10 ms that come at once"""

StreamMaker = Callable[["RtpPort", Encoding, int], RtpStream]
"""of a port's stream, its encoding, and when its first packet came on the monotonic clock, in µs"""

_BARRED = {Encoding.PCMU: rtp.PCMA, Encoding.PCMA: rtp.PCMU, None: None}
"""what may not come where a codec was announced"""

_log = logging.getLogger(__name__)


class RtpPort(asyncio.DatagramProtocol):
    """Hears until it is shut; `make` makes a stream of it, `shut` tells its owner."""

    def __init__(
        self,
        claim: PortClaim,
        limits: Limits,
        make: StreamMaker,
        shut: Callable[[RtpPort], None],
    ) -> None:
        self.claim = claim
        self._limits = limits
        self._make = make
        self._tell_shut = shut
        self._transport: asyncio.BaseTransport | None = None
        self._lock = SenderLock(claim.options, limits, asyncio.get_running_loop().time())
        self._source: Address | None = None
        """the lock's address"""
        self._stream: RtpStream | None = None
        self._ended: tuple[int, float] | None = None
        """SSRC of a sender that the carrier reported as ended, and until when it has stragglers"""
        self._ssrc = 0
        self._is_leaving = False
        self._barred = _BARRED[claim.options.codec]
        self._credit = self._credit_most = limits.rtp_rate * limits.rtp_burst_s
        self._credited_s = 0.0
        self._refusals: Counter[str] = Counter()
        """before the stream"""
        self._timer: asyncio.TimerHandle | None = None
        self._longest: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """Return its number."""
        return self.claim.port

    @property
    def is_streaming(self) -> bool:
        """Return whether a stream comes, or may be about to."""
        return self._stream is not None or self.waiting > 0

    @property
    def waiting(self) -> int:
        """Return how many packets wait until their sender has proved itself."""
        return self._lock.waiting

    # --- what the socket says ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a sender, but not for ever."""
        self._transport = transport
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._credited_s = asyncio.get_running_loop().time()
        self._after(self._limits.rtp_unused_s, "unused")

    def datagram_received(self, datagram: bytes, address: Address) -> None:
        """Take one datagram."""
        stream = self._stream
        if address != self._source or stream is None:
            self._meet(datagram, address)
            return
        self._credit -= 1
        if self._credit < 0 and self._is_flooding():
            stream.count_refused("too_fast")
            return
        if len(datagram) > MOST_BYTES:
            stream.count_refused("too_long")
            return
        try:
            packet = rtp.parse(datagram)
        except WireError as error:
            stream.count_refused(error.code)
            return
        if packet.payload_type == self._barred:
            stream.count_refused("other_payload_type")
            return
        self._ssrc = packet.ssrc
        stream.receive(packet)

    def error_received(self, _error: Exception) -> None:
        """Hear on: what an ICMP message says of a sender is no matter."""

    # --- what the worker asks ---

    def finish(self) -> None:
        """Hear that the carrier said it is over: end when what is under way is here."""
        if self._stream is None:
            self.shut("finished")
        else:
            self._cancel()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._limits.rtp_linger_s, self._finished)

    def leave(self) -> None:
        """End when packets under way have arrived: an RTP sender can't be asked to reconnect."""
        if not self._is_leaving:
            self._is_leaving = True
            self._after(self._limits.rtp_linger_s, WORKER_STOPPED)

    def shut(self, reason: str) -> None:
        """End what comes and free the port; once. `reason`: a stable code."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        self._end(Ending.BROKEN, reason)
        self._cancel()
        transport.close()
        refused = dict(self._refusals)
        _log.info("a port was freed", extra={**self._labels(), "reason": reason, **refused})
        self._tell_shut(self)

    # --- senders and their rates ---

    def _meet(self, datagram: bytes, address: Address) -> None:
        """Take a datagram of a sender that isn't accepted; accept senders that prove themselves."""
        if not self._lock.admits(address):
            self._refuse("other_source")
            return
        try:
            packet = self._read(datagram)
        except WireError as error:
            self._refuse(error.code if self._stream is None else "other_source")
            return
        received = self._stream.received if self._stream is not None else 0
        held = self._lock.offer(packet, address, time.monotonic_ns() // 1000, received)
        if held:
            self._hear(held)
        self._count_let_go()

    def _read(self, datagram: bytes) -> RtpPacket:
        """Return the packet of a sender that isn't accepted. Raises WireError where it can't be."""
        if not self._lock.spend(asyncio.get_running_loop().time()):
            raise _unheard("beyond 200 a second", "too_fast")
        if len(datagram) > MOST_BYTES:
            raise _unheard(f"{len(datagram)} bytes", "too_long")
        packet = rtp.parse(datagram)
        verify_known(packet.payload_type)
        if packet.payload_type == self._barred:
            fact = f"payload type {packet.payload_type} isn't that of the codec"
            raise _unheard(fact, "other_payload_type")
        if self._is_straggler(packet):
            raise _unheard("its stream has ended", "after_end")
        return packet

    def _hear(self, held: Sequence[Held]) -> None:
        """Hear the lock's sender from now on, and what it sent before that."""
        self._source = self._lock.address
        self._credit, self._credited_s = self._credit_most, asyncio.get_running_loop().time()
        stream = self._stream
        if stream is None:
            stream = self._begin(held)
        else:
            _log.warning("a port hears another sender", extra=self._labels())
        self._ssrc = held[-1][0].ssrc
        stream.receive_held(held)

    def _count_let_go(self) -> None:
        for _ in range(self._lock.count_let_go()):
            self._refuse("other_source")

    def _is_flooding(self) -> bool:
        """Renew the credit; give back what this datagram took of it where it still isn't enough."""
        now_s = asyncio.get_running_loop().time()
        earned = (now_s - self._credited_s) * self._limits.rtp_rate
        self._credited_s = now_s
        self._credit = min(self._credit + earned, self._credit_most)
        if self._credit >= 0:
            return False
        self._credit += 1
        return True

    def _refuse(self, code: str) -> None:
        if self._stream is not None:
            self._stream.count_refused(code)
        else:
            self._refusals[code] += 1

    # --- streams, one after the other ---

    def _begin(self, held: Sequence[Held]) -> RtpStream:
        """Begin a stream with its first packets."""
        announced = self.claim.options.codec or Encoding.PCMU
        kinds = (ENCODINGS.get(packet.payload_type) for packet, _ in held)
        encoding = Encoding(next(filter(None, kinds), announced))
        self._stream = stream = self._make(self, encoding, held[0][1])
        stream.refusals.update(self._refusals)
        self._refusals.clear()
        self._cancel()
        loop = asyncio.get_running_loop()
        self._longest = loop.call_later(self._limits.stream_for_s, self.shut, TOO_LONG)
        self._timer = loop.call_later(self._limits.rtp_silence_s, self._look)
        stream.begin()
        return stream

    def _is_straggler(self, packet: RtpPacket) -> bool:
        """Whether a packet was under way when the carrier said that it is over.

        Whoever sends on for longer isn't over: that webhook was of an earlier tap to the port.
        """
        if self._ended is None or packet.ssrc != self._ended[0]:
            return False
        return asyncio.get_running_loop().time() < self._ended[1]

    def _look(self) -> None:
        """End a stream that was silent for long; look again when it might be."""
        assert self._stream is not None
        silent_s = (self._stream.now_us() - self._stream.latest_us) / 1_000_000
        left_s = self._limits.rtp_silence_s - silent_s
        if left_s > 0:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._look)
            return
        self._end(Ending.BROKEN, NO_PACKETS)
        self._after(self._limits.rtp_release_s, "released")

    def _finished(self) -> None:
        until_s = asyncio.get_running_loop().time() + self._limits.rtp_straggle_s
        self._ended = self._ssrc, until_s
        self._end(Ending.STOPPED)
        self._after(self._limits.rtp_release_s, "released")

    def _end(self, ending: Ending, reason: str = "") -> None:
        """End the stream; the next sender is as good as the first."""
        self._lock.release()
        self._count_let_go()
        stream, self._stream, self._source = self._stream, None, None
        if stream is not None:
            stream.end(ending, reason)

    def _after(self, delay_s: float, reason: str) -> None:
        self._cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self.shut, reason)

    def _cancel(self) -> None:
        for timer in (self._timer, self._longest):
            if timer is not None:
                timer.cancel()
        self._timer = self._longest = None

    def _labels(self) -> dict[str, object]:
        return {"claim_id": self.claim.claim_id, "port": self.port}


def _unheard(fact: str, code: str) -> WireError:
    return WireError("rtp", fact, code=code)
