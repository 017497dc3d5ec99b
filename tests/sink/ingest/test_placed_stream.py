"""Streams whose messages tell their time, as their listeners and their owners see them."""

from __future__ import annotations

import pytest

from chalicelib.capture.events import Track
from chalicelib.carriers.contract.stream import StreamDialect
from chalicelib.sink.ingest.fan_out import FanOut
from chalicelib.sink.ingest.live_stream import Opening
from chalicelib.sink.ingest.socket_stream import SocketStream
from chalicelib.sink.ingest.websocket import MessageSocket
from chalicelib.sink.runtime.limits import Limits
from tests.sink.ingest.test_fan_out import Ear, Nobody, stored
from tests.sink.rig import frame, run
from tests.streams import answered, stamped


def live(dialect: StreamDialect, start: str) -> SocketStream:
    """Return a started stream."""
    opening = Opening(
        account="main", profile="p", carrier="streams", dialect=dialect.name, stream_key="s-1"
    )
    stream = SocketStream(opening, dialect, Nobody(), Limits(), can_play=True)
    stream.opened(MessageSocket(stream))
    stream.receive(start)
    return stream


def media(number: int) -> str:
    """Return a message of 20 ms."""
    return stamped.media(frame(number), 20 * number, number)


def payloads(ear: Ear) -> list[bytes]:
    """Return what a listener heard."""
    return [payload for _, _, payload in ear.heard]


class Told(Ear):
    """A listener that doesn't look at the time."""

    def hear(self, stream: object, track: Track, payload: bytes, arrival_us: int) -> None:
        """Remember sound."""
        self.heard.append(("", track, payload))


def test_a_listener_hears_in_order_and_all_is_kept() -> None:
    """1 2 4 3 3 5 is heard as 1 2 3 4 5; what waits for a lost message is heard at the end."""

    async def scenario() -> None:
        stream, fan_out, ear = live(stamped.Stamped({}), stamped.start()), FanOut(), Told()
        fan_out.add_stream(stream)
        fan_out.add(ear)
        for number in (1, 2, 4, 3, 3, 5, 7):
            stream.receive(media(number))
        assert [frame(number) for number in (1, 2, 3, 4, 5)] == payloads(ear)
        stream.receive(stamped.STOP)
        assert [frame(number) for number in (1, 2, 3, 4, 5, 7)] == payloads(ear)
        assert b"".join(payloads(ear)) == stored(stream)

    run(scenario)


def test_a_pause_keeps_nothing_and_moves_nothing() -> None:
    """In a pause a listener still hears; what follows has the place that it says."""

    async def scenario() -> None:
        stream, ear = live(stamped.Stamped({}), stamped.start()), Told()
        stream.receive(media(0))
        stream.drop_media()
        stream.receive(media(1))
        stream.listen(FanOut())
        fan_out = FanOut()
        fan_out.add(ear)
        stream.listen(fan_out)
        stream.receive(media(2))
        stream.listen(None)
        stream.keep_media()
        stream.receive(media(3))
        (record,) = stream.cut()
        assert [frame(2)] == payloads(ear)
        assert (480, frame(3)) == (record.first_sample, record.payload)

    run(scenario)


def test_a_listener_follows_a_carrier_that_counts_anew() -> None:
    """Offsets from another zero are heard when it is sure that they are."""

    async def scenario() -> None:
        stream, ear = live(stamped.Stamped({}), stamped.start()), Told()
        fan_out = FanOut()
        fan_out.add(ear)
        fan_out.add_stream(stream)
        stream.receive(media(60_000))
        for number in range(3):
            stream.receive(media(number))
        assert [frame(number) for number in (60_000, 0, 1, 2)] == payloads(ear)

    run(scenario)


def test_such_a_stream_is_captured_where_its_socket_is() -> None:
    """Another worker may not know that messages tell their time."""

    async def scenario() -> None:
        assert not live(stamped.Stamped({}), stamped.start()).is_passable

    run(scenario)


@pytest.mark.parametrize("broken", [False, True])
def test_the_messages_of_one_read_are_decoded_in_one_call(broken: bool) -> None:
    """A broken one costs only itself."""

    async def scenario() -> None:
        stream = live(stamped.Stamped({}), stamped.start())
        messages: list[str | bytes] = [media(number) for number in range(10)]
        if broken:
            messages.insert(5, "}{")
        stream.receive_many(messages)
        assert b"".join(map(frame, range(10))) == stored(stream)
        assert int(broken) == stream.refused

    run(scenario)


def test_messages_that_cannot_be_decoded_at_once_are_taken_one_by_one() -> None:
    """A dialect that decodes single messages takes a burst as such."""

    async def scenario() -> None:
        stream = live(answered.Answered({}), answered.start())
        stream.receive_many([answered.sound(frame(1), frame(2))] * 2)
        assert 2 * frame(1) + 2 * frame(2) == stored(stream)

    run(scenario)


def test_a_flood_in_one_read_is_a_flood() -> None:
    """What several messages cost together is charged."""

    async def scenario() -> None:
        stream = live(stamped.Stamped({}), stamped.start())
        for _ in range(40):
            stream.receive_many([media(1)] * 1000)
        assert "too_fast" == stream.reason

    run(scenario)


def test_a_carrier_plays_what_its_parser_writes() -> None:
    """Where the call's profile says that the stream leads both ways."""

    async def scenario() -> None:
        stream = live(answered.Answered({}), answered.start())
        assert (True, False) == (stream.can_play, stream.play(bytes(320)))
        stream.is_bidirectional = True
        assert stream.play(bytes(320))
        taps = live(stamped.Stamped({}), stamped.start())
        taps.is_bidirectional = True
        assert not taps.play(bytes(320))

    run(scenario)
