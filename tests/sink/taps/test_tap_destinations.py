"""What becomes of taps whose destination refuses, stalls, breaks or goes, with real sockets."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.utils import accept_key

from chalicelib.tapping.model import TapState
from tests.sink.rig import QUICK, STOP, run, until
from tests.sink.tap_rig import (
    SILENCE,
    Listener,
    free_tcp_port,
    listening,
    said,
    spoken,
    stage,
)

FAST = replace(QUICK, tap_retry_first_s=0.02, tap_retry_most_s=0.05, tap_retries=3)


def test_a_listener_that_does_not_read_disturbs_nobody() -> None:
    """It misses the oldest, which is counted; the recording and another tap miss nothing."""

    async def scenario() -> None:
        released = asyncio.Event()
        deaf = socket.create_server(("127.0.0.1", 0))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        port = deaf.getsockname()[1]

        async def upgrade_only() -> None:
            loop = asyncio.get_running_loop()
            deaf.setblocking(False)
            line, _ = await loop.sock_accept(deaf)
            asked = b""
            while not asked.endswith(b"\r\n\r\n"):
                asked += await loop.sock_recv(line, 1)
            await loop.sock_sendall(line, _upgraded(asked))
            await released.wait()
            line.close()

        task = asyncio.create_task(upgrade_only())
        limits = replace(FAST, tap_queue_s=0.5)
        async with listening() as other, stage(limits=limits) as on:
            await on.tap(f"ws://127.0.0.1:{port}/", "deaf")
            await on.tap(other.uri, "other")
            async with on.talking():
                await until(lambda: on.rig.sink.call_registry.tap_drops > 20, 30)
            await until(lambda: said(on.said) == other.heard)
            ended = await on.stop_tap("deaf")
            assert ended.quality is not None
            assert 20 < ended.quality.messages_dropped < len(on.said)
        released.set()
        await task
        deaf.close()
        assert spoken(on.said) == on.rig.stored("segments/")

    run(scenario)


def _upgraded(asked: bytes) -> bytes:
    """Return the 101 to a handshake."""
    key = next(
        line.split(b": ", 1)[1]
        for line in asked.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key.decode())}\r\n\r\n"
    ).encode()


def test_a_destination_that_refuses_is_told_at_once() -> None:
    """Nothing taps; the row says why."""

    async def refuse(_listener: Listener, _connection: ServerConnection) -> None:
        raise AssertionError("nobody came so far")

    def forbid(connection: ServerConnection, _request: Any) -> Any:
        return connection.respond(403, "no")

    async def scenario() -> None:
        async with listening(refuse, process_request=forbid) as closed, stage() as on:
            port = free_tcp_port()
            for control_id, uri, reason in (
                ("a", f"ws://127.0.0.1:{port}/", "unreachable"),
                ("b", closed.uri, "refused"),
                ("c", f"ws://no.such.host.invalid:{port}/", "name_not_resolved"),
            ):
                row = await on.tap(uri, control_id)
                assert row is not None
                assert (TapState.FINISHED, reason) == (row.state, row.reason)
            assert 0 == on.rig.sink.call_registry.taps

    run(scenario)


def test_a_private_address_is_never_asked() -> None:
    """Neither by its number nor by a name that leads there."""

    async def scenario() -> None:
        async with stage() as on:
            assert await on.tap("ws://10.0.0.1:80/", "a") is None
            assert await on.tap("rtp://10.0.0.1:5004", "b") is None

    run(scenario)


def test_a_broken_connection_is_opened_again() -> None:
    """What is said meanwhile waits; what the old connection had taken may be lost with it."""

    async def cut_the_first(listener: Listener, connection: ServerConnection) -> None:
        if not listener.connections:
            listener.connections.append(connection)
            connection.transport.abort()
        else:
            await listener.hear(connection)

    async def scenario() -> None:
        async with listening(cut_the_first) as listener, stage(limits=FAST) as on:
            await on.tap(listener.uri)
            await until(lambda: len(listener.connections) == 2)
            await on.talk(20)
            await until(lambda: said(on.said) == listener.heard)
            ended = await on.stop_tap()
        assert ended.quality is not None
        assert 1 == ended.quality.reconnects

    run(scenario)


def test_a_listener_that_breaks_every_time_is_given_up() -> None:
    """After as many tries as there are, however often it takes the connection."""

    async def cut(listener: Listener, connection: ServerConnection) -> None:
        listener.connections.append(connection)
        connection.transport.abort()

    async def scenario() -> None:
        async with listening(cut) as listener, stage(limits=FAST) as on:
            await on.tap(listener.uri)
            await until(lambda: on.row().state is TapState.FINISHED)
            row = on.row()
            assert "unreachable" == row.reason
            assert row.quality is not None
            assert 1 <= row.quality.reconnects <= 3
        assert 4 >= len(listener.connections)

    run(scenario)


def test_a_listener_that_is_done_is_done() -> None:
    """A normal close ends the tap; the recording goes on."""

    async def hang_up(listener: Listener, connection: ServerConnection) -> None:
        listener.messages.append(await connection.recv())

    async def scenario() -> None:
        async with listening(hang_up) as listener, stage(limits=FAST) as on:
            await on.tap(listener.uri)
            await on.talk(20)
            await until(lambda: on.row().state is TapState.FINISHED)
            assert "hung_up" == on.row().reason
            await on.talk(10)
        assert spoken(on.said) == on.rig.stored("segments/")
        assert 1 == len(listener.messages)

    run(scenario)


def test_a_port_that_nobody_listens_on_ends_the_tap() -> None:
    """After it has refused for a while; packets it refused are counted."""

    async def scenario() -> None:
        limits = replace(QUICK, tap_refused_s=0.2)
        async with stage(limits=limits) as on:
            row = await on.tap(f"rtp://127.0.0.1:{free_tcp_port()}")
            assert row is not None
            async with on.talking():
                await until(lambda: on.row().state is TapState.FINISHED)
            row = on.row()
            assert "unreachable" == row.reason
            assert row.quality is not None
            assert row.quality.messages_dropped

    run(scenario)


def test_a_listener_that_talks_is_left_alone_up_to_a_measure() -> None:
    """What it says is nothing to anybody; without end it is the end of the tap."""

    async def talk(listener: Listener, connection: ServerConnection) -> None:
        listener.messages.append(await connection.recv())
        await connection.send("listening")
        await connection.ping()
        listener.messages.append(await connection.recv())
        for _ in range(100):
            await connection.send(bytes(1024))

    async def scenario() -> None:
        limits = replace(QUICK, tap_chatter_bytes=50_000)
        async with listening(talk) as listener, stage(limits=limits) as on:
            await on.tap(listener.uri)
            async with on.talking():
                await until(lambda: on.row().state is TapState.FINISHED)
            assert "too_talkative" == on.row().reason
            assert 2 == len(listener.messages)

    run(scenario)


def test_a_slow_listener_that_recovers_hears_the_latest() -> None:
    """What was dropped is between what it had heard and what waited; all else is in order."""

    async def scenario() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        awake = asyncio.Event()

        async def doze(listener: Listener, connection: ServerConnection) -> None:
            connection.transport.pause_reading()
            await awake.wait()
            connection.transport.resume_reading()
            await listener.hear(connection)

        limits = replace(FAST, tap_queue_s=0.5)
        async with listening(doze, sock=sock) as listener, stage(limits=limits) as on:
            await on.tap(listener.uri)
            async with on.talking():
                await until(lambda: on.rig.sink.call_registry.tap_drops > 20, 30)
                awake.set()
                await asyncio.sleep(0.3)
            await until(lambda: listener.heard.endswith(said(on.said[-10:])))
            dropped = on.rig.sink.call_registry.tap_drops
            ended = await on.stop_tap()
        assert ended.quality is not None
        assert (dropped, 0) == (ended.quality.messages_dropped, ended.quality.reconnects)
        messages = [m for m in listener.messages if SILENCE not in m]  # type: ignore[operator]  # bytes
        order = [on.said[spoken(on.said).index(m) // 160] for m in messages]  # type: ignore[arg-type]  # bytes
        assert sorted(set(order)) == order

    run(scenario)


def test_a_listener_that_is_away_for_a_moment_is_found_again() -> None:
    """While nobody answers it is tried on; a connection that lasted has its tries again."""

    async def scenario() -> None:
        limits = replace(QUICK, tap_retry_first_s=0.1, tap_retry_most_s=0.2, tap_stable_s=0.0)

        async def cut(listener: Listener, connection: ServerConnection) -> None:
            listener.messages.append(await connection.recv())
            connection.transport.abort()

        async with stage(limits=limits) as on:
            async with listening(cut) as first:
                await on.tap(first.uri)
                async with on.talking():
                    await until(lambda: first.messages)
            await asyncio.sleep(0.1)
            sock = socket.create_server(("127.0.0.1", first.port))
            async with listening(sock=sock) as second, on.talking():
                await until(lambda: second.messages)
            assert "" == on.row().reason
            await until(lambda: on.row().reason, 10)

    run(scenario)


def test_a_call_that_ends_before_its_tap_is_connected_has_none() -> None:
    """Nothing is told, and whoever answers late is sent away."""

    async def scenario() -> None:
        answering = asyncio.Event()

        async def answer_late(connection: ServerConnection, _request: object) -> None:
            await answering.wait()

        async with listening(process_request=answer_late) as listener:
            async with stage() as on:
                tapping = asyncio.create_task(on.tap(listener.uri))
                await asyncio.sleep(0.2)
                await on.socket.send(STOP)
                await until(lambda: on.rig.control.closed)
                answering.set()
                await tapping
            await until(lambda: listener.closed)
            assert {} == on.taps.rows

    run(scenario)
