"""L16 at its own rate: from a real socket, or a worker's stored media, to finished files."""

from __future__ import annotations

import asyncio
import io
from array import array
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from math import pi, sin
from random import Random

import imageio_ffmpeg
import pytest
from pydub import AudioSegment
from websockets.asyncio.client import connect

from chalicelib.capture.container import decode, encode
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Clock, Encoding, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.capture.timeline import Reason
from chalicelib.media.pcm import interleave, silence
from chalicelib.recording.keys import segment_key
from chalicelib.recording.model import (
    CallRef,
    Direction,
    Format,
    Gap,
    Interval,
    RecordOptions,
    Stream,
)
from tests.assembling import RECORDING, World
from tests.captured import OPENED_US
from tests.sink.rig import Rig, run, token, until
from tests.streams import stereo
from tests.streams.registered import registered

RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
CALL = CallRef(account="main", carrier="streams", call_id="c-1")
TRACKS = (Track.INBOUND, Track.OUTBOUND)

AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()


@pytest.fixture(autouse=True)
def _dialects() -> Iterator[None]:
    with registered():
        yield


def noise(samples: int, seed: int) -> bytes:
    return Random(seed).randbytes(2 * samples)


def two_sines(rate_hz: int, seconds: float) -> tuple[bytes, bytes]:
    """Return a track of 440 Hz and one of 1 kHz."""
    samples = range(round(rate_hz * seconds))
    first, second = (
        array("h", [round(8000 * sin(2 * pi * hz * n / rate_hz)) for n in samples]).tobytes()
        for hz in (440, 1000)
    )
    return first, second


def streamed(rate_hz: int, pairs: bytes) -> dict[str, bytes]:
    """Send a stream to a worker's socket; return the segments that it stored."""
    stored: dict[str, bytes] = {}

    async def scenario() -> None:
        async with Rig().running() as rig:
            uri = f"ws://127.0.0.1:{rig.port}/{stereo.NAME}/{token()}"
            async with connect(uri, compression=None) as socket:
                await socket.send(stereo.start(rate_hz=rate_hz))
                size = 4 * (rate_hz // 50) + 1
                for begin in range(0, len(pairs), size):
                    await socket.send(pairs[begin : begin + size])
                    await asyncio.sleep(0.01)
                await socket.send(b"")
                await until(lambda: rig.control.closed)
            stored.update({key: rig.store.objects[key] for key in rig.store.keys("segments/")})

    run(scenario)
    return stored


def assembled(stored: dict[str, bytes], options: RecordOptions, *cuts: Interval) -> World:
    """Return the world after finalization of what is stored."""
    world = World()
    heads: dict[str, StreamHead] = {}
    for key, body in stored.items():
        world.media.put(key, body)
        heads.update({head.stream_key: head for head in decode(body).heads})
    world.record([], replace(RECORDING, call=CALL, options=options, intervals=cuts))
    for head in heads.values():
        (worker,) = {key.split("/")[-2] for key in stored}
        world.core.store.streams[CALL.key, head.stream_key] = a_row(head, worker)
    world.assemble()
    return world


def a_row(head: StreamHead, worker: str) -> Stream:
    return Stream(
        call=CALL,
        stream_key=head.stream_key,
        carrier_stream_id=head.carrier_stream_id,
        round=1,
        worker=worker,
        dialect=head.dialect,
        tracks=TRACKS,
        encoding=Encoding.L16,
        rate_hz=head.rate_hz,
        opened_at=datetime.fromtimestamp(head.opened_at_us / 1_000_000, UTC),
        journal_from=0,
        complete=True,
    )


def captured(
    rate_hz: int, *pieces: tuple[Track, int, bytes], stream_key: str = "s1", late_s: int = 0
) -> dict[str, bytes]:
    """Return a segment of L16; each piece is a track, its position, and pcm that came in time."""
    head = StreamHead(
        stream_key=stream_key,
        call_key=CALL.key,
        carrier_stream_id=f"carrier-{stream_key}",
        dialect=stereo.NAME,
        rate_hz=rate_hz,
        opened_at_us=OPENED_US + late_s * 1_000_000,
        clock=Clock.SAMPLES,
        encoding=Encoding.L16,
    )
    records = [
        Record(
            stream_key=stream_key,
            track=track,
            encoding=Encoding.L16,
            first_sample=first,
            samples=len(pcm) // 2,
            arrived_at_us=head.opened_at_us + first * 1_000_000 // rate_hz,
            least_lateness_us=0,
            payload=pcm,
        )
        for track, first, pcm in pieces
    ]
    body = encode([head], records, kind=Kind.SEGMENT, worker="w1", journal_through=0)
    return {segment_key(CALL.key, "w1", int(stream_key[1:])): body}


def rendition(world: World, extension: str) -> AudioSegment:
    """Return a stored rendition as pydub decodes it."""
    # `from_file` asks ffprobe first, which imageio-ffmpeg doesn't bring.
    file = io.BytesIO(world.file(extension))
    return AudioSegment.from_file_using_temporary_files(file, format=extension)


@pytest.mark.parametrize("rate_hz", [11_025, 16_000, 48_000])
def test_what_a_socket_brings_is_in_the_wav(rate_hz: int) -> None:
    """Every sample of both tracks, at the source's rate; MP3 has its rate and its duration."""

    tracks = [noise(rate_hz * 6 // 10, seed) for seed in (1, 2)]
    pairs = interleave(*tracks)

    stored = streamed(rate_hz, pairs)
    wav = rendition(assembled(stored, RecordOptions(stereo=True)), "wav")
    mp3 = rendition(assembled(stored, RecordOptions(stereo=True, format=Format.MP3)), "mp3")

    assert (rate_hz, 2, 2) == (wav.frame_rate, wav.channels, wav.sample_width)
    assert pairs == wav.raw_data
    assert (rate_hz, 2) == (mp3.frame_rate, mp3.channels)
    assert 0.6 == pytest.approx(mp3.duration_seconds, abs=0.002)


@pytest.mark.parametrize("rate_hz", RATES)
def test_each_rate_has_its_renditions(rate_hz: int) -> None:
    """WAV and MP3 have the source's rate, MP4 at least 16 kHz; all last as long as the sound."""

    first, second = two_sines(rate_hz, 1.5)
    stored = captured(rate_hz, (Track.INBOUND, 0, first), (Track.OUTBOUND, 0, second))

    rates = {Format.WAV: rate_hz, Format.MP3: rate_hz, Format.MP4: max(16_000, rate_hz)}
    for format_, expected_hz in rates.items():
        made = assembled(stored, RecordOptions(stereo=True, format=format_))
        (described,) = made.manifest().renditions
        heard = rendition(made, str(format_))
        assert (rate_hz, 1500) == (made.manifest().rate_hz, described.duration_ms)
        assert (expected_hz, 2) == (heard.frame_rate, heard.channels)
        assert 1.5 == pytest.approx(heard.duration_seconds, abs=0.002)


def test_a_pause_and_a_gap_are_exact_to_the_sample() -> None:
    """At 16 kHz a pause that begins between two milliseconds, and a hole, are silence there."""

    whole = noise(48_000, 3)
    stored = captured(
        16_000,
        (Track.INBOUND, 0, whole[: 2 * 30_001]),
        (Track.INBOUND, 40_003, whole[2 * 40_003 :]),
        (Track.OUTBOUND, 0, whole),
    )
    pause = Interval(from_us=OPENED_US + 1_000_125, to_us=OPENED_US + 1_500_250, silent=True)
    cuts = (Interval(to_us=pause.from_us), pause, Interval(from_us=pause.to_us))

    world = assembled(stored, RecordOptions(stereo=True), *cuts)
    inbound, outbound = rendition(world, "wav").split_to_mono()

    paused = whole[: 2 * 16_002] + silence(8_002) + whole[2 * 24_004 :]
    assert paused == outbound.raw_data
    assert paused[: 2 * 30_001] + silence(10_002) + paused[2 * 40_003 :] == inbound.raw_data
    assert (
        Gap(
            track=Track.INBOUND,
            offset_ms=30_001 / 16,
            duration_ms=10_002 / 16,
            reason=Reason.NOT_RECEIVED,
        ),
    ) == world.manifest().gaps


def test_a_stream_of_another_rate_is_left_out_and_reported() -> None:
    """The first stream's rate is the recording's; the manifest says that something is missing."""

    first, second = noise(16_000, 4), noise(48_000, 5)
    stored = captured(16_000, (Track.INBOUND, 0, first)) | captured(
        48_000, (Track.INBOUND, 0, second), stream_key="s2", late_s=1
    )

    world = assembled(stored, RecordOptions(direction=Direction.SPEAK))

    heard = rendition(world, "wav")
    assert (16_000, first) == (heard.frame_rate, heard.raw_data)
    assert "mixed_rates" == world.manifest().quality.degraded
