"""Owners that fail at every step: the passing worker loses nothing that its sockets brought."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.capture import container
from chalicelib.capture.events import Track
from chalicelib.recording.model import Ending
from chalicelib.sink.forwarding import messages as wire
from tests.sink.pair import CALL_KEY, UNHURRIED, Pair, pair, pcm
from tests.sink.rig import frame, run, until
from tests.sink.way import a_way_to

OUT = Track.OUTBOUND


def sent(numbers: list[int]) -> bytes:
    """Return the payload of frames."""
    return b"".join(map(frame, numbers))


@dataclass
class Owner:
    """A forwarding server, by hand: it answers as the test says, and its connections can be cut."""

    answer: Callable[[wire.Message], list[wire.Message] | None]
    """what to say to a message; None: cut, and listen no more"""
    heard: list[wire.Message] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Owner]:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        yield self
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = wire.Frames()
        while received := await reader.read(65536):
            for said in frames.receive(received):
                self.heard.append(said)
                answers = self.answer(said)
                if answers is None:
                    assert self._server is not None
                    self._server.close()
                    writer.transport.abort()
                    return
                writer.write(b"".join(map(wire.frame, answers)))


async def owned_by(two: Pair, owner: Owner) -> None:
    """Let the call be this owner's."""
    inbound = await two.side(two.near, "inbound")
    await until(two.streams)
    await inbound.hush()
    call = two.desk.core.calls.get(CALL_KEY)
    two.desk.core.store.calls[CALL_KEY] = replace(
        call, owner="w-0", owner_address=f"127.0.0.1:{owner.port}"
    )


def dies_at(count: int) -> Callable[[wire.Message], list[wire.Message] | None]:
    """Return the answers of an owner that dies at its so-many-th message."""
    messages = iter(range(1, count + 1))

    def answer(said: wire.Message) -> list[wire.Message] | None:
        if next(messages, count) == count:
            return None
        return [wire.Welcome()] if type(said) is wire.Hello else []

    return answer


@pytest.mark.parametrize("count", [1, 2, 3, 12, 60])
def test_an_owner_that_dies_at_any_message_costs_nothing(count: int) -> None:
    """Before its welcome, before any media, in the middle: the next owner has every sample."""

    async def scenario() -> None:
        owner = Owner(dies_at(count))
        async with owner.listening(), pair() as two:
            await owned_by(two, owner)
            outbound = await two.side(two.far, "outbound")
            await outbound.say(range(80))
            await until(lambda: "w-2" in two.captured_by())
            await outbound.stop()
            await until(lambda: not two.far.sink.call_registry.calls)
        assert sent(outbound.sent) == two.near.stored("segments/", OUT)

    run(scenario)


def test_an_heir_knows_what_the_socket_brought_before() -> None:
    """What it captures again begins where the count of what the owner heard says."""

    async def scenario() -> None:
        owner = Owner(dies_at(60))
        limits = replace(UNHURRIED, forwarding_keeps_s=0.2)
        async with owner.listening(), pair(limits) as two:
            await owned_by(two, owner)
            outbound = await two.side(two.far, "outbound")
            await outbound.say(range(100))
            await until(lambda: "w-2" in two.captured_by())
            await outbound.stop()
            await until(lambda: not two.far.sink.call_registry.calls)
        heads = {
            head.stream_key: head
            for key, body in two.near.store.objects.items()
            for head in container.decode(body, key).heads
        }
        (brought,) = [dict(head.brought) for key, head in heads.items() if "~" in key]
        assert brought[OUT] > 0
        stored = two.near.stored("segments/", OUT)
        assert sent(outbound.sent)[brought[OUT] :] == stored

    run(scenario)


def test_an_owner_that_dies_before_it_stored_the_end_costs_nothing() -> None:
    """The stream has ended long since; the passing worker stores it in the owner's place."""

    async def scenario() -> None:
        def answer(said: wire.Message) -> list[wire.Message] | None:
            if type(said) is wire.StreamEnded:
                return None
            return [wire.Welcome()] if type(said) is wire.Hello else []

        owner = Owner(answer)
        async with owner.listening(), pair() as two:
            await owned_by(two, owner)
            outbound = await two.side(two.far, "outbound")
            await outbound.say(range(20))
            await outbound.stop()
            await until(lambda: not two.far.sink.call_registry.calls)
            assert Ending.STOPPED is two.streams()[-1].ending
        assert sent(outbound.sent) == two.near.stored("segments/", OUT)

    run(scenario)


def test_an_owner_that_falls_silent_is_followed() -> None:
    """It neither reads nor answers, and its host keeps the connection."""

    async def scenario() -> None:
        stuck = asyncio.Event()

        def answer(said: wire.Message) -> list[wire.Message] | None:
            return [wire.Welcome()] if type(said) is wire.Hello and not stuck.is_set() else []

        owner = Owner(answer)
        async with owner.listening(), pair() as two:
            await owned_by(two, owner)
            outbound = await two.side(two.far, "outbound")
            await until(lambda: owner.heard)
            stuck.set()
            await until(lambda: "w-2" in two.captured_by())
            await outbound.stop()
            await until(lambda: not two.far.sink.call_registry.calls)
        assert sent(outbound.sent) == two.near.stored("segments/", OUT)

    run(scenario)


def test_a_stream_that_is_returned_asks_again() -> None:
    """A former owner says so; the database knows the present one."""

    async def scenario() -> None:
        async with pair() as two:

            def answer(said: wire.Message) -> list[wire.Message] | None:
                if type(said) is wire.Hello:
                    return [wire.Welcome()]
                if type(said) is wire.StreamOpened:
                    call = two.desk.core.calls.get(CALL_KEY)
                    address = two.near.sink.forwarding_address
                    two.desk.core.store.calls[CALL_KEY] = replace(
                        call, owner="w-1", owner_address=address
                    )
                    return [wire.StreamReleased(said.number, is_over=False)]
                return []

            owner = Owner(answer)
            async with owner.listening():
                await owned_by(two, owner)
                outbound = await two.side(two.far, "outbound")
                await until(lambda: two.captured_by() == ["w-1", "w-1"])
                await outbound.say(range(20))
                await outbound.stop()
                await until(lambda: not two.far.sink.call_registry.calls)
        assert sent(outbound.sent) == two.near.stored("segments/", OUT)

    run(scenario)


def test_what_the_owner_refuses_is_closed_at_its_socket() -> None:
    """With the code that the owner gave."""

    async def scenario() -> None:
        def answer(said: wire.Message) -> list[wire.Message] | None:
            if type(said) is wire.Hello:
                return [wire.Welcome()]
            return (
                [wire.StreamRefused(0, "no_such_profile")]
                if type(said) is wire.StreamOpened
                else []
            )

        owner = Owner(answer)
        async with owner.listening(), pair() as two:
            await owned_by(two, owner)
            outbound = await two.side(two.far, "outbound")
            await outbound.socket.wait_closed()
            assert (1008, "no_such_profile") == (
                outbound.socket.close_code,
                outbound.socket.close_reason,
            )
            await until(lambda: not two.far.sink.call_registry.calls)

    run(scenario)


def test_a_broken_connection_is_made_again() -> None:
    """Both workers live: a new stream goes the same way, and has what the first one lacks."""

    async def scenario() -> None:
        async with pair() as two, a_way_to(two.near.sink.forwarding_address) as way:
            inbound = await two.side(two.near, "inbound")
            await until(two.streams)
            call = two.desk.core.calls.get(CALL_KEY)
            moved = replace(call, owner_address=way.address)
            two.desk.core.store.calls[CALL_KEY] = moved
            outbound = await two.side(two.far, "outbound")
            await outbound.say(range(100, 130))
            way.cut()
            await outbound.say(range(130, 160))
            await until(lambda: len(two.streams()) == 3)
            assert ["w-1"] * 3 == two.captured_by()
            assert ("w-1", 1) == (moved.owner, two.desk.core.calls.get(CALL_KEY).epoch)
            await inbound.stop()
            await outbound.stop()
            await two.ended()
        _, right, _ = two.heard()
        missing = [n for n in range(100, 160) if pcm([n]) not in right]
        assert 1 >= len(missing)

    run(scenario)


def test_a_planned_stop_of_both_loses_nothing() -> None:
    """A deployment replaces all workers at once: what their sockets brought is stored."""

    async def scenario() -> None:
        async with pair() as two:
            inbound, outbound = await two.both()
            await asyncio.gather(inbound.say(range(30)), outbound.say(range(100, 130)))
            await inbound.hush()
            await outbound.hush()
            two.near.sink.stop()
            two.far.sink.stop()
            lives = [worker.life for worker in (two.near, two.far) if worker.life]
            await asyncio.wait(lives, timeout=10)
        stored = two.near.stored("segments/", OUT)
        assert sent(outbound.sent) == stored
        assert sent(inbound.sent) == two.near.stored("segments/", Track.INBOUND)

    run(scenario)
