"""Which sockets a worker accepts."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from chalicelib.security.tokens import TokenKind
from tests.sink.raw import Raw
from tests.sink.rig import QUICK, Rig, run, start, token, until

GOOD = token()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/bandwidth/{GOOD}", 101),
        (f"/bandwidth/{GOOD}?x=1", 101),
        (f"/signalwire-tap/{GOOD}/c-1/speak", 101),
        (f"/bandwidth/{GOOD[:-1]}", 401),
        ("/bandwidth/nonsense", 401),
        (f"/bandwidth/{token(hours=-1)}", 401),
        (f"/bandwidth/{token(key=b'another key of 32 bytes is no key')}", 401),
        (f"/bandwidth/{token(TokenKind.RECORDING)}", 401),
        (f"/signalwire-tap/{token(hours=-1)}/c-1/speak", 401),
        (f"/twilio/{GOOD}", 404),
        (f"/bandwidth/{GOOD}/more", 404),
        (f"/signalwire-tap/{GOOD}", 404),
        ("/", 404),
        (f"/signalwire-tap/{GOOD}/c-1/sideways", 400),
        (f"/signalwire-tap/{GOOD}/%24%7Bcall.call_id%7D/speak", 400),
    ],
    ids=[
        "bandwidth",
        "a query",
        "tap",
        "a token cut short",
        "no token",
        "expired",
        "another's key",
        "another kind",
        "an expired tap",
        "no such dialect",
        "more path",
        "less path",
        "no path",
        "no direction",
        "a variable",
    ],
)
def test_nobody_gets_a_101_without_proof(path: str, status: int) -> None:
    """Path and token are judged before the handshake is answered."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            raw = await Raw.connect(rig.port)
            assert status == await raw.ask(path)
            raw.abort()

    run(scenario)


def test_a_refusal_is_json_with_a_stable_code() -> None:
    """A refused peer learns why, and nothing about the token."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            raw = await Raw.connect(rig.port)
            assert 401 == await raw.ask(f"/bandwidth/{token(hours=-1)}")
            answer = json.loads(await raw.reader.read())
            assert {"error": {"code": "token_expired", "message": "Unauthorized"}} == answer

    run(scenario)


def test_a_connection_header_with_two_words_is_good() -> None:
    """Browsers and some proxies send `keep-alive, Upgrade`."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            raw = await Raw.connect(rig.port)
            assert 101 == await raw.ask(f"/bandwidth/{GOOD}", "keep-alive, Upgrade")
            raw.abort()

    run(scenario)


def test_headers_over_8_kib_are_refused() -> None:
    """A long header never meets the token's check."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            raw = await Raw.connect(rig.port)
            assert 431 == await raw.ask(f"/bandwidth/{GOOD}", extra=f"X: {'x' * 8200}\r\n")

    run(scenario)


def test_a_slow_handshake_is_cut() -> None:
    """Who doesn't finish the request in time is disconnected."""

    async def scenario() -> None:
        async with Rig(limits=replace(QUICK, handshake_within_s=0.2)).running() as rig:
            raw = await Raw.connect(rig.port)
            raw.send(b"GET /bandwidth/")
            assert await asyncio.wait_for(raw.is_cut(), 2)

    run(scenario)


def test_a_full_worker_answers_503() -> None:
    """Above the limit of sockets every other is refused, until one closes."""

    async def scenario() -> None:
        async with Rig(limits=replace(QUICK, sessions=1)).running() as rig:
            first, second, third = [await Raw.connect(rig.port) for _ in range(3)]
            assert 101 == await first.ask(f"/bandwidth/{GOOD}")
            assert 503 == await second.ask(f"/bandwidth/{GOOD}")
            first.abort()
            await until(lambda: not rig.sink.call_registry.sockets)
            assert 101 == await third.ask(f"/bandwidth/{GOOD}")
            third.abort()

    run(scenario)


def test_health_is_told_on_the_same_port() -> None:
    """The load balancer and the container ask without a token."""

    async def scenario() -> None:
        async with Rig().running() as rig, rig.bandwidth() as socket:
            await socket.send(start())
            await until(lambda: rig.sink.call_registry.calls)
            raw = await Raw.connect(rig.port)
            raw.send(b"GET /healthz HTTP/1.1\r\nHost: sink\r\n\r\n")
            head, _, body = (await raw.reader.read()).partition(b"\r\n\r\n")
            assert b"200" == head.split(b" ")[1]
            assert {
                "status": "ok",
                "worker": "w-1",
                "calls": 1,
                "sockets": 1,
                "rtp_ports": 0,
                "degraded": "",
            } == json.loads(body)

    run(scenario)


def test_a_stopping_worker_takes_nobody_and_says_so() -> None:
    """From SIGTERM on, carriers and the load balancer get 503 while the rest is stored."""

    async def scenario() -> None:
        rig = Rig()
        rig.control.is_away = True
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await until(lambda: rig.sink.call_registry.calls)
            rig.sink.stop()
            await until(lambda: socket.close_code == 1001)
            health, carrier = await Raw.connect(rig.port), await Raw.connect(rig.port)
            health.send(b"GET /healthz HTTP/1.1\r\nHost: sink\r\n\r\n")
            assert b"HTTP/1.1 503" == (await health.reader.read())[:12]
            assert 503 == await carrier.ask(f"/bandwidth/{GOOD}")
            rig.control.is_away = False

    run(scenario)
