"""Sound files of anybody's making, whole, in pieces, cut off and broken."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.media import wav
from chalicelib.media.pcm import Sound
from chalicelib.media.sound_facts import SoundFacts
from chalicelib.media.sound_file import SoundFile
from chalicelib.recording.model import Format

SAMPLES = 8000 * 3 + 123


def facts_of(octets: bytes, size: int = 1 << 20) -> SoundFacts | None:
    """Return what a file says that comes in pieces of a size."""
    read = SoundFile()
    for at in range(0, len(octets), size):
        read.feed(octets[at : at + size])
    return read.facts()


@cache
def encoded(format_: Format, channels: int = 2, rate_hz: int = 8000) -> bytes:
    """Return three seconds of noise as a file."""
    sound = Sound(rate_hz=rate_hz, channels=channels, samples=SAMPLES)
    pcm = Random(7).randbytes(sound.size)
    with FileEncoder().encode(format_, sound, [pcm], {"title": "x" * 200}) as file:
        return Path(file.path).read_bytes()


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """Return a RIFF chunk, which may lie about its size."""
    said = len(body) if size is None else size
    return name + struct.pack("<I", said) + body + b"\0" * (len(body) % 2)


def a_format(
    tag: int = 7, channels: int = 1, rate_hz: int = 8000, bytes_per_s: int = 8000
) -> bytes:
    """Return a `fmt ` chunk: μ-law unless said otherwise."""
    return chunk(b"fmt ", struct.pack("<HHIIHHH", tag, channels, rate_hz, bytes_per_s, 1, 8, 0))


def riff(*chunks: bytes) -> bytes:
    """Return a WAV of these chunks."""
    return b"RIFF\0\0\0\0WAVE" + b"".join(chunks)


class TestWav:
    """WAV."""

    @pytest.mark.parametrize("channels", [1, 2])
    def test_our_own_is_read(self, channels: int) -> None:
        """Rate, channels and duration come back to the millisecond."""

        found = facts_of(encoded(Format.WAV, channels))

        expected = SoundFacts(kind="wav", rate_hz=8000, channels=channels, duration_ms=3015)
        assert expected == found

    def test_chunks_before_and_after_the_samples_are_skipped(self) -> None:
        """What isn't sound doesn't count, an odd chunk with its padding included."""

        file = riff(
            chunk(b"LIST", b"abc"),
            a_format(),
            chunk(b"data", bytes(4000)),
            chunk(b"id3 ", b"x" * 999),
        )

        found = facts_of(file)

        assert SoundFacts(kind="wav", rate_hz=8000, channels=1, duration_ms=500) == found

    @pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
    def test_a_header_written_before_its_length_was_known(self, size: int) -> None:
        """Then the samples last as long as the file."""

        found = facts_of(riff(a_format(), chunk(b"data", bytes(2400), size)))

        assert SoundFacts(kind="wav", rate_hz=8000, channels=1, duration_ms=300) == found

    def test_what_is_cut_off_says_so(self) -> None:
        """Its duration is that of what is there."""

        found = facts_of(riff(a_format(), chunk(b"data", bytes(1600), 8000)))

        assert (200, False) == (found and found.duration_ms, found and found.is_whole)

    def test_a_length_beyond_32_bits_is_read(self) -> None:
        """RF64 has it in a chunk of its own."""

        head = wav.header(rate_hz=8000, channels=1, samples=3 * 1024**3)

        found = facts_of(head + bytes(16_000))

        assert (1000, False) == (found and found.duration_ms, found and found.is_whole)

    def test_a_rate_in_bytes_that_is_missing_is_worked_out(self) -> None:
        """Some writers leave it 0."""

        found = facts_of(riff(a_format(bytes_per_s=0), chunk(b"data", bytes(8000))))

        assert 1000 == (found and found.duration_ms)

    @pytest.mark.parametrize(
        "file",
        [
            riff(a_format()),
            riff(chunk(b"data", bytes(8000))),
            riff(a_format(channels=0), chunk(b"data", bytes(8000))),
            riff(a_format(rate_hz=0, bytes_per_s=0), chunk(b"data", bytes(8000))),
            riff(chunk(b"fmt ", b"abc"), chunk(b"data", bytes(8000))),
            riff(chunk(b"fmt ", bytes(5000)), chunk(b"data", bytes(8000))),
            riff(chunk(b"ds64", b"abc"), chunk(b"data", bytes(8000))),
            riff(b"LI"),
            riff(b"fmt \x10\0\0\0abc"),
        ],
    )
    def test_a_header_without_sense_has_no_facts(self, file: bytes) -> None:
        """No format, no samples, no channels, no rate, or too short."""

        assert facts_of(file) is None


class TestMp3:
    """MP3."""

    @pytest.mark.parametrize(
        ("channels", "rate_hz"), [(1, 8000), (2, 8000), (1, 16_000), (2, 44_100)]
    )
    def test_an_encoder_s_is_read(self, channels: int, rate_hz: int) -> None:
        """Its frames last as long as its sound, and a frame or two of an encoder's own."""

        found = facts_of(encoded(Format.MP3, channels, rate_hz))

        assert found is not None
        assert ("mp3", rate_hz, channels, True) == (
            found.kind,
            found.rate_hz,
            found.channels,
            found.is_whole,
        )
        assert 0 <= found.duration_ms - SAMPLES * 1000 / rate_hz <= 3 * 1152 * 1000 / rate_hz

    def test_frames_without_a_tag_are_read(self) -> None:
        """A stream that was cut out of a file has neither tag nor table."""

        file = encoded(Format.MP3)
        first = file.index(b"\xff\xe3", 500)

        found, whole = facts_of(file[first:]), facts_of(file)

        assert found is not None
        assert whole is not None
        assert 0 <= whole.duration_ms - found.duration_ms < 1000

    def test_what_lies_between_frames_is_passed_over(self) -> None:
        """A tag in the middle, and bytes that look like another stream's frame, count nothing."""

        file = encoded(Format.MP3)
        frame = file.index(b"\xff\xe3", 1000)
        odd = b"\xff\xfb\x90\x00" + bytes(50)

        assert facts_of(file) == facts_of(file[:frame] + odd + b"TAG" + file[frame:])

    def test_a_footer_makes_the_tag_longer(self) -> None:
        """ID3v2.4 may say its size twice."""

        file = encoded(Format.MP3)
        first = file.index(b"\xff\xe3", 500)
        tag = b"ID3\4\0\x10\0\0\0\5" + b"abcde" + b"3DI\4\0\x10\0\0\0\5"

        assert facts_of(file[first:]) == facts_of(tag + file[first:])

    @pytest.mark.parametrize(
        "file",
        [
            b"ID3\4\0\0\0\0\0\0" + bytes(500),
            b"ID3\4\0\0\0\0\x7f\0" + bytes(10),
            b"\xff\xe3\x18\xc4" + bytes(100),
            b"ID3\4\0\0\0\0\0\0" + b"\xff\xff" * 300,
            b"ID3\4\0\0\0\0\0\0" + b"\xff\xe3\x1c\xc4" * 300,
            b"ID3\4\0\0\0\0\0\0" + b"\xff\xeb\x18\xc4" * 300,
        ],
    )
    def test_hardly_a_frame_is_no_file(self, file: bytes) -> None:
        """A tag, or one header, proves no sound; nor do other layers and reserved values."""

        assert facts_of(file) is None


class TestMp4:
    """MP4."""

    @pytest.mark.parametrize("channels", [1, 2])
    def test_an_encoder_s_is_read(self, channels: int) -> None:
        """Channels, rate and duration stand in the movie's box."""

        found = facts_of(encoded(Format.MP4, channels))

        assert found is not None
        assert ("mp4", 16_000, channels) == (found.kind, found.rate_hz, found.channels)
        assert abs(found.duration_ms - 3015) <= 70

    def test_the_movie_may_come_last(self) -> None:
        """What records as it goes writes the sound first."""

        file = encoded(Format.MP4)
        boxes = boxes_of(file)
        moved = boxes[b"ftyp"] + boxes[b"mdat"] + boxes[b"moov"]

        assert facts_of(file) == facts_of(moved)

    def test_long_forms_are_read(self) -> None:
        """A box with a size of 64 bits, and a header with 64-bit times."""

        header = b"\1\0\0\0" + bytes(16) + struct.pack(">IQ", 1000, 2500)
        moov = boxes_of(encoded(Format.MP4))[b"moov"]
        trak = moov[moov.index(b"trak") - 4 :]
        long = box(b"ftyp", b"isom0000") + struct.pack(">I4sQ", 1, b"free", 16 + 3) + b"abc"

        found = facts_of(long + box(b"moov", box(b"mvhd", header) + trak))

        assert 2500 == (found and found.duration_ms)

    @pytest.mark.parametrize(
        "rest",
        [
            b"",
            b"\0\0\0\1free\0\0",
            b"\0\0\0\0mdat" + bytes(99),
            b"\x7f\0\0\0moov" + bytes(99),
            b"\0\0\1\0moov" + bytes(99),
            b"\0\0\0\x08moov",
            b"\0\0\0\x24moov\0\0\0\x1cmvhd" + bytes(20),
            b"\0\0\0\x28moov\0\0\0\x20mvhd" + bytes(12) + b"\0\0\0\1\0\0\0\1" + bytes(4),
        ],
    )
    def test_a_movie_that_isn_t_there_has_no_facts(self, rest: bytes) -> None:
        """Missing, cut off, too large, empty, without a scale, without a track."""

        assert facts_of(box(b"ftyp", b"isom0000") + rest) is None


def box(name: bytes, content: bytes) -> bytes:
    """Return an MP4 box."""
    return struct.pack(">I4s", 8 + len(content), name) + content


def boxes_of(file: bytes) -> dict[bytes, bytes]:
    """Return a file's boxes by name."""
    boxes, at = {}, 0
    while at < len(file):
        size, name = struct.unpack_from(">I4s", file, at)
        boxes[name] = file[at : at + size]
        at += size
    return boxes


@pytest.mark.parametrize("format_", Format)
def test_a_byte_at_a_time_says_the_same(format_: Format) -> None:
    """Where a file is cut into pieces doesn't show."""

    file = encoded(format_)

    whole = facts_of(file)

    assert whole is not None
    assert [whole] * 3 == [facts_of(file, size) for size in (1, 61, 4096)]


def test_what_was_asked_for_twice_is_the_same() -> None:
    """Asking changes nothing."""

    read = SoundFile()
    read.feed(encoded(Format.MP3))

    assert read.facts() == read.facts()


@pytest.mark.parametrize("file", [b"", b"RIFF", b"<html>no such recording</html>", b"\0" * 5000])
def test_what_isn_t_sound_has_no_facts(file: bytes) -> None:
    """Nothing, an error page, zeros."""

    assert facts_of(file) is None


@given(
    opening=st.sampled_from(
        [b"RIFF\0\0\0\0WAVE", b"ID3", b"\xff\xe3\x18\xc4", b"\0\0\0\x10ftypisom", b""]
    ),
    rest=st.binary(max_size=400),
    size=st.integers(1, 50),
)
def test_any_bytes_have_facts_or_none(opening: bytes, rest: bytes, size: int) -> None:
    """Nothing that a stranger sends makes it fail, or depends on its pieces."""

    assert facts_of(opening + rest) == facts_of(opening + rest, size)


@pytest.mark.parametrize(
    "file",
    [
        riff(chunk(b"junk", b"") * 500_000),
        box(b"ftyp", b"isom0000") + box(b"free", b"") * 500_000,
        box(b"ftyp", b"isom0000") + box(b"moov", box(b"free", b"") * 900_000),
        b"ID3\4\0\0\0\0\0\0" + b"\xff" * 4_000_000,
        b"ID3\4\0\0\0\0\0\0" + b"\xff\xe3\x1c" * 2_000_000,
    ],
    ids=["chunks", "boxes", "boxes of the movie", "half a sync", "half a frame"],
)
def test_a_file_that_is_all_structure_is_no_burden(file: bytes) -> None:
    """Made to be read slowly: it is given up, or read without a copy for each of its parts."""

    assert facts_of(file) is None
