"""WAV files that a carrier could play, and tracks made of them."""

from __future__ import annotations

import audioop  # from audioop-lts where Python has it no longer
import struct
import subprocess
import sys
import wave
from pathlib import Path

import imageio_ffmpeg
import pytest

from chalicelib.capture.events import Encoding, Track
from simulator import g711, sources, wav
from simulator.audio_file import UnfitFile

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
    """What isn't there, and what holds no audio."""

    text = tmp_path / "t.wav"
    text.write_text("hello")
    empty = tmp_path / "e.wav"
    empty.write_bytes(b"RIFF\0\0\0\0WAVE")
    unfit = {
        text: "ffmpeg finds no audio in it",
        empty: "ffmpeg finds no audio in it",
        tmp_path / "missing.wav": "No such file",
    }

    for path, reason in unfit.items():
        with pytest.raises(UnfitFile, match=reason):
            wav.frames(path, Encoding.PCMU)


@pytest.mark.parametrize("form", [{"rate_hz": 16000}, {"channels": 2}, {"width": 1}])
def test_other_wav_files_are_converted(tmp_path: Path, form: dict[str, int]) -> None:
    """Rate, channels and width may be any; the call is as long as the file."""

    file = pcm_file(tmp_path / "a.wav", 16000, **form)

    seconds = 16000 / form.get("rate_hz", 8000)
    assert seconds * 8000 == pytest.approx(len(b"".join(wav.frames(file, Encoding.PCMU))), abs=2)


def test_the_other_law_is_converted(tmp_path: Path) -> None:
    """An A-law file in a call that speaks µ-law."""

    file = made(tmp_path / "a.wav", "sine=duration=1:sample_rate=8000", "1", "-c:a", "pcm_alaw")

    heard = [b"".join(wav.frames(file, encoding)) for encoding in (Encoding.PCMA, Encoding.PCMU)]
    pcm = audioop.alaw2lin(heard[0], 2)
    assert 8000 == len(heard[0]) == len(heard[1])
    assert (
        audioop.rms(audioop.add(pcm, audioop.mul(audioop.ulaw2lin(heard[1], 2), 2, -1), 2), 2) < 100
    )


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "m4a"])
def test_what_ffmpeg_reads_is_played(tmp_path: Path, suffix: str) -> None:
    """A tone at 44.1 kHz in stereo comes as a tone of its length and level."""

    file = made(tmp_path / f"a.{suffix}", "sine=frequency=440:duration=2:sample_rate=44100", "2")

    payload = b"".join(wav.frames(file, Encoding.PCMU))

    assert 2 * 8000 == pytest.approx(len(payload), abs=1200)
    assert audioop.rms(audioop.ulaw2lin(payload[4000:12000], 2), 2) > 1000


def test_more_than_ten_minutes_are_refused(tmp_path: Path) -> None:
    """A longer file is not read to its end."""

    file = made(tmp_path / "long.flac", "anullsrc=r=8000:cl=mono:d=660", "1")

    with pytest.raises(UnfitFile, match="longer than 10 minutes"):
        wav.frames(file, Encoding.PCMU)


def test_pcm_wav_files_need_no_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it they are converted all the same, and other formats ask for it."""
    flac = made(tmp_path / "a.flac", "sine=duration=1", "1")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)

    file = pcm_file(tmp_path / "a.wav", 16000, rate_hz=16000, channels=2)

    assert 8000 == pytest.approx(len(b"".join(wav.frames(file, Encoding.PCMU))), abs=2)
    with pytest.raises(UnfitFile, match="install ffmpeg"):
        wav.frames(flac, Encoding.PCMU)


def made(path: Path, source: str, channels: str, *options: str) -> Path:
    """Let ffmpeg make a file, in the format of its name."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source]
    subprocess.run([*command, "-ac", channels, *options, str(path)], check=True)
    return path


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

    with pytest.raises(UnfitFile, match="only 1 track"):
        sources.of_files((Track.MIXED,), Encoding.PCMU, [file, file], None)


def test_an_unfinished_header_means_up_to_the_end(tmp_path: Path) -> None:
    """A file that a pipe wrote has no true length; its samples are what follows."""

    file = encoded_file(tmp_path / "a.wav", 7, b"\x01\x02\x03\x04")
    content = file.read_bytes()
    file.write_bytes(content[:-8] + b"\xff\xff\xff\xff" + content[-4:])

    assert [b"\x01\x02\x03\x04"] == list(wav.frames(file, Encoding.PCMU))
