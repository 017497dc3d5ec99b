"""Which sender a port accepts: RTP has no authentication (TRUST 5), so a sender proves itself.

| a sender | is accepted |
|---|---|
| whose address and port the claim names | from its first packet on |
| of a port that accepted none | once 5 regular packets of it came (`media/candidates.py`) |
| of a port that accepted another | once 50 came while the other one sent fewer than 4 |

What came before that isn't lost: `offer` returns it. What is let go is counted.
"""

from __future__ import annotations

from chalicelib.media.candidates import Candidates, Held
from chalicelib.media.rtp import RtpPacket
from chalicelib.recording.rtp_endpoint import EndpointOptions
from chalicelib.sink.runtime.limits import Limits

LOCK_PACKETS = 5
"""100 ms of most senders; port scanners send one or two, or the same one again"""
TAKE_OVER_PACKETS = 50
"""a second of most senders, so that one with 120 ms a packet isn't called sparse"""
STEADY_PACKETS = 4

Address = tuple[str, int]


class Budget:
    """So many packets a second, and some at once."""

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._rate = limits.rtp_rate
        self._left = self._most = limits.rtp_rate * limits.rtp_burst_s
        self._at_s = now_s

    def spend(self, now_s: float) -> bool:
        """Return whether there is room for one more."""
        self._left = min(self._most, self._left + (now_s - self._at_s) * self._rate)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class SenderLock:
    """The accepted sender of a port, and the candidates."""

    def __init__(self, options: EndpointOptions, limits: Limits, now_s: float) -> None:
        self.address: Address | None = None
        """of the accepted sender"""
        self._host, self._port = options.source_addr, options.source_port
        self._budget = Budget(limits, now_s)
        """of all candidates together, so that they take nothing from the accepted sender"""
        self._candidates = Candidates(LOCK_PACKETS)
        self._rivals = Candidates(TAKE_OVER_PACKETS)
        self._received = 0
        """packets of the accepted sender when its oldest rival came"""

    @property
    def waiting(self) -> int:
        """Return how many packets of candidates wait."""
        return self._candidates.waiting + self._rivals.waiting

    def admits(self, address: Address) -> bool:
        """Return whether the claim leaves the port to this address, too."""
        return self._host in ("", address[0]) and self._port in (0, address[1])

    def spend(self, now_s: float) -> bool:
        """Whether one more packet of a candidate may be looked at."""
        return self._budget.spend(now_s)

    def offer(
        self, packet: RtpPacket, address: Address, arrival_us: int, received: int
    ) -> list[Held]:
        """Take a packet of a candidate; return all packets of its sender where that one is accepted
        from now on, else nothing. `received`: packets of the accepted sender."""
        if self.address is not None:
            held = self._offer_rival(packet, address, arrival_us, received)
        elif self._host and self._port:
            held = [(packet, arrival_us)]
        else:
            held = self._candidates.take(address, packet, arrival_us)
        if held:
            self.release()
            self.address = address
        return held

    def release(self) -> None:
        """Hear nobody: the next sender is as good as the first."""
        self.address = None
        self._candidates.clear()
        self._rivals.clear()

    def count_let_go(self) -> int:
        """Return how many packets were let go since the last time it was asked."""
        return self._candidates.count_let_go() + self._rivals.count_let_go()

    def _offer_rival(
        self, packet: RtpPacket, address: Address, arrival_us: int, received: int
    ) -> list[Held]:
        if not self._rivals.waiting or received - self._received >= STEADY_PACKETS:
            self._rivals.clear()
            self._received = received
        return self._rivals.take(address, packet, arrival_us)
