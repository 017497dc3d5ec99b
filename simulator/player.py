"""Plays a call as its carrier would: real sockets, real time or faster, real webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Any

from chalicelib.capture.events import Track
from simulator import hooks
from simulator.carriers.registry import DIALECTS
from simulator.line import LineEnded
from simulator.report import Hook, Report, SentTrack
from simulator.schedule import Action, Connect, Faults, Press, Send, plan
from simulator.socket import Setup, Socket
from simulator.speech import RATE_HZ


def silent(second: int, track: Track) -> None:
    """Show no progress."""


class Announcing(StrEnum):
    """When the webhook of a stream's start comes."""

    BEFORE = "before"
    """the socket opens"""
    AFTER = "after"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A call to play."""

    dialect: str
    setup: Setup
    sources: Mapping[Track, Iterable[bytes]]
    """20 ms payloads by track, of equal count where tracks share a socket"""
    hook_url: str = ""
    """empty: no webhooks"""
    speed: float = 1.0
    """seconds of the call per second"""
    faults: Faults = field(default_factory=Faults)
    presses: tuple[Press, ...] = ()
    """of digits, where the dialect tells them"""
    announcing: Announcing = Announcing.AFTER
    on_second: Callable[[int, Track], None] = silent
    """told each whole second of a track as it goes out"""


async def play(played: Played) -> Report:
    """Return what was sent, when all has been sent or the sink has ended every socket."""
    report = Report(
        call_id=played.setup.call_id,
        dialect=played.dialect,
        encoding=played.setup.encoding,
        started_at=datetime.now(UTC),
        tracks={track: SentTrack() for track in played.setup.tracks},
    )
    sockets = DIALECTS[played.dialect].sockets(played.setup)
    runs = [_Run(played, socket, report) for socket in sockets]
    # All sockets stand before the first sample goes out: the call's clock is one.
    await asyncio.gather(*(run.prepare(_Clock(played)) for run in runs))
    report.started_at, clock = datetime.now(UTC), _Clock(played)
    await asyncio.gather(*(run.finish(clock) for run in runs))
    report.ended_at = datetime.now(UTC)
    return report


class _Clock:
    """The carrier's clock; each wait aims at an absolute time, so that no error adds up."""

    def __init__(self, played: Played) -> None:
        self._began_s = asyncio.get_running_loop().time()
        self._rate = played.speed * (1 + played.faults.drift_ppm * 1e-6)

    async def reach(self, call_s: float) -> None:
        wait_s = self._began_s + call_s / self._rate - asyncio.get_running_loop().time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)


class _Run:
    """A socket's way through the call, with its webhooks."""

    def __init__(self, played: Played, socket: Socket, report: Report) -> None:
        self._played = played
        self._socket = socket
        self._report = report
        self._line = DIALECTS[played.dialect].wire(socket, self._note)
        sources = {track: played.sources[track] for track in socket.tracks}
        self._actions = plan(sources, played.faults, played.presses)
        self._announced: asyncio.Task[None] | None = None
        self._has_ended = False
        self._sent_samples = 0

    async def prepare(self, clock: _Clock) -> None:
        """Open the socket, where it is to be open from the start."""
        if self._played.announcing is Announcing.BEFORE:
            await self._announce()
        first = next(self._actions, None)
        if first == Connect(at_s=0.0):
            await self._follow([first], clock)
        elif first:
            self._actions = chain([first], self._actions)

    async def finish(self, clock: _Clock) -> None:
        """Send all, end the socket, tell its end."""
        await self._follow(self._actions, clock)
        if not self._has_ended:
            self._report.sockets.append(await self._line.end(self._played.faults))
        if self._announced:
            await self._announced
            await self._post(self._socket.stopped(self._sent_samples / RATE_HZ))

    async def _follow(self, actions: Iterable[Action], clock: _Clock) -> None:
        if self._has_ended:
            return
        try:
            for action in actions:
                await clock.reach(action.at_s)
                await self._line.act(action)
                if isinstance(action, Connect) and self._played.announcing is Announcing.AFTER:
                    self._announce()
        except LineEnded as error:
            self._report.sockets.append(error.ended)
            self._has_ended = True

    def _announce(self) -> asyncio.Task[None]:
        """Post the start once; media doesn't wait for its answer."""
        if self._announced is None:
            self._announced = asyncio.create_task(self._post(self._socket.started()))
        return self._announced

    async def _post(self, event: dict[str, Any]) -> None:
        url = self._played.hook_url
        if not url:
            return
        status = await asyncio.to_thread(hooks.post, url, event)
        name = event.get("eventType") or f"{event['event_type']} {event['params']['state']}"
        self._report.hooks.append(Hook(event=name, status=status))

    def _note(self, sent: Send) -> None:
        track = self._report.tracks[sent.track]
        track.add(sent)
        self._sent_samples = max(self._sent_samples, len(track.payload))
        second, rest = divmod(sent.position, RATE_HZ)
        if rest == 0:
            self._played.on_second(second, sent.track)
