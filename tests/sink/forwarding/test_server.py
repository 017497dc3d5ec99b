"""The private port between workers: which connections it accepts, and how others end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from chalicelib.capture import container
from chalicelib.capture.events import StreamStarted, Track
from chalicelib.recording.model import Ending
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.sink.forwarding import messages as wire
from chalicelib.sink.ingest.live_stream import Opening
from tests.sink.rig import KEY, Rig, frame, run, token, until

OPENED = wire.StreamOpened(
    number=0,
    opening=Opening(
        account="main",
        profile="support",
        carrier="bandwidth",
        dialect="bandwidth",
        stream_key="w-2-1",
    ),
    opened_us=1_700_000_000_000_000,
    can_play=True,
    started=StreamStarted(
        call_id="c-1", carrier_stream_id="s-1", tracks=(Track.INBOUND,), encoding=None
    ),
)


def a_token(worker: str = "w-1", *, seconds: int = 60, key: bytes = KEY) -> str:
    """Return a worker's token for another one."""
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    return tokens.issue([key], TokenKind.WORKER, "", worker, expires_at)


class Guest:
    """A connection to a door, by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = wire.Frames()

    def say(self, *message: wire.Message) -> None:
        """Send messages."""
        self.send(b"".join(map(wire.frame, message)))

    def send(self, sent: bytes) -> None:
        """Send bytes."""
        self._writer.write(sent)

    async def hear(self) -> list[wire.Message]:
        """Return what the door says next; nothing where it cuts the connection."""
        while received := await self._received():
            message = [one for one in self._frames.receive(received) if one != wire.KeepAlive()]
            if message:
                return message
        return []

    async def _received(self) -> bytes:
        try:
            return await self._reader.read(65536)
        except ConnectionError:
            return b""


@asynccontextmanager
async def a_guest(rig: Rig) -> AsyncIterator[Guest]:
    """Connect to a running worker's door."""
    host, _, port = rig.sink.forwarding_address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Guest(reader, writer)
    finally:
        writer.close()


@pytest.mark.parametrize(
    "first",
    [
        wire.Hello("w-2", a_token(key=b"f" * 32)),
        wire.Hello("w-2", a_token(seconds=-1)),
        wire.Hello("w-2", a_token("w-3")),
        wire.Hello("w-2", token()),
        wire.Hello("w-2", ""),
        OPENED,
        wire.Welcome(),
    ],
    ids=["forged", "expired", "another worker's", "a carrier's", "none", "no hello", "answer"],
)
def test_who_proves_nothing_is_cut(first: wire.Message) -> None:
    """Without this worker's token nothing is heard, and no stream begins."""

    async def scenario() -> None:
        async with Rig().running() as rig, a_guest(rig) as guest:
            guest.say(first, OPENED)
            assert [] == await guest.hear()
            assert (0, 0) == (rig.sink.call_registry.sockets, rig.sink.call_registry.calls)

    run(scenario)


def test_bytes_of_no_message_are_cut() -> None:
    """Also when they come after the proof."""

    async def scenario() -> None:
        async with Rig().running() as rig, a_guest(rig) as guest:
            guest.say(wire.Hello("w-2", a_token()))
            assert [wire.Welcome()] == await guest.hear()
            guest.send(b"\xff" * 64)
            assert [] == await guest.hear()

    run(scenario)


def test_a_proved_worker_passes_a_stream_on() -> None:
    """It is captured as if it came here, and told when it is stored."""

    async def scenario() -> None:
        async with Rig().running() as rig, a_guest(rig) as guest:
            guest.say(wire.Hello("w-2", a_token()), OPENED)
            assert [wire.Welcome()] == await guest.hear()
            await until(lambda: rig.control.joinings)
            heard = [
                wire.MediaReceived(0, Track.INBOUND, frame(n), OPENED.opened_us + 20_000 * n, n)
                for n in range(10)
            ]
            guest.say(*heard, wire.StreamEnded(0, Ending.STOPPED, OPENED.opened_us + 300_000, 2))
            assert [wire.StreamStored(0)] == await guest.hear()
            (key,) = rig.store.keys("segments/")
            assert 2 == container.decode(rig.store.objects[key]).heads[0].messages_refused
            assert b"".join(map(frame, range(10))) == rig.stored("segments/main/bandwidth/c-1/")
            assert ("w-1", "w-2-1") == (
                rig.control.joinings[0].worker,
                rig.control.joinings[0].stream_key,
            )

    run(scenario)


def test_a_worker_that_stops_takes_no_further_stream() -> None:
    """It says at once that the call is free, and that it took nothing of the stream."""

    async def scenario() -> None:
        async with Rig().running() as rig, rig.bandwidth() as socket, a_guest(rig) as guest:
            guest.say(wire.Hello("w-2", a_token()))
            await guest.hear()
            rig.sink.stop()
            await socket.wait_closed()
            guest.say(OPENED)
            assert [wire.StreamReleased(0, is_over=True, is_taken=False)] == await guest.hear()

    run(scenario)


def test_a_guest_that_falls_silent_is_given_up() -> None:
    """Its streams end as broken."""

    async def scenario() -> None:
        rig = Rig()
        async with rig.running(), a_guest(rig) as guest:
            guest.say(wire.Hello("w-2", a_token()), OPENED)
            await until(lambda: rig.sink.call_registry.calls)
            await until(lambda: rig.control.endings, within_s=8)
            assert {"w-2-1": Ending.BROKEN} == rig.control.endings

    run(scenario)


def test_a_door_on_all_addresses_names_one_that_others_reach() -> None:
    """No other host can connect to 0.0.0.0; a configured name is used as it is."""

    async def scenario() -> None:
        rig = Rig()
        await rig.sink.start("0.0.0.0", 0)  # as in a container
        host, _, port = rig.sink.forwarding_address.rpartition(":")
        assert not ip_address(host).is_unspecified
        assert 0 < int(port)
        rig.sink.stop()
        await rig.sink.run()
        named = Rig()
        await named.sink.start("127.0.0.1", 0, relay_host="10.0.0.7")
        assert named.sink.forwarding_address.startswith("10.0.0.7:")
        named.sink.stop()
        await named.sink.run()

    run(scenario)
