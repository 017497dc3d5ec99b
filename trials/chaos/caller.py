"""A carrier's end of a call that remembers what it sent, when, and to which worker.

When a worker dies some carriers' streams begin again elsewhere, as a tap that is issued again does;
the others are over. RTP goes on into the void.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from chalicelib.capture.events import Encoding, Track
from infra.local.failures import RunFailed
from simulator import hooks
from simulator.carrier import Wire
from simulator.carriers.registry import DIALECTS
from simulator.line import LineEnded
from simulator.schedule import Connect, Faults, Send, Start
from simulator.socket import Setup, Socket
from simulator.speech import FRAME_SAMPLES
from tests.e2e.stage import Stage
from trials.chaos.slots import Life

IN, OUT = Track.INBOUND, Track.OUTBOUND
FRAME_S = 0.02
_TRIES = 8
_SILENT_S = 0.4
"""a carrier that begins again takes at least this long"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame that went out."""

    index: int
    """frames of the call before it"""
    at_s: float
    """on the monotonic clock"""
    payload: bytes
    life: Life
    """the worker it went to"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What carries a call."""

    dialect: str
    tracks: tuple[Track, ...]
    apart: bool = False
    """each track's socket at another worker"""
    apart_s: float = 0.0
    """so long after the one before: with some time the first worker owns the call"""
    begins_anew: bool = False


KINDS = (
    Kind(dialect="bandwidth", tracks=(IN, OUT)),
    Kind(dialect="signalwire-tap", tracks=(IN, OUT), apart=True),
    Kind(dialect="signalwire-tap", tracks=(IN,), begins_anew=True),
    Kind(dialect="rtp", tracks=(IN,)),
    Kind(dialect="bandwidth", tracks=(IN, OUT), begins_anew=True),
    Kind(dialect="signalwire-tap", tracks=(IN, OUT)),
    Kind(dialect="signalwire-tap", tracks=(IN, OUT), apart=True, begins_anew=True),
)


@dataclass(slots=True, kw_only=True)
class Call:
    """One call, and what was sent of it."""

    call_id: str
    kind: Kind
    seconds: float
    encoding: Encoding
    sent: dict[Track, list[Sent]] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)
    """the workers that it had a stream at"""
    is_over: bool = False
    hang_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_stereo(self) -> bool:
        """Whether its recording has a channel for each side."""
        return len(self.kind.tracks) > 1


class Caller:
    """Plays one call."""

    def __init__(
        self,
        stage: Stage,
        call: Call,
        living: Callable[[], Sequence[Life]],
        told: Mapping[str, Any] | None = None,
    ) -> None:
        """`told`: the instructions of its profile; without them one is made for its kind."""
        self._stage = stage
        self._call = call
        self._living = living
        self._random = Random(call.call_id)
        wanted = {"stereo": True} if call.is_stereo else {"direction": "speak"}
        dialect = "bandwidth" if call.kind.dialect == "bandwidth" else "signalwire-tap"
        self._told = told or stage.instructions(dialect, format="wav", **wanted)
        self._began_s = 0.0

    async def play(self, home: Life) -> None:
        """Send to its end; the first stream goes to `home`."""
        try:
            if self._call.kind.dialect == "rtp":
                await self._play_rtp()
            else:
                await self._play_sockets(home)
        finally:
            self._call.is_over = True

    async def _play_sockets(self, home: Life) -> None:
        self._began_s = time.monotonic()
        kind = self._call.kind
        groups = [(track,) for track in kind.tracks] if kind.apart else [kind.tracks]
        others = [life for life in self._living() if life is not home] or [home]
        homes = [home, *(self._random.choice(others) for _ in groups[1:])]
        carried = [
            self._carry(tracks, life, number * kind.apart_s)
            for number, (tracks, life) in enumerate(zip(groups, homes, strict=True))
        ]
        await asyncio.gather(*carried)

    async def _play_rtp(self) -> None:
        uri = await self._endpoint()
        life = next((one for one in self._living() if one.has_port(uri)), None)
        if life is None:
            return
        socket = self._sockets((IN,), uri)[0]
        hook = self._told["hook_url"]
        self._began_s = time.monotonic()
        announced = asyncio.create_task(asyncio.to_thread(hooks.post, hook, socket.started()))
        await self._stream([socket], (IN,), life, 0)
        await announced
        await asyncio.to_thread(hooks.post, hook, socket.stopped(self._call.seconds))

    async def _endpoint(self) -> str:
        path = f"/v1/calls/{self._call.call_id}/rtp_endpoint?profile={self._told['profile']}"
        for _ in range(_TRIES):
            try:
                status, told = await asyncio.to_thread(
                    self._stage.customer.ask, "POST", path, b"{}"
                )
            except RunFailed:
                continue
            if status == 201:
                return str(told["uri"])
        return ""

    async def _carry(self, tracks: tuple[Track, ...], life: Life | None, after_s: float) -> None:
        """Send tracks from one worker to the next, as often as one dies."""
        await asyncio.sleep(after_s)
        index = self._now_index() if after_s else 0
        while life is not None and index < self._frames and not self._call.hang_up.is_set():
            sockets = self._sockets(tracks, life.at(self._told["stream_url"]))
            if await self._stream(sockets, tracks, life, index):
                return
            if not self._call.kind.begins_anew:
                return
            await asyncio.sleep(_SILENT_S + self._random.random())
            living = self._living()
            life = self._random.choice(living) if living else None
            index = self._now_index()

    async def _stream(
        self, sockets: Sequence[Socket], tracks: tuple[Track, ...], life: Life, index: int
    ) -> bool:
        """Send tracks to one worker; tell whether the carrier ended it."""
        carrier = DIALECTS[self._call.kind.dialect]
        lines: list[tuple[Wire, tuple[Track, ...]]] = [
            (carrier.wire(socket, lambda _: None), socket.tracks) for socket in sockets
        ]
        try:
            for line, _ in lines:
                await line.act(Connect(at_s=0.0))
                await line.act(Start(at_s=0.0))
            self._call.lives.append(life)
            await self._send(lines, life, max(index, self._now_index()))
            for line, _ in lines:
                await line.end(Faults())
        except LineEnded:
            for line, _ in lines:
                await line.end(Faults(stops=False, closes=False))
            return False
        return True

    async def _send(
        self, lines: Sequence[tuple[Wire, tuple[Track, ...]]], life: Life, first: int
    ) -> None:
        for number, index in enumerate(range(first, self._frames)):
            wait_s = self._began_s + index * FRAME_S - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if self._call.hang_up.is_set():
                return
            for line, tracks in lines:
                for place, track in enumerate(tracks):
                    payload = self._random.randbytes(FRAME_SAMPLES)
                    sent = Sent(index, time.monotonic(), payload, life)
                    await line.act(
                        Send(
                            at_s=0.0,
                            track=track,
                            position=index * FRAME_SAMPLES,
                            payload=payload,
                            number_in_stream=number * len(tracks) + place + 1,
                            number_in_track=number + 1,
                        )
                    )
                    self._call.sent.setdefault(track, []).append(sent)

    @property
    def _frames(self) -> int:
        return round(self._call.seconds / FRAME_S)

    def _now_index(self) -> int:
        return max(0, round((time.monotonic() - self._began_s) / FRAME_S))

    def _sockets(self, tracks: tuple[Track, ...], url: str) -> list[Any]:
        setup = Setup(
            stream_url=url,
            call_id=self._call.call_id,
            tracks=tracks,
            encoding=self._call.encoding,
        )
        return list(DIALECTS[self._call.kind.dialect].sockets(setup))
