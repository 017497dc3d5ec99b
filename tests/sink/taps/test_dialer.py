"""How a tap's websocket is opened: guarded, by one address, verified by its name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from picows import WSListener, WSTransport

from chalicelib.errors import Unreachable
from chalicelib.security.url_guard import UrlPolicy
from chalicelib.sink.taps.dialer import Dialer
from tests.adapters.receivers import make_certificate
from tests.sink.rig import LOCAL, QUICK, run
from tests.sink.tap_rig import listening

NAME = "audio.example.com"


class Line(WSListener):
    """A connection that is only opened."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.disconnect()


class Resolver:
    """Answers with the addresses it was given, and remembers what it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.addresses


def a_dialer(
    resolve: Callable[[str, int], Sequence[str]] | None = None,
    policy: UrlPolicy = LOCAL,
    **changes: Any,
) -> Dialer:
    limits = replace(QUICK, tap_connect_s=1.0)
    found = resolve or Resolver("127.0.0.1")
    return Dialer(policy=policy, limits=limits, resolve=found, **changes)


def outcome(dialer: Dialer, uri: str) -> str:
    """Return why a destination isn't opened."""

    async def dial() -> str:
        with pytest.raises(Unreachable) as failure:
            await dialer.dial(uri, Line())
        assert "://" not in failure.value.message
        return failure.value.code

    return asyncio.run(dial())


def a_server(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_name_is_asked_for_once_and_stays_in_the_host(tmp_path: Path) -> None:
    """The connection goes to the address; name and port are what the listener hears."""

    async def scenario() -> None:
        resolver = Resolver("127.0.0.1")
        async with listening() as listener:
            uri = f"ws://{NAME}:{listener.port}/a/b;c?d=e&f"
            await a_dialer(resolver).dial(uri, Line())
            await asyncio.sleep(0.05)
        assert [(NAME, listener.port)] == resolver.asked
        assert [f"{NAME}:{listener.port}"] == listener.hosts
        assert ["/a/b;c?d=e&f"] == listener.paths

    run(scenario)


def test_a_certificate_is_verified_for_the_name(tmp_path: Path) -> None:
    """Which the listener hears as SNI."""

    async def scenario() -> None:
        file, heard = make_certificate(tmp_path, NAME), []
        context = a_server(file)
        context.sni_callback = lambda _sock, name, _context: heard.append(name)
        async with listening(ssl=context) as listener:
            dialer = a_dialer(tls=lambda: ssl.create_default_context(cafile=str(file)))
            await dialer.dial(f"wss://{NAME}:{listener.port}/", Line())
        assert [NAME] == heard

    run(scenario)


@pytest.mark.parametrize("trusted", [True, False])
def test_another_certificate_is_refused(tmp_path: Path, trusted: bool) -> None:
    """One of another name, and one that nobody vouches for."""

    async def scenario() -> None:
        file = make_certificate(tmp_path, "other.example.com" if trusted else NAME)
        tls = (lambda: ssl.create_default_context(cafile=str(file))) if trusted else None
        async with listening(ssl=a_server(file)) as listener:
            dialer = a_dialer(**({"tls": tls} if tls else {}))
            with pytest.raises(Unreachable) as failure:
                await dialer.dial(f"wss://{NAME}:{listener.port}/", Line())
        assert "tls_failed" == failure.value.code

    run(scenario)


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1", "fd00::1"])
def test_a_name_with_a_private_address_is_refused(address: str) -> None:
    """Even where another one of its addresses is public: nothing is connected."""

    code = outcome(a_dialer(Resolver("127.0.0.1", address)), f"ws://{NAME}:9/")
    assert "address_refused" == code


def test_a_refused_url_is_refused_here_too() -> None:
    """The worker's own policy counts, whatever the API thought."""

    assert "address_refused" == outcome(a_dialer(policy=UrlPolicy()), "ws://127.0.0.1:80/")
    with pytest.raises(Unreachable):
        a_dialer().verify("ftp://127.0.0.1/")


def test_a_name_that_leads_nowhere_is_told() -> None:
    """No answer, no address, or something that is none."""

    def fails(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no answer")

    for resolve in (fails, Resolver(), Resolver("fe80::1%eth0%")):
        assert "name_not_resolved" == outcome(a_dialer(resolve), f"ws://{NAME}:9/")


def test_the_next_address_is_tried() -> None:
    """Three at most."""

    async def scenario() -> None:
        async with listening() as listener:
            uri = f"ws://{NAME}:{listener.port}/"
            await a_dialer(Resolver("127.0.0.9", "127.0.0.8", "127.0.0.1")).dial(uri, Line())
            resolver = Resolver("127.0.0.9", "127.0.0.8", "127.0.0.7", "127.0.0.1")
            with pytest.raises(Unreachable):
                await a_dialer(resolver).dial(uri, Line())

    run(scenario)


def test_a_redirect_is_not_followed() -> None:
    """It is an answer that is no websocket."""

    def redirect(connection: Any, _request: Any) -> Any:
        answer = connection.respond(302, "")
        answer.headers["Location"] = "ws://127.0.0.1:9/"
        return answer

    async def scenario() -> None:
        async with listening(process_request=redirect) as listener:
            with pytest.raises(Unreachable) as failure:
                await a_dialer().dial(listener.uri, Line())
        assert "refused" == failure.value.code

    run(scenario)


def test_whoever_says_nothing_is_not_waited_for() -> None:
    """The whole way to the 101 has one deadline."""

    async def scenario() -> None:
        async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(2)
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable) as failure:
            await a_dialer().dial(f"ws://127.0.0.1:{port}/", Line())
        assert "unreachable" == failure.value.code
        server.close()

    run(scenario)


ANSWERS = (
    b"",
    b"garbage\r\n\r\n",
    b"\xff" * 70_000,
    b"\x16\x03\x01\x00",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: x\r\n\r\n",
    b"HTTP/1.1 999 \xff\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: ://\r\n\r\n",
    b"HTTP/1.1 101\r\nA: " + b"a" * 100_000,
)


@pytest.mark.parametrize("aborts", [False, True])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: str(answer[:16]))
def test_whatever_is_no_upgrade_opens_nothing(answer: bytes, aborts: bool) -> None:
    """Nothing, rubbish, other protocols, half an upgrade: each is told as a refusal."""

    async def scenario() -> None:
        async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await (asyncio.sleep(0.01) if aborts else writer.drain())
            writer.transport.abort() if aborts else writer.close()

        server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable):
            await a_dialer().dial(f"ws://{NAME}:{port}/", Line())
        server.close()

    run(scenario)
