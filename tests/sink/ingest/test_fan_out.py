"""A call's listeners hear its media while it comes, whether it is kept or not."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.capture.events import Track
from chalicelib.carriers import registry
from chalicelib.sink.ingest.fan_out import FanOut
from chalicelib.sink.ingest.live_stream import LiveStream, Opening
from chalicelib.sink.ingest.socket_stream import SocketStream
from chalicelib.sink.ingest.websocket import MessageSocket
from chalicelib.sink.runtime.limits import Limits
from tests.sink.rig import frame, media, run, start


@dataclass
class Ear:
    """A listener that remembers."""

    heard: list[tuple[str, Track, bytes]] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)

    def hear(self, stream: LiveStream, track: Track, payload: bytes, arrival_us: int) -> None:
        """Remember sound."""
        assert arrival_us >= stream.opened_us
        self.heard.append((stream.opening.stream_key, track, payload))

    def press(self, stream: LiveStream, digit: str, arrival_us: int) -> None:
        """Remember a digit."""
        self.pressed.append(digit)


class Nobody:
    """An owner that follows no stream."""

    def stream_opened(self, stream: LiveStream) -> None:
        """Take note of nothing."""

    stream_started = stream_closed = stream_opened


def live(key: str, *, after: LiveStream | None = None) -> SocketStream:
    """Return a started stream; one that opened later than another where asked."""
    opening = Opening(
        account="main", profile="p", carrier="bandwidth", dialect="bandwidth", stream_key=key
    )
    parser = registry.parser(registry.route("/bandwidth/token"))
    stream = SocketStream(opening, parser, Nobody(), Limits())
    stream.opened(MessageSocket(stream))
    stream.receive(start(stream_id=key))
    if after is not None:
        stream.opened_us = after.opened_us + 1
    return stream


def stored(stream: SocketStream) -> bytes:
    """Return what the stream's next cut holds."""
    return b"".join(record.payload for record in stream.cut())


def test_a_listener_hears_what_is_kept_too() -> None:
    """Sound reaches the cut and the listener, each once."""

    async def scenario() -> None:
        stream, fan_out, ear = live("s-1"), FanOut(), Ear()
        fan_out.add_stream(stream)
        stream.receive(media(0))
        fan_out.add(ear)
        stream.receive(media(1))
        fan_out.remove(ear)
        stream.receive(media(2))
        assert [("s-1", Track.INBOUND, frame(1))] == ear.heard
        assert frame(0) + frame(1) + frame(2) == stored(stream)

    run(scenario)


def test_a_listener_hears_what_nobody_keeps() -> None:
    """In a pause sound reaches the listener alone; what follows has its place."""

    async def scenario() -> None:
        stream, fan_out, ear = live("s-1"), FanOut(), Ear()
        fan_out.add(ear)
        fan_out.add_stream(stream)
        stream.drop_media()
        stream.receive(media(0))
        stream.keep_media()
        stream.receive(media(1))
        (record,) = stream.cut()
        assert [frame(0), frame(1)] == [payload for _, _, payload in ear.heard]
        assert (160, frame(1)) == (record.first_sample, record.payload)

    run(scenario)


def test_of_two_streams_of_a_track_the_newer_is_heard() -> None:
    """From the newer stream's first sample on the older one is silent, until the newer ends."""

    async def scenario() -> None:
        fan_out, ear = FanOut(), Ear()
        older = live("s-1")
        newer = live("s-2", after=older)
        fan_out.add(ear)
        for stream in (older, newer):
            fan_out.add_stream(stream)
        for number, stream in enumerate((older, newer, older)):
            stream.receive(media(number))
        fan_out.remove_stream(newer)
        newer.receive(media(3))
        older.receive(media(4))
        heard = [(key, payload) for key, _, payload in ear.heard]
        assert [("s-1", frame(0)), ("s-2", frame(1)), ("s-1", frame(4))] == heard

    run(scenario)


def test_a_listener_may_leave_while_it_hears() -> None:
    """Who has heard enough doesn't keep the next one from hearing."""

    async def scenario() -> None:
        fan_out, second = FanOut(), Ear()

        class Once(Ear):
            def press(self, stream: LiveStream, digit: str, arrival_us: int) -> None:
                fan_out.remove(self)

        fan_out.add(Once())
        fan_out.add(second)
        stream = live("s-1")
        fan_out.add_stream(stream)
        for digit in "12":
            fan_out.press(stream, digit, 0)
        assert ["1", "2"] == second.pressed

    run(scenario)
