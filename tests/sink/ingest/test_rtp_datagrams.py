"""Whatever datagrams come to a port."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.capture.events import Encoding
from chalicelib.media.reception import PROBATION
from chalicelib.media.rtp import RtpPacket, build
from chalicelib.sink.ingest.live_stream import LiveStream, Opening
from chalicelib.sink.ingest.rtp_lock import LOCK_PACKETS
from chalicelib.sink.ingest.rtp_port import RtpPort
from chalicelib.sink.ingest.rtp_stream import RtpStream
from tests.sink.rig import run
from tests.sink.rtp_rig import HOST, SPEEDY, a_claim


class Nobody:
    """Follows no stream."""

    def stream_opened(self, stream: LiveStream) -> None:
        """Take note of nothing."""

    def stream_started(self, stream: LiveStream) -> None:
        """Take note of nothing."""

    def stream_closed(self, stream: LiveStream) -> None:
        """Take note of nothing."""

    def stream_silent(self, stream: LiveStream, number: int) -> None:
        """Let it be silent."""


PACKETS = st.builds(
    lambda kind, sequence, timestamp, ssrc, payload: build(
        RtpPacket(kind, sequence, timestamp, ssrc, payload)
    ),
    st.sampled_from([0, 8, 13, 101, 111]),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF_FFFF),
    st.integers(0, 2),
    st.binary(max_size=20),
)


REGULAR = [build(RtpPacket(0, n, 160 * n, 1, b"\xff" * 160)) for n in range(2 * LOCK_PACKETS)]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.one_of(PACKETS, st.binary(max_size=40), st.sampled_from(REGULAR)), st.booleans()
        ),
        max_size=90,
    ),
    st.integers(0, 90),
)
def test_whatever_comes_is_taken_or_counted(
    datagrams: list[tuple[bytes, bool]], regular_at: int
) -> None:
    """From the sender or from a stranger, nothing is raised, and none is forgotten."""
    datagrams[regular_at:regular_at] = [(one, False) for one in REGULAR]

    async def scenario() -> None:
        streams: list[RtpStream] = []

        def make(port: RtpPort, encoding: Encoding, first_us: int) -> RtpStream:
            opening = Opening(
                account="main", profile="p", carrier="c", dialect="rtp", stream_key="s"
            )
            streams.append(RtpStream(opening, Nobody(), port, encoding, first_us))
            return streams[-1]

        port = RtpPort(a_claim(), SPEEDY, make, lambda _: None)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: port, local_addr=(HOST, 0))
        for datagram, is_stranger in datagrams:
            port.datagram_received(datagram, ("192.0.2.1" if is_stranger else HOST, 9))
        (stream,) = streams
        stream.cut()
        head = stream.head()
        waiting = len(datagrams) - head.messages_received - head.messages_refused
        assert 0 <= waiting < 2 * PROBATION
        port.shut("the test is over")

    run(scenario)
