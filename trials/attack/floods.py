"""Attackers that send much: fragments, sizes, bombs, pings, tokens."""

from __future__ import annotations

import asyncio
import contextlib
import math
import struct
import time
import zlib
from collections import Counter
from collections.abc import Iterator

from chalicelib.sink.ingest.unfinished import MOST_BYTES, cost
from chalicelib.sink.ingest.websocket import MESSAGE_BYTES_MAX
from tests.sink.raw import BINARY, CONTINUATION, PING, TEXT, Raw, websocket_frame
from trials.attack.report import Outcome
from trials.attack.target import LIMITS, Target

ENOUGH_BYTES = 16 * 1024 * 1024
"""what an attacker sends where nobody cuts it"""


async def fragments(target: Target, number: int = 50) -> Outcome:
    """Send messages that never end, in parts of two bytes."""
    part = websocket_frame(CONTINUATION, b"aa", fin=False) * 1000
    begin = websocket_frame(TEXT, b"a", fin=False)
    codes = await _flood(target, number, [begin, *[part] * 1000])
    return _judge(codes, {1008}, "endless messages of 2 bytes a part")


async def empty_fragments(target: Target, number: int = 20) -> Outcome:
    """Send messages that never end, in parts of no bytes."""
    part = websocket_frame(CONTINUATION, b"", fin=False) * 1000
    begin = websocket_frame(BINARY, b"", fin=False)
    codes = await _flood(target, number, [begin, *[part] * 1000])
    return _judge(codes, {1008}, "endless messages of empty parts")


async def unfinished(target: Target, number: int = 280) -> Outcome:
    """Leave a message of 60 kB unfinished on each of many sockets, and keep them open."""
    parts = [websocket_frame(BINARY, bytes(3000), fin=False)]
    parts += [websocket_frame(CONTINUATION, bytes(3000), fin=False)] * 19
    raws = [await target.enter() for _ in range(number)]
    for part in parts:
        for raw in raws:
            raw.send(part)
        await asyncio.sleep(0.05)
    codes = await asyncio.gather(*(_close_code_within(raw, 1.0) for raw in raws))
    for raw in raws:
        raw.abort()
    held = codes.count(0)
    right = MOST_BYTES // cost(60_000)
    faults = [] if held == right else [f"{held} sockets were left, not {right}"]
    faults += [f"closed with {code}" for code in set(codes) - {0, 1013}]
    return Outcome(
        facts=f"{number} unfinished messages: {held} held, {number - held} × 1013",
        faults=tuple(faults),
    )


async def oversize(target: Target, number: int = 20) -> Outcome:
    """Send more than a message may hold: announced as 2^62 bytes, one too many, or in parts."""
    huge = b"\x82\xff" + struct.pack("!Q", 1 << 62) + bytes(4)
    mebibyte = bytes(1024 * 1024)
    parts = (
        websocket_frame(BINARY, bytes(60_000), fin=False),
        b"".join([websocket_frame(CONTINUATION, bytes(60_000), fin=False)] * 20),
    )
    codes = await _flood(target, number, [huge, *[mebibyte] * 16])
    codes += await _flood(target, number, [websocket_frame(TEXT, bytes(MESSAGE_BYTES_MAX + 1))])
    codes += await _flood(target, number, parts)
    return _judge(codes, {1009}, "messages over 64 KiB")


async def long_request(target: Target, number: int = 50) -> Outcome:
    """Send a request that doesn't end, as fast as it goes."""
    raws = [await target.connect() for _ in range(number)]
    flood = [b"GET /bandwidth/", *[b"a" * 65_536] * (ENOUGH_BYTES // 65_536)]
    sent = await asyncio.gather(*(_pour(raw, flood) for raw in raws))
    faults = ("a request without end was read to its end",) if ENOUGH_BYTES in sent else ()
    return Outcome(facts=f"{number} requests of 16 MiB, cut", faults=faults)


async def bombs(target: Target, number: int = 20) -> Outcome:
    """Offer compression, and send 64 KiB that would become 64 MiB."""
    raws = [await target.connect() for _ in range(number)]
    extra = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    agreed = 0
    for raw in raws:
        raw.send(_request(target.path, extra))
        head = await raw.reader.readuntil(b"\r\n\r\n")
        agreed += b"permessage-deflate" in head.lower()
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 9)[2:-4][: MESSAGE_BYTES_MAX - 1]
    frame = websocket_frame(BINARY, bomb, reserved=4)
    codes = await asyncio.gather(*(_send_until_closed(raw, [frame]) for raw in raws))
    outcome = _judge(Counter(codes), {1002}, "compressed messages")
    faults = (*outcome.faults, *(("compression was agreed to",) if agreed else ()))
    return Outcome(facts=outcome.facts, faults=faults)


async def pings(target: Target, number: int = 20) -> Outcome:
    """Send pings and read no pong."""
    raws = [await target.enter() for _ in range(number)]
    for raw in raws:
        raw.writer.transport.pause_reading()
    flood = [websocket_frame(PING, b"x" * 125) * 500] * (ENOUGH_BYTES // 65_500)
    whole = sum(map(len, flood))
    sent = await asyncio.gather(*(_pour(raw, flood) for raw in raws))
    faults = ("a flood of pings was read to its end",) if whole in sent else ()
    return Outcome(facts=f"{number} floods of pings, cut", faults=faults)


async def malformed(target: Target, number: int = 20) -> Outcome:
    """Send messages that no dialect knows, as fast as it goes, on calls that were started."""
    raws = [await target.stream(f"malformed-{order}") for order in range(number)]
    flood = websocket_frame(TEXT, b'{"eventType":"media","payload":[[[[' * 20) * 100
    codes = await asyncio.gather(*(_send_until_closed(raw, [flood] * 200) for raw in raws))
    return _judge(Counter(codes), {1008}, "floods of malformed messages")


async def wrong_tokens(target: Target, number: int = 5000) -> Outcome:
    """Try tokens that differ from a good one in one place, and others."""
    statuses: Counter[int] = Counter()
    tries = _mutations(target.token, number)

    async def guess() -> None:
        for token in tries:
            raw = await target.connect()
            statuses[await raw.ask(f"/bandwidth/{token}")] += 1
            raw.abort()

    await asyncio.gather(*(guess() for _ in range(50)))
    faults = ("somebody got in",) if set(statuses) - {401, 404} else ()
    told = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    return Outcome(facts=f"{statuses.total()} wrong tokens: {told}", faults=faults)


async def reconnects(target: Target, number: int = 4, seconds: float = 8.0) -> Outcome:
    """Hold a token that leaked: flood with parts from one address, and again as soon as cut."""
    until, let_in, kept_out = time.monotonic() + seconds, 0, 0
    part = websocket_frame(CONTINUATION, b"aa", fin=False) * 1000
    flood = [websocket_frame(TEXT, b"a", fin=False), *[part] * 20]

    async def come_back() -> None:
        nonlocal let_in, kept_out
        while time.monotonic() < until:
            try:
                raw = await target.enter(address="198.51.100.66")
            except ConnectionError:
                kept_out += 1
                await asyncio.sleep(0.05)
            else:
                let_in += 1
                await _send_until_closed(raw, flood)

    await asyncio.gather(*(come_back() for _ in range(number)))
    # What is forgiven meanwhile, and those who came in at the same time.
    most = LIMITS.faults_at_once + math.ceil(seconds / LIMITS.fault_forgiven_s) + number
    faults = () if kept_out and let_in <= most else (f"let in {let_in} times, kept out {kept_out}",)
    return Outcome(facts=f"let in {let_in} times, then kept out {kept_out}", faults=faults)


def _mutations(token: str, number: int) -> Iterator[str]:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for order in range(number):
        place = order % len(token)
        letter = letters[(letters.find(token[place]) + 1 + order // len(token)) % len(letters)]
        if letter != token[place] and place < len(token) - 1:
            yield token[:place] + letter + token[place + 1 :]
        else:
            yield token[: place % 40 + 1]


async def _flood(
    target: Target, number: int, sent: list[bytes] | tuple[bytes, ...]
) -> Counter[int]:
    raws = [await target.enter() for _ in range(number)]
    return Counter(await asyncio.gather(*(_send_until_closed(raw, sent) for raw in raws)))


async def _close_code_within(raw: Raw, within_s: float) -> int:
    """Return the code of a close; 0 where none comes."""
    try:
        async with asyncio.timeout(within_s):
            return await raw.close_code()
    except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        return 0


async def _send_until_closed(raw: Raw, sent: list[bytes] | tuple[bytes, ...]) -> int:
    """Send until the sink closes; return its close code, 0 where it goes without one."""
    pouring = asyncio.create_task(_pour(raw, sent))
    try:
        async with asyncio.timeout(10):
            return await raw.close_code()
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
    except TimeoutError:
        return -1
    finally:
        pouring.cancel()
        raw.abort()


async def _pour(raw: Raw, sent: list[bytes] | tuple[bytes, ...]) -> int:
    """Send all, or until the connection is cut; return how many bytes went."""
    gone = 0
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(10):
            for octets in sent:
                raw.send(octets)
                await raw.writer.drain()
                gone += len(octets)
    return gone


def _request(path: str, extra: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: sink\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{extra}\r\n"
    ).encode()


def _judge(codes: Counter[int], right: set[int], what: str) -> Outcome:
    wrong = sorted(set(codes) - right - {0})
    told = ", ".join(f"{count} × {code or 'cut'}" for code, count in sorted(codes.items()))
    faults = tuple(f"closed with {code}" if code > 0 else "not closed" for code in wrong)
    return Outcome(facts=f"{codes.total()} {what}: {told}", faults=faults)
