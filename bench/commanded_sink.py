"""A sink with one live call in this process, and the tables that it shares with its API."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast
from uuid import uuid4

import uvloop
from websockets.asyncio.client import connect

from bench.ingest_sink import KEY, NoClaims, NoTaps, Tables
from chalicelib.capture.events import Encoding, Track
from chalicelib.ports.values import JoinRequest, JoinResult
from chalicelib.recording import intervals, keys
from chalicelib.recording.commands import Command
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.model import (
    Call,
    CallRef,
    Interval,
    Recording,
    RecordOptions,
    State,
    Stream,
)
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.services.calls.commands import Commander
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.worker import Worker, WorkerPorts

CALL = CallRef(account="main", carrier="bandwidth", call_id="bench")
RECORDING = keys.recording_id(CALL.key, "bench")
WORKER = "bench"


class Memory(Tables):
    """One call and one recording; each answer takes `takes_s`, as a database's does."""

    def __init__(self, takes_s: float) -> None:
        self.recording: Recording | None = None
        self._takes_s = takes_s
        self._stream: Stream | None = None
        self._commands: dict[str, Command] = {}

    # --- the sink's

    def join_call(self, joining: JoinRequest) -> JoinResult:
        self._take()
        recording = Recording(
            recording_id=RECORDING,
            call=CALL,
            control_id="bench",
            state=State.RECORDING,
            version=1,
            round=1,
            options=RecordOptions(),
            profile=joining.profile,
            created_at=joining.opened_at,
            started_at=joining.opened_at,
            intervals=(Interval(),),
        )
        self._stream = _stream(joining)
        self.recording = recording
        return JoinResult(
            call=CALL,
            call_session=1,
            stream_count=1,
            encoding=Encoding.PCMU,
            recordings=(recording,),
        )

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        self._take()
        recording = self.get_recording()
        shown = intervals.paused(recording.intervals, at_us, behavior)
        return self._write(recording, State.PAUSED, shown)

    def resume(self, recording_id: str, at_us: int) -> Recording:
        self._take()
        recording = self.get_recording()
        return self._write(
            recording, State.RECORDING, intervals.resumed(recording.intervals, at_us)
        )

    def waiting(self, worker: str) -> list[Command]:
        self._take()
        return sorted(self._commands.values(), key=lambda command: command.at)

    def remove(self, command: Command) -> None:
        self._take()
        self._commands.pop(command.command_id, None)

    # --- the API's

    def send(self, command: Command) -> None:
        self._take()
        self._commands[command.command_id] = command

    def is_waiting(self, command: Command) -> bool:
        self._take()
        return command.command_id in self._commands

    def get_recording(self) -> Recording:
        """Return the recording."""
        assert self.recording is not None
        return self.recording

    def get_call(self, key: str) -> Call:
        """Return the call."""
        self._take()
        at = datetime.now(UTC)
        return Call(ref=CALL, profile="bench", open=True, round=1, generation=1, opened_at=at)

    def streams(self, key: str) -> list[Stream]:
        """Return its stream."""
        self._take()
        return [self._stream] if self._stream else []

    def commands(self) -> Commander:
        """Return what the API commands with."""
        shown = _Shown(self)
        transitions: Any = type("Transitions", (), {"recordings": shown})()
        return Commander(
            calls=cast("Any", shown),
            transitions=transitions,
            mailbox=self,
            now=lambda: datetime.now(UTC),
            wait=time.sleep,
            new_id=lambda: str(uuid4()),
        )

    def take(self) -> None:
        """Let the time of an answer pass."""
        self._take()

    def _take(self) -> None:
        if self._takes_s:
            time.sleep(self._takes_s)

    def _write(self, recording: Recording, state: State, shown: tuple[Interval, ...]) -> Recording:
        self.recording = replace(
            recording, state=state, intervals=shown, version=recording.version + 1
        )
        return self.recording


class _Shown:
    """The tables as commands read them: calls and recordings."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.streams = memory.streams

    def get(self, key: str) -> Any:
        if key != RECORDING:
            return self._memory.get_call(key)
        self._memory.take()
        return self._memory.get_recording()

    def of_call(self, key: str) -> list[Recording]:
        self._memory.take()
        return [self._memory.get_recording()]


def _stream(joining: JoinRequest) -> Stream:
    return Stream(
        call=CALL,
        stream_key=joining.stream_key,
        carrier_stream_id=joining.carrier_stream_id,
        round=1,
        worker=joining.worker,
        dialect=joining.dialect,
        tracks=joining.tracks,
        encoding=Encoding.PCMU,
        rate_hz=joining.rate_hz,
        opened_at=joining.opened_at,
        journal_from=joining.journal_from,
    )


class _Discard:
    """A store that keeps nothing."""

    def put(self, key: str, body: bytes) -> None:
        """Take an object."""


@contextmanager
def live_call(memory: Memory) -> Iterator[None]:
    """Run a sink with the call streaming until the block ends."""
    ready, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: uvloop.run(_live(memory, ready, over)))
    thread.start()
    try:
        assert ready.wait(20), "the call didn't begin"
        yield
    finally:
        over.set()
        thread.join()


async def _live(memory: Memory, ready: threading.Event, over: threading.Event) -> None:
    outside = WorkerPorts(
        control=memory,
        live_recordings=memory,
        live_taps=NoTaps(),
        mailbox=memory,
        port_claims=NoClaims(),
        leases=memory,
        store=cast("Any", _Discard()),
        token_keys=lambda: [KEY],
    )
    sink = Worker(WORKER, outside, Limits())
    port = await sink.start("127.0.0.1", 0)
    running = asyncio.create_task(sink.run())
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    token = tokens.issue([KEY], TokenKind.PROFILE, "main", "bench", expires_at)
    await _talk(f"ws://127.0.0.1:{port}/bandwidth/{token}", memory, ready, over)
    sink.stop()
    await running


async def _talk(url: str, memory: Memory, ready: threading.Event, over: threading.Event) -> None:
    """Send a frame of each track every 20 ms."""
    noise = Random(1)
    async with connect(url, compression=None) as socket:
        await socket.send(_start())
        due = asyncio.get_running_loop().time()
        while not over.is_set():
            for track in (Track.INBOUND, Track.OUTBOUND):
                await socket.send(_media(track, noise.randbytes(160)))
            if memory.recording is not None:
                ready.set()
            due += 0.02
            await asyncio.sleep(due - asyncio.get_running_loop().time())
        await socket.send(json.dumps({"eventType": "stop", "metadata": {}}))


def _start() -> str:
    tracks = [
        {"name": track, "mediaFormat": {"encoding": "PCMU", "sampleRate": 8000}}
        for track in (Track.INBOUND, Track.OUTBOUND)
    ]
    metadata = {"accountId": "5", "callId": CALL.call_id, "streamId": "s-1", "tracks": tracks}
    return json.dumps({"eventType": "start", "metadata": metadata})


def _media(track: Track, payload: bytes) -> str:
    encoded = base64.b64encode(payload).decode()
    return json.dumps({"eventType": "media", "track": track, "payload": encoded})
