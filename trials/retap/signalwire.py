"""SignalWire as far as a tap goes: calls, `calling.tap` over REST as documented, and real streams.

Each frame of a call is noise that comes once and has its place on the call's clock, whichever tap
brings it: what is said while nobody taps is lost. A stream whose socket breaks is over, and its
`finished` is posted: nothing begins by itself.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from infra.local.ports import HOST
from simulator import hooks

PROJECT, TOKEN = "project-1", "PT-secret"
FRAME_S, FRAME_SAMPLES = 0.02, 160
_AUTHORIZATION = "Basic " + base64.b64encode(f"{PROJECT}:{TOKEN}".encode()).decode()
_DIRECTIONS = ("speak", "listen", "both")


@dataclass(slots=True, kw_only=True)
class Sent:
    """A frame that went out."""

    index: int
    """frames of the call before it"""
    at_s: float
    """on the monotonic clock"""
    payload: bytes


@dataclass(slots=True, kw_only=True)
class Tap:
    """One tap, and what went out by it."""

    direction: str
    uri: str
    asked_s: float
    """when somebody asked for it, on the monotonic clock"""
    status_url: str = ""
    is_over: bool = False
    sent: list[Sent] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Call:
    """A call at the carrier."""

    call_id: str
    began_s: float = field(default_factory=time.monotonic)
    is_over: bool = False
    taps: dict[str, Tap] = field(default_factory=dict)
    """by control id"""

    def frame(self, direction: str, index: int) -> bytes:
        """Return what is said there and then."""
        return Random(f"{self.call_id} {direction} {index}").randbytes(FRAME_SAMPLES)


class SignalWire:
    """A running carrier. `lead` is the load balancer's part: where a URI leads to."""

    def __init__(self, lead: Callable[[str], str]) -> None:
        self.url = ""
        self.calls: dict[str, Call] = {}
        self.answers: list[tuple[str, int]] = []
        """call id and status of each command"""
        self._lead = lead
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        """kept here, since the loop keeps none"""

    def begin(self, call_id: str) -> Call:
        """Begin a call."""
        self.calls[call_id] = Call(call_id=call_id)
        return self.calls[call_id]

    def hang_up(self, call_id: str) -> None:
        """End a call; its taps end with it."""
        self.calls[call_id].is_over = True

    def tap(self, call: Call, control_id: str, tap: Tap) -> None:
        """Begin a tap: as SWML would, or a command."""
        call.taps[control_id] = tap
        self._loop.call_soon_threadsafe(self._start, call, control_id, tap)

    def command(self, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer `POST /api/calling/calls` as its specification has it."""
        if authorization != _AUTHORIZATION:
            return 401, {"error": "Unauthorized"}
        asked = json.loads(body)
        call = self.calls.get(asked["id"])
        if call is None or call.is_over:
            return 404, {"error": "Not Found"}
        if fault := _fault(asked, call):
            return 422, fault
        params = asked["params"]
        tap = Tap(
            direction=params["tap"]["params"]["direction"],
            uri=params["device"]["params"]["uri"],
            status_url=params["status_url"],
            asked_s=time.monotonic(),
        )
        self.tap(call, params["control_id"], tap)
        return 200, {"id": call.call_id, "status": "answered", "type": "relay_pstn_call"}

    def run(self) -> None:
        """Stream until stopped."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def stop(self) -> None:
        """Stream no more."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _start(self, call: Call, control_id: str, tap: Tap) -> None:
        self._keep(self._stream(call, control_id, tap))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stream(self, call: Call, control_id: str, tap: Tap) -> None:
        with suppress(OSError, WebSocketException):
            url = self._lead(tap.uri)
            async with connect(url, compression=None, ping_interval=None, proxy=None) as socket:
                self._keep(self._post(call, control_id, tap, "tapping"))
                await self._send(call, tap, socket.send)
        tap.is_over = True
        await self._post(call, control_id, tap, "finished")

    async def _send(self, call: Call, tap: Tap, send: Callable[[bytes], Any]) -> None:
        index = int((time.monotonic() - call.began_s) / FRAME_S)
        while not call.is_over:
            wait_s = call.began_s + index * FRAME_S - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            payload = call.frame(tap.direction, index)
            await send(payload)
            tap.sent.append(Sent(index=index, at_s=time.monotonic(), payload=payload))
            index += 1

    async def _post(self, call: Call, control_id: str, tap: Tap, state: str) -> None:
        if not tap.status_url:
            return
        params = {
            "call_id": call.call_id,
            "node_id": "node-1",
            "control_id": control_id,
            "state": state,
            "tap": {"type": "audio", "params": {"direction": tap.direction}},
            "device": {"type": "ws", "params": {"uri": tap.uri, "codec": "PCMU"}},
        }
        event = {"event_type": "calling.call.tap", "timestamp": time.time(), "params": params}
        await asyncio.to_thread(hooks.post, tap.status_url, event)


def _fault(asked: dict[str, Any], call: Call) -> dict[str, Any] | None:
    """Return the 422 of a command that isn't one; control ids are unique in a call."""
    params = asked.get("params", {})
    device, tapped = params.get("device", {}), params.get("tap", {})
    wrong = {
        "command": asked.get("command") != "calling.tap",
        "control_id": not params.get("control_id") or params.get("control_id") in call.taps,
        "tap": tapped.get("type") != "audio"
        or tapped.get("params", {}).get("direction") not in _DIRECTIONS,
        "device": device.get("type") != "ws"
        or not device.get("params", {}).get("uri", "").startswith(("ws://", "wss://"))
        or device.get("params", {}).get("codec") not in ("PCMU", "PCMA", "OPUS"),
    }
    for attribute, is_wrong in wrong.items():
        if is_wrong:
            error = {"type": "validation_error", "code": "invalid", "attribute": attribute}
            return {"errors": [error]}
    return None


@contextmanager
def signalwire(lead: Callable[[str], str]) -> Iterator[SignalWire]:
    """Run a carrier until the block ends."""
    carrier = SignalWire(lead)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, said = 404, {"error": "Not Found"}
            if self.path == "/api/calling/calls":
                status, said = carrier.command(self.headers.get("Authorization", ""), body)
                carrier.answers.append((json.loads(body).get("id", ""), status))
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Door)
    carrier.url = f"http://{HOST}:{server.server_port}"
    threads = [
        threading.Thread(target=run, daemon=True) for run in (server.serve_forever, carrier.run)
    ]
    for thread in threads:
        thread.start()
    try:
        yield carrier
    finally:
        server.shutdown()
        carrier.stop()
        for thread in threads:
            thread.join()
        server.server_close()
