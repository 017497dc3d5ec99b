"""Renditions, decoded again by ffmpeg and compared with the pcm they were made of."""

from __future__ import annotations

import math
import random
import shutil
import struct
import subprocess
import wave
from array import array
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import imageio_ffmpeg
import pytest

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.errors import Unavailable
from chalicelib.media.pcm import Sound, interleave
from chalicelib.recording.model import Format

TAGS = {"title": "Recording 1", "comment": "call a=b;c\n'd'"}
LOSSY = [Format.MP3, Format.MP4]
LENGTHS = [512, 513, 576, 577, 1024, 1025, 1600, 8183, 8191, 8192, 8193, 8200, 16001, 40013]
"""samples; on both sides of the frames of both formats"""


@cache
def _speech(samples: int, rate_hz: int, seed: int) -> bytes:
    """Return something with a pitch, pauses and breath: no position sounds like the next."""
    noise = random.Random(seed)
    track = array("h")
    for n in range(samples):
        at = n / rate_hz
        loudness = max(0.0, math.sin(2 * math.pi * (0.9 + 0.1 * seed) * at))
        pitch = 140 + 40 * seed + 30 * math.sin(at)
        voice = sum(math.sin(2 * math.pi * pitch * k * at) / k for k in (1, 2, 3, 5, 8))
        track.append(int(loudness * 4000 * voice + noise.gauss(0, 60)))
    return track.tobytes()


def _pieces(pcm: bytes, size: int = 3200) -> Iterator[bytes]:
    yield from (pcm[start : start + size] for start in range(0, len(pcm), size))


def _decoded(path: str, rate_hz: int, channels: int) -> list[array[int]]:
    """Return the channels of a file as ffmpeg hears them."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    shape = ["-f", "s16le", "-ar", str(rate_hz), "-ac", str(channels)]
    command = [program, "-v", "error", "-i", path, *shape, "pipe:1"]
    sound = array("h", subprocess.run(command, check=True, capture_output=True).stdout)
    return [sound[channel::channels] for channel in range(channels)]


def _lag(sent: array[int], heard: array[int], around: int) -> int:
    """Return by how many samples `heard` comes late, where the two agree best."""

    def difference(lag: int) -> int:
        there = heard[around + lag : around + lag + 2000]
        return sum((a - b) ** 2 for a, b in zip(sent[around : around + 2000], there, strict=True))

    return min(range(-240, 241), key=difference)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_wav_holds_every_sample(tmp_path: Path, channels: int) -> None:
    """The standard library reads back exactly the pcm."""

    pcm = _speech(8000 * channels, 8000, 1)
    sound = Sound(rate_hz=8000, channels=channels, samples=8000)

    with FileEncoder(folder=str(tmp_path)).encode(Format.WAV, sound, _pieces(pcm), TAGS) as made:
        with wave.open(made.path) as opened:
            assert (channels, 2, 8000, 8000) == opened.getparams()[:4]
            assert pcm == opened.readframes(8000)
        assert len(Path(made.path).read_bytes()) == made.size


@pytest.mark.parametrize("format_", LOSSY)
@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_decodes_is_aligned(
    tmp_path: Path, format_: Format, rate_hz: int, channels: int
) -> None:
    """Each channel is heard where it was, at the begin and at the end, at every rate."""

    samples = 3 * rate_hz + 123
    sent = [array("h", _speech(samples, rate_hz, seed)) for seed in range(1, channels + 1)]
    pcm = interleave(*(one.tobytes() for one in sent)) if channels == 2 else sent[0].tobytes()
    sound = Sound(rate_hz=rate_hz, channels=channels, samples=samples)

    with FileEncoder(folder=str(tmp_path)).encode(format_, sound, _pieces(pcm), TAGS) as made:
        heard = _decoded(made.path, rate_hz, channels)

    for sent_one, heard_one in zip(sent, heard, strict=True):
        assert abs(len(heard_one) - samples) <= 0.020 * rate_hz
        for at_s in (0.25, 2.25):
            assert abs(_lag(sent_one, heard_one, int(at_s * rate_hz))) <= 0.001 * rate_hz


@pytest.mark.parametrize("format_", LOSSY)
@pytest.mark.parametrize("samples", LENGTHS)
def test_what_decodes_is_as_long(tmp_path: Path, format_: Format, samples: int) -> None:
    """No length, wherever the last frame ends, decodes to more than 20 ms beside it."""

    pcm = _speech(samples, 8000, 1)
    sound = Sound(rate_hz=8000, channels=1, samples=samples)

    with FileEncoder(folder=str(tmp_path)).encode(format_, sound, [pcm], {}) as made:
        (heard,) = _decoded(made.path, 8000, 1)

    assert abs(len(heard) - samples) <= 160


@pytest.mark.parametrize("format_", LOSSY)
@pytest.mark.parametrize("samples", [80, 160, 400])
def test_a_moment_is_a_file_too(tmp_path: Path, format_: Format, samples: int) -> None:
    """A recording shorter than a frame lasts a frame at most."""

    sound = Sound(rate_hz=8000, channels=1, samples=samples)

    with FileEncoder(folder=str(tmp_path)).encode(format_, sound, [bytes(2 * samples)], {}) as made:
        (heard,) = _decoded(made.path, 8000, 1)

    assert samples <= len(heard) <= 1024


@pytest.mark.parametrize("format_", list(Format))
def test_the_same_pcm_gives_the_same_bytes(tmp_path: Path, format_: Format) -> None:
    """Neither the clock, nor the folder, nor the size of the pieces leaves a trace."""

    pcm = _speech(16000, 8000, 1)
    sound = Sound(rate_hz=8000, channels=2, samples=8000)
    (tmp_path / "other").mkdir()
    files = []
    for folder, size in ((tmp_path, 320), (tmp_path / "other", 10_000)):
        encoder = FileEncoder(folder=str(folder))
        with encoder.encode(format_, sound, _pieces(pcm, size), TAGS) as made:
            files.append((made.sha256, made.size, Path(made.path).read_bytes()))

    assert files[0] == files[1]


@pytest.mark.parametrize("format_", list(Format))
def test_a_file_says_what_it_is(tmp_path: Path, format_: Format) -> None:
    """Recording and call stand in the tags, without control characters."""

    sound = Sound(rate_hz=8000, channels=1, samples=800)

    with FileEncoder(folder=str(tmp_path)).encode(format_, sound, [bytes(1600)], TAGS) as made:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", made.path, "-f", "ffmetadata", "pipe:1"]
        said = subprocess.run(command, check=True, capture_output=True).stdout.decode()

    assert "title=Recording 1" in said
    assert "comment=call a\\=b\\;c'd'" in said


def test_an_mp4_can_be_played_while_it_loads(tmp_path: Path) -> None:
    """Its index stands before its sound."""

    sound = Sound(rate_hz=8000, channels=1, samples=800)

    with FileEncoder(folder=str(tmp_path)).encode(Format.MP4, sound, [bytes(1600)], {}) as made:
        file = Path(made.path).read_bytes()

    assert 0 < file.index(b"moov") < file.index(b"mdat")


@pytest.mark.parametrize("format_", list(Format))
def test_nothing_is_left_behind(tmp_path: Path, format_: Format) -> None:
    """The file is gone after the context, and after a source that failed."""

    def failing() -> Iterator[bytes]:
        yield bytes(1600)
        raise Unavailable("the store")

    encoder = FileEncoder(folder=str(tmp_path))
    sound = Sound(rate_hz=8000, channels=1, samples=800)
    with encoder.encode(format_, sound, [bytes(1600)], {}) as made:
        assert Path(made.path).exists()
    with (
        pytest.raises(Unavailable, match="the store"),
        encoder.encode(format_, sound, failing(), {}),
    ):
        pass

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("format_", list(Format))
def test_pcm_of_another_length_is_refused(tmp_path: Path, format_: Format) -> None:
    """A header never promises what isn't there."""

    sound = Sound(rate_hz=8000, channels=1, samples=801)

    with (
        pytest.raises(ValueError, match="1600 bytes of pcm where 1602"),
        FileEncoder(folder=str(tmp_path)).encode(format_, sound, [bytes(1600)], {}),
    ):
        pass


def _program(folder: Path, script: str) -> str:
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo no room >&2; exit 1", "ended with 1: no room"), ("kill -9 $$", "ended with -9")],
)
def test_an_encoder_that_fails_is_told(tmp_path: Path, script: str, said: str) -> None:
    """ffmpeg's own words, or the signal that ended it, are in the error."""

    encoder = FileEncoder(folder=str(tmp_path), ffmpeg=_program(tmp_path, script))
    sound = Sound(rate_hz=8000, channels=1, samples=800_000)

    with (
        pytest.raises(Unavailable, match=said),
        encoder.encode(Format.MP3, sound, _pieces(bytes(1_600_000)), {}),
    ):
        pass


def test_an_encoder_that_hangs_is_ended(tmp_path: Path) -> None:
    """A program that took all samples and never ends is killed when patience ends."""

    program = _program(tmp_path, "cat >/dev/null; exec sleep 60")
    encoder = FileEncoder(folder=str(tmp_path), ffmpeg=program, patience_s=0.1)
    sound = Sound(rate_hz=8000, channels=1, samples=800)

    with (
        pytest.raises(Unavailable, match=r"within 0.1 s"),
        encoder.encode(Format.MP3, sound, [bytes(1600)], {}),
    ):
        pass


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    """Without ffmpeg a WAV can be made, an MP3 is Unavailable."""

    encoder = FileEncoder(folder=str(tmp_path), ffmpeg=str(tmp_path / "none"))
    sound = Sound(rate_hz=8000, channels=1, samples=1)

    with encoder.encode(Format.WAV, sound, [b"\0\0"], {}) as made:
        assert 46 == made.size
    with (
        pytest.raises(Unavailable, match=r"encoding mp3: .*none"),
        encoder.encode(Format.MP3, sound, [b"\0\0"], {}),
    ):
        pass


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """A folder that isn't there is Unavailable too."""

    folder = tmp_path / "gone"
    folder.mkdir()
    encoder = FileEncoder(folder=str(folder))
    shutil.rmtree(folder)

    with (
        pytest.raises(Unavailable),
        encoder.encode(Format.WAV, Sound(rate_hz=8000, channels=1, samples=0), [], {}),
    ):
        pass


def test_samples_are_little_endian(tmp_path: Path) -> None:
    """Native order is the file's order on every machine that Tapedeck runs on."""

    sound = Sound(rate_hz=8000, channels=1, samples=1)

    with FileEncoder(folder=str(tmp_path)).encode(
        Format.WAV, sound, [array("h", [-2]).tobytes()], {}
    ) as made:
        assert struct.pack("<h", -2) == Path(made.path).read_bytes()[44:]
