"""WAV files that a carrier could play, and tracks made of them."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest

from chalicelib.capture.events import Encoding, Track
from simulator import g711, sources, wav

BOTH = (Track.INBOUND, Track.OUTBOUND)


def pcm_file(
    path: Path, samples: int, rate_hz: int = 8000, channels: int = 1, width: int = 2
) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate_hz, 0, "NONE", ""))
        file.writeframes(b"\x00\x10"[-width:] * samples * channels)
    return path


def encoded_file(path: Path, tag: int, payload: bytes, bits: int = 8) -> Path:
    fmt = struct.pack("<HHIIHH", tag, 1, 8000, 8000, 1, bits)
    parts = b"fmt " + struct.pack("<I", 16) + fmt + b"LIST" + struct.pack("<I", 3) + b"abc\0"
    parts += b"data" + struct.pack("<I", len(payload)) + payload
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WAVE" + parts)
    return path


def test_pcm_is_encoded(tmp_path: Path) -> None:
    """16-bit samples become the call's encoding, 20 ms at a time."""

    frames = list(wav.frames(pcm_file(tmp_path / "a.wav", 200), Encoding.PCMU))

    assert [
        g711.encode([4096] * 160, Encoding.PCMU),
        g711.encode([4096] * 40, Encoding.PCMU),
    ] == frames


@pytest.mark.parametrize(("tag", "encoding"), [(7, Encoding.PCMU), (6, Encoding.PCMA)])
def test_encoded_files_are_played_untouched(tmp_path: Path, tag: int, encoding: Encoding) -> None:
    """A µ-law or A-law file is payload already, whatever other parts it has."""

    payload = bytes(range(256))

    file = encoded_file(tmp_path / "a.wav", tag, payload)
    assert payload == b"".join(wav.frames(file, encoding))


def test_other_files_are_refused_with_the_reason(tmp_path: Path) -> None:
    """Rate, channels, width, format, encoding, and what is no WAV at all."""

    text = tmp_path / "t.wav"
    text.write_text("hello")
    empty = tmp_path / "e.wav"
    empty.write_bytes(b"RIFF\0\0\0\0WAVE")
    unfit = {
        text: "not a WAV file",
        empty: "without format or samples",
        tmp_path / "missing.wav": "No such file",
        pcm_file(tmp_path / "16k.wav", 10, rate_hz=16000): "1 channels at 16000 Hz",
        pcm_file(tmp_path / "stereo.wav", 10, channels=2): "2 channels at 8000 Hz",
        pcm_file(tmp_path / "8bit.wav", 10, width=1): "format 1 with 8 bits",
        encoded_file(tmp_path / "float.wav", 3, b"", bits=32): "format 3 with 32 bits",
        encoded_file(tmp_path / "alaw.wav", 6, b"\xd5"): "holds PCMA, the call speaks PCMU",
    }

    for path, reason in unfit.items():
        with pytest.raises(wav.UnfitFile, match=reason):
            wav.frames(path, Encoding.PCMU)


def test_tracks_are_as_long_as_the_longest_file(tmp_path: Path) -> None:
    """The shorter track is silent at its end, and so is one without a file."""

    one = pcm_file(tmp_path / "1.wav", 200)
    two = pcm_file(tmp_path / "2.wav", 500)
    both = sources.of_files(BOTH, Encoding.PCMU, [one, two], None)
    alone = sources.of_files(BOTH, Encoding.PCMU, [one], None)

    assert [640, 640] == [len(b"".join(frames)) for frames in both.values()]
    assert b"\xff" * 320 == b"".join(alone[Track.OUTBOUND])


def test_seconds_cut_or_fill(tmp_path: Path) -> None:
    """A wish for so many seconds is kept, file or not."""

    file = pcm_file(tmp_path / "1.wav", 500)

    for seconds, samples in ((0.02, 160), (1.0, 8000)):
        tracks = sources.of_files((Track.MIXED,), Encoding.PCMU, [file], seconds)
        assert samples == len(b"".join(tracks[Track.MIXED]))


def test_more_files_than_tracks_are_refused(tmp_path: Path) -> None:
    """A file that nobody would hear is a mistake."""

    file = pcm_file(tmp_path / "1.wav", 500)

    with pytest.raises(wav.UnfitFile, match="only 1 track"):
        sources.of_files((Track.MIXED,), Encoding.PCMU, [file, file], None)


def test_an_unfinished_header_means_up_to_the_end(tmp_path: Path) -> None:
    """A file that a pipe wrote has no true length; its samples are what follows."""

    file = encoded_file(tmp_path / "a.wav", 7, b"\x01\x02\x03\x04")
    content = file.read_bytes()
    file.write_bytes(content[:-8] + b"\xff\xff\xff\xff" + content[-4:])

    assert [b"\x01\x02\x03\x04"] == list(wav.frames(file, Encoding.PCMU))
