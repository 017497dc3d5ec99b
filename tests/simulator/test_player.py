"""Calls played to a sink and a hook that listen."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.capture.events import Encoding, Media, StreamStarted, StreamStopped, Track
from simulator import report as reports
from simulator import sources
from simulator.__main__ import main
from simulator.player import Announcing, Played, play
from simulator.report import Report
from simulator.schedule import Cut, Faults, Hole, Rubbish
from simulator.socket import Setup
from tests.simulator.listening import Heard, listening

SIDES = (Track.INBOUND, Track.OUTBOUND)
HOOK = "/hooks/any/tok"


def played(
    dialect: str = "bandwidth",
    seconds: float = 0.4,
    close_after: int = 10**9,
    hook_status: int = 200,
    path: str = "",
    **changes: Any,
) -> tuple[Heard, Report]:
    """Play a short call ten times as fast as life; return what was heard and what was told."""

    async def run() -> tuple[Heard, Report]:
        clock = asyncio.get_running_loop().time
        async with listening(clock, close_after, hook_status) as heard:
            setup = Setup(
                stream_url=heard.stream_base + (path or f"/{dialect}/tok"),
                call_id="call-1",
                tracks=SIDES,
                encoding=Encoding.PCMU,
            )
            call = Played(
                dialect=dialect,
                setup=setup,
                sources=sources.of_speech(SIDES, Encoding.PCMU, seconds, seed=1),
                **{"hook_url": heard.hook_base + HOOK, "speed": 10.0} | changes,
            )
            told = await play(call)
            return heard, told

    return asyncio.run(run())


def test_a_stream_arrives_as_it_was_sent() -> None:
    """Bandwidth: one socket, start, both tracks to the byte, stop, a clean close."""

    heard, told = played()

    (socket,) = heard.sockets
    assert isinstance(socket.events[0], StreamStarted)
    assert StreamStopped() == socket.events[-1]
    for track in SIDES:
        media = [e.payload for e in socket.events if isinstance(e, Media) and e.track is track]
        assert told.tracks[track].payload == b"".join(media)
        assert [(0, 3200)] == told.tracks[track].runs
    assert told.was_taken
    assert 1000 == socket.close_code


def test_taps_arrive_on_a_socket_each() -> None:
    """SignalWire: speak and listen, each its own socket and its own bytes."""

    heard, told = played("signalwire-tap")

    by_path = {socket.path: socket for socket in heard.sockets}
    speak = by_path["/signalwire-tap/tok/call-1/speak"]
    listen = by_path["/signalwire-tap/tok/call-1/listen"]
    assert told.tracks[Track.INBOUND].payload == speak.payload
    assert told.tracks[Track.OUTBOUND].payload == listen.payload
    assert {160} == {len(e.payload) for e in speak.events if isinstance(e, Media)}


def test_webhooks_frame_the_stream() -> None:
    """A stream's start is announced once it is open, its end after it."""

    heard, told = played()

    events = [(path, event["eventType"]) for path, event in heard.posted]
    assert [(HOOK, "mediaStreamStarted"), (HOOK, "mediaStreamStopped")] == events
    assert [200, 200] == [hook.status for hook in told.hooks]
    assert "PT0.400000000S" == heard.posted[1][1]["mediaStream"]["duration"]


@pytest.mark.parametrize(("announcing", "events"), [(Announcing.BEFORE, 2), (Announcing.NEVER, 0)])
def test_webhooks_come_first_or_never(announcing: Announcing, events: int) -> None:
    """The other orders that a carrier's webhooks may take."""

    assert events == len(played(announcing=announcing)[0].posted)


def test_pacing_follows_the_clock() -> None:
    """Each message comes at its own time, whatever the ones before it cost."""

    heard, _ = played(seconds=1.0, speed=2.0)

    arrivals = heard.sockets[0].arrivals_s
    assert 0.45 < arrivals[-1] - arrivals[0] < 0.9


def test_a_cut_reconnects_and_says_what_it_lost() -> None:
    """Two sockets, the second with its own start; the report has the hole."""

    heard, told = played(faults=Faults(cuts=(Cut(from_s=0.1, to_s=0.2),)))

    first, second = heard.sockets
    assert isinstance(second.events[0], StreamStarted)
    assert [(0, 800), (1600, 1600)] == told.tracks[Track.INBOUND].runs
    sent = bytes(told.tracks[Track.INBOUND].payload + told.tracks[Track.OUTBOUND].payload)
    assert sorted(sent) == sorted(first.payload + second.payload)


def test_a_tap_may_come_late() -> None:
    """The second tap's socket opens when its time comes."""

    cut = Cut(from_s=0.0, to_s=0.2, track=Track.OUTBOUND)
    heard, told = played("signalwire-tap", faults=Faults(cuts=(cut,)))

    assert ["speak", "listen"] == [socket.path.rpartition("/")[2] for socket in heard.sockets]
    assert [(1600, 1600)] == told.tracks[Track.OUTBOUND].runs


def test_rubbish_and_a_missing_end_are_sent_as_told() -> None:
    """Messages that no carrier sends go out; no stop and no close come."""

    faults = Faults(
        rubbish=(Rubbish(at_s=0.1, messages=("{", b"\x00")),),
        holes=(Hole(track=Track.OUTBOUND),),
        stops=False,
        closes=False,
    )
    heard, told = played(faults=faults)

    assert ["not_json", "binary_message"] == heard.sockets[0].refusals
    assert not any(isinstance(event, StreamStopped) for event in heard.sockets[0].events)
    assert 1006 == heard.sockets[0].close_code == told.sockets[0].code
    assert b"" == told.tracks[Track.OUTBOUND].payload


def test_a_sink_that_closes_is_told() -> None:
    """The carrier stops there, tells the close code, and still posts the end."""

    heard, told = played(close_after=5)

    (ended,) = told.sockets
    assert ("sink", 1008, "enough") == (ended.by, ended.code, ended.reason)
    assert "mediaStreamStopped" == heard.posted[-1][1]["eventType"]
    assert not told.was_taken


def test_a_sink_that_refuses_is_told() -> None:
    """A refused handshake is a status, and nothing is announced."""

    heard, told = played(path="/nowhere/tok")

    (ended,) = told.sockets
    assert ("refused", 404, "unknown_path") == (ended.by, ended.code, ended.reason)
    assert [] == heard.posted


def test_a_hook_that_fails_is_told() -> None:
    """A stream that was heard, but whose webhooks weren't, wasn't taken."""

    _, failing = played(hook_status=500)
    _, absent = played(hook_url="http://127.0.0.1:1/hooks")

    assert ({500}, {0}) == (
        {hook.status for hook in failing.hooks},
        {hook.status for hook in absent.hooks},
    )
    assert not failing.was_taken


def test_the_report_can_be_compared_with(tmp_path: Path) -> None:
    """The JSON names files that hold exactly what was sent."""

    _, told = played()
    reports.write(told, tmp_path / "r.json")

    document = json.loads((tmp_path / "r.json").read_text())
    inbound = document["tracks"]["inbound"]
    assert told.tracks[Track.INBOUND].payload == Path(inbound["payload_file"]).read_bytes()
    assert (3200, [[0, 3200]]) == (inbound["samples"], inbound["runs"])
    assert ("call-1", "bandwidth") == (document["call_id"], document["dialect"])


def test_the_command_line_plays_a_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m simulator` says what goes out and exits 0 when all was taken."""

    async def run() -> int:
        async with listening(asyncio.get_running_loop().time) as heard:
            arguments = [
                "--dialect",
                "bandwidth",
                "--stream-url",
                heard.stream_base + "/bandwidth/t",
            ]
            arguments += ["--hook-url", heard.hook_base + HOOK, "--seconds", "1.2", "--speed", "20"]
            arguments += ["--call-id", "c-1", "--param", "a=b", "--progress"]
            arguments += ["--report", str(tmp_path / "r.json")]
            return await asyncio.to_thread(main, arguments)

    assert 0 == asyncio.run(run())
    assert [
        "call c-1: bandwidth, inbound, outbound",
        "call c-1: 0 s live",
        "call c-1: 1 s live",
        "call c-1: mediaStreamStarted answered 200",
        "call c-1: mediaStreamStopped answered 200",
        "call c-1: inbound 1.20 s sent",
        "call c-1: outbound 1.20 s sent",
    ] == capsys.readouterr().out.splitlines()


def test_the_command_line_says_what_went_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unreachable sink is 1, a file that no call can play is 2; both in one sentence."""

    call = ["--dialect", "signalwire-tap", "--stream-url", "ws://127.0.0.1:1/signalwire-tap/t"]

    assert 1 == main([*call, "--seconds", "0.1", "--directions", "both"])
    assert "simulator: socket refused 0" in capsys.readouterr().err
    assert 2 == main([*call, "--wav", str(tmp_path / "none.wav")])
    assert "none.wav: No such file or directory" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*call, "--speed", "0"])
