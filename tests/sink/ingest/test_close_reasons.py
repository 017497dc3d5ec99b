"""Streams that this side ends: the carrier gets a code, the row a reason, the recording both."""

from __future__ import annotations

import asyncio
import contextlib
import io
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.api import views
from chalicelib.media import codecs
from chalicelib.recording import keys
from chalicelib.recording.close_grace import Graces
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.manifest import Manifest, parse_manifest
from chalicelib.recording.model import Ending, Recording, State
from chalicelib.services.calls.queries import KnownCall
from chalicelib.services.finalization.assemble import assemble
from chalicelib.services.finalization.publish import Publishing, publish
from tests.fake_signer import FakeSigner
from tests.fakes_media import FakeRenditionStore
from tests.services.core_desk import Desk
from tests.sink.calls.test_with_call_control import office
from tests.sink.pair import UNHURRIED, pair
from tests.sink.raw import CONTINUATION, TEXT, Raw, websocket_frame
from tests.sink.rig import QUICK, STOP, Rig, frame, media, run, start, token, until
from tests.sink.rtp_rig import HOST, SPEEDY, closed, opened, rtp_rig, sender, tell

SHORT = replace(QUICK, stream_for_s=0.4, alone_after_s=5.0)
CALL_KEY = "main/bandwidth/c-1"


@dataclass
class Office:
    """A sink whose streams are short, the real control behind it, and a finalization."""

    desk: Desk
    rig: Rig

    @property
    def recording(self) -> Recording:
        """Return the call's only recording."""
        (found,) = self.desk.core.recordings.of_call(CALL_KEY)
        return found

    def finish(self) -> tuple[bytes, Manifest]:
        """Assemble and publish the recording; return its samples and its manifest."""
        renditions, wanted = FakeRenditionStore(), self.recording.recording_id
        assemble(
            wanted,
            1,
            recordings=self.desk.core.recordings,
            calls=self.desk.core.calls,
            media=self.rig.store,
            renditions=renditions,
            encoder=FileEncoder(),
            now=lambda: datetime.now(UTC),
        )
        publishing = Publishing(
            calls=self.desk.core.calls,
            transitions=self.desk.transitions,
            renditions=renditions,
            signer=FakeSigner(),
            now=lambda: datetime.now(UTC),
        )
        publish(wanted, publishing)
        body = renditions.objects[keys.rendition_key("main", wanted, "wav")]
        with wave.open(io.BytesIO(body)) as file:
            pcm = file.readframes(file.getnframes())
        return pcm, parse_manifest(renditions.get_text(keys.manifest_key("main", wanted)))

    def reasons(self) -> list[tuple[Ending | None, str]]:
        """Return how the call's streams ended, oldest first."""
        return [(one.ending, one.reason) for one in self.desk.core.calls.streams(CALL_KEY)]

    def shown(self) -> Any:
        """Return the recording as the API shows it."""
        return views.recording_json(self.recording, "https://api.example/api")

    def known(self) -> Any:
        """Return the call as the API shows it."""
        calls = self.desk.core.calls
        call, streams = calls.get(CALL_KEY), tuple(calls.streams(CALL_KEY))
        known = KnownCall(call=call, streams=streams, recordings=(), taps=())
        return views.known_call_json(known, [], "https://api.example/api")

    def details(self) -> list[dict[str, Any]]:
        """Return what the recording's history says of its states."""
        found = self.desk.core.history.events(self.recording.recording_id)
        return [dict(one.detail) for one in found if one.event in ("finalizing", "finished")]


@contextlib.asynccontextmanager
async def an_office(grace_s: float = 0.3) -> AsyncIterator[Office]:
    """Run a sink whose longest stream has 0.4 s."""
    desk, rig = office(SHORT)
    graces = Graces(broken=timedelta(seconds=grace_s))
    desk.control = replace(desk.control, graces=graces)
    rig = replace(rig, control=desk.control)
    async with rig.running():
        yield Office(desk, rig)


async def talk(socket: ClientConnection, first: int, stream_id: str = "s-1") -> list[int]:
    """Stream until this side closes; return the numbers of what was sent."""
    sent: list[int] = []
    await socket.send(start(stream_id=stream_id))
    with contextlib.suppress(Exception):
        while True:
            await socket.send(media(first + len(sent)))
            sent.append(first + len(sent))
            await asyncio.sleep(0.02)
    return sent


def test_the_longest_stream_ends_with_a_word() -> None:
    """The carrier hears `stream_too_long`, which is no fault of its own; row, recording, history,
    manifest and API say it, and nothing that came before is missing."""

    async def scenario() -> None:
        async with an_office() as on:
            async with on.rig.bandwidth() as socket:
                sent = await talk(socket, 0)
                assert (1001, "stream_too_long") == (socket.close_code, socket.close_reason)
            await until(lambda: on.desk.workflows.finalizations)
            pcm, manifest = on.finish()
        assert pcm.startswith(b"".join(codecs.decode(frame(n), "PCMU") for n in sent[:15]))
        assert [(Ending.BROKEN, "stream_too_long")] == on.reasons()
        shown = on.shown()
        assert ("finished", "stream_too_long", "stream_too_long") == (
            shown["state"],
            shown["reason"],
            shown["quality"]["degraded"],
        )
        assert [
            {"cause": "call_closed", "by": "owner", "reason": "stream_too_long"},
            {
                "cause": "published",
                "by": "publish",
                "reason": "stream_too_long",
                "degraded": "stream_too_long",
            },
        ] == on.details()
        assert ["stream_too_long"] == [one.reason for one in manifest.streams]
        assert ["stream_too_long"] == [one["reason"] for one in on.known()["streams"]]

    run(scenario)


def test_a_carrier_that_comes_again_goes_on_with_the_same_recording() -> None:
    """It is a reconnect: one recording, both streams in it, and the cut is named."""

    async def scenario() -> None:
        async with an_office(grace_s=5.0) as on:
            async with on.rig.bandwidth() as socket:
                await talk(socket, 0)
            await asyncio.sleep(0.5)
            async with on.rig.bandwidth() as socket:
                for message in (start(stream_id="s-2"), *map(media, range(1000, 1010)), STOP):
                    await socket.send(message)
                await until(lambda: on.desk.workflows.finalizations)
            pcm, manifest = on.finish()
        assert b"".join(codecs.decode(frame(n), "PCMU") for n in range(1000, 1010)) in pcm
        assert [(Ending.BROKEN, "stream_too_long"), (Ending.STOPPED, "")] == on.reasons()
        assert (State.FINISHED, "call_closed") == (on.recording.state, on.recording.reason)
        assert (1, "stream_too_long") == (manifest.quality.reconnects, manifest.quality.degraded)
        assert "reconnect" in {gap.reason for gap in manifest.gaps}

    run(scenario)


def test_what_comes_until_the_carrier_answers_is_kept() -> None:
    """A carrier that reads our close late loses nothing that it sent before that; if it says stop
    on its way out, the cut is still what ended the stream."""

    async def scenario() -> None:
        rig = Rig(limits=replace(QUICK, stream_for_s=0.1))
        async with rig.running():
            raw = await Raw.connect(rig.port)
            await raw.ask(f"/bandwidth/{token()}")
            raw.send(websocket_frame(TEXT, start().encode()))
            assert 1001 == await raw.close_code()
            for message in (*map(media, range(5)), STOP):
                raw.send(websocket_frame(TEXT, message.encode()))
            await until(lambda: rig.control.closed)
            raw.abort()
        assert b"".join(map(frame, range(5))) == rig.stored("segments/")
        assert ["stream_too_long"] == list(rig.control.reasons.values())
        assert [Ending.STOPPED] == list(rig.control.endings.values())

    run(scenario)


def test_length_is_nobodys_fault() -> None:
    """A carrier whose calls are long may always come again."""

    async def scenario() -> None:
        rig = Rig(limits=replace(QUICK, stream_for_s=0.1, faults_at_once=1))
        async with rig.running():
            for _ in range(3):
                async with rig.tap() as socket:
                    await socket.wait_closed()
        assert ["stream_too_long"] * 3 == list(rig.control.reasons.values())

    run(scenario)


PING_FLOOD = websocket_frame(0x9, b"\0" * 100) * 20_000


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (websocket_frame(TEXT, start("c-2", "s-2").encode()), "other_stream"),
        (websocket_frame(TEXT, b"\xff"), "invalid_text"),
        (websocket_frame(CONTINUATION, b"of nothing"), "protocol_error"),
        (websocket_frame(TEXT, b"x", reserved=4), "protocol_error"),
        (websocket_frame(TEXT, b"x", mask=False), "protocol_error"),
        (websocket_frame(TEXT, b"x" * 65_537), "message_too_big"),
        (
            websocket_frame(TEXT, b"x" * 40_000, fin=False)
            + websocket_frame(CONTINUATION, b"x" * 40_000),
            "message_too_big",
        ),
        (websocket_frame(TEXT, media(1).encode()) * 2000, "too_fast"),
        (PING_FLOOD, "too_fast"),
    ],
    ids=[
        "another stream's start",
        "no UTF-8",
        "a continuation of nothing",
        "a reserved bit",
        "an unmasked frame",
        "a frame too big",
        "parts too big",
        "too fast",
        "pings too fast",
    ],
)
def test_a_stream_that_was_cut_for_what_it_sent_says_so(sent: bytes, reason: str) -> None:
    """In its row, whoever noticed: the dialect, the websocket, or the parser below."""

    async def scenario() -> None:
        rig = Rig(limits=replace(QUICK, wire_burst_s=3.0))
        async with rig.running():
            raw = await Raw.connect(rig.port)
            await raw.ask(f"/bandwidth/{token()}")
            for message in (start(), media(0)):
                raw.send(websocket_frame(TEXT, message.encode()))
            await until(lambda: rig.control.joinings)
            raw.send(sent)
            await until(lambda: rig.control.closed)
            raw.abort()
        assert ([reason], [Ending.BROKEN]) == (
            list(rig.control.reasons.values()),
            list(rig.control.endings.values()),
        )
        assert rig.stored("segments/").startswith(frame(0))

    run(scenario)


def test_a_stream_that_its_carrier_ends_was_not_cut() -> None:
    """By its stop, a close, or a connection that breaks."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            for last in ("stop", "close", "abort"):
                async with rig.bandwidth() as socket:
                    await socket.send(start(f"c-{last}"))
                    await socket.send(STOP if last == "stop" else media(0))
                    await until(lambda last=last: len(rig.control.joinings) > 0)
                    if last == "abort":
                        socket.transport.abort()
            await until(lambda: len(rig.control.closed) == 3)
            assert (["", "", ""], 0) == (
                list(rig.control.reasons.values()),
                rig.sink.call_registry.cut,
            )

    run(scenario)


def test_a_connection_that_answers_no_ping_is_dead_not_cut() -> None:
    """Nothing came any more, not even a pong: the row says what was seen."""

    async def scenario() -> None:
        rig = Rig(limits=replace(QUICK, ping_after_s=0.2, pong_within_s=0.2))
        async with rig.running():
            raw = await Raw.connect(rig.port)
            await raw.ask(f"/bandwidth/{token()}")
            for message in (start(), media(0)):
                raw.send(websocket_frame(TEXT, message.encode()))
            await until(lambda: rig.control.closed)
            assert (["no_pong"], 0) == (
                list(rig.control.reasons.values()),
                rig.sink.call_registry.cut,
            )
            raw.abort()

    run(scenario)


def test_a_planned_stop_is_told_as_one() -> None:
    """A carrier that doesn't come again has a recording that ends early, and says why."""

    async def scenario() -> None:
        rig = rtp_rig(SPEEDY)
        async with rig.running():
            claim = await opened(rig)
            async with rig.bandwidth() as socket, sender(claim) as carrier:
                await socket.send(start())
                carrier.sound(range(10))
                await until(lambda: len(rig.control.joinings) == 2)
                rig.sink.stop()
                await socket.wait_closed()
                assert (1001, "worker_stopped") == (socket.close_code, socket.close_reason)
                assert rig.life is not None
                await asyncio.wait({rig.life})
        assert ["worker_stopped"] * 2 == list(rig.control.reasons.values())

    run(scenario)


def test_the_longest_rtp_stream_says_so_and_frees_its_port() -> None:
    """It can't come again there: a new port is asked for."""

    async def scenario() -> None:
        rig = rtp_rig(replace(SPEEDY, stream_for_s=0.3, rtp_silence_s=5.0))
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(10))
                await until(lambda: rig.claims.at(HOST, claim.port) is None)
                await closed(rig)
            assert 1 == rig.sink.call_registry.cut
        assert ["stream_too_long"] == list(rig.control.reasons.values())

    run(scenario)


def test_an_rtp_stream_that_ends_in_silence_was_not_cut() -> None:
    """RTP has no other end; the carrier's word for it leaves no reason."""

    async def scenario() -> None:
        rig = rtp_rig()
        async with rig.running():
            silent, told = await opened(rig), await opened(rig, control_id="other")
            async with sender(silent) as one, sender(told) as other:
                one.sound(range(10))
                other.sound(range(10))
                await until(lambda: len(rig.control.joinings) == 2)
                tell(rig, told, CommandKind.END_PORT)
                await closed(rig)
            assert 0 == rig.sink.call_registry.cut
        assert {"no_packets", ""} == set(rig.control.reasons.values())

    run(scenario)


def test_the_owner_hears_why_a_stream_that_was_passed_on_was_cut() -> None:
    """The worker that has the socket cuts it, the one that owns the call writes the row."""

    async def scenario() -> None:
        async with pair(replace(UNHURRIED, stream_for_s=1.5)) as two:
            inbound, outbound = await two.both()
            await asyncio.gather(inbound.socket.wait_closed(), outbound.socket.wait_closed())
            assert "stream_too_long" == outbound.socket.close_reason
            await two.ended()
            assert ["w-1", "w-1"] == two.captured_by()
            assert ["stream_too_long"] * 2 == [one.reason for one in two.streams()]
            assert (1, 1) == (two.near.sink.call_registry.cut, two.far.sink.call_registry.cut)

    run(scenario)
