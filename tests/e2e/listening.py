"""Hears whether a rendition says what was sent, and where. The oracle is the standard library."""

from __future__ import annotations

import audioop  # from audioop-lts where Python has it no longer
import io
import math
import subprocess
import wave
from array import array
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from chalicelib.capture.events import Encoding
from simulator.report import SentTrack

_DECODE = {Encoding.PCMU: audioop.ulaw2lin, Encoding.PCMA: audioop.alaw2lin}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A decoded WAV: L16 by channel."""

    channels: tuple[bytes, ...]

    @property
    def samples(self) -> int:
        """The length of each channel."""
        return len(self.channels[0]) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardRun:
    """Where a stretch that was sent without a hole sounds."""

    sent_at: int
    """samples since the call began"""
    heard_at: int | None
    """samples of the rendition; None: nowhere"""

    @property
    def off_ms(self) -> float:
        """How far from its place it sounds; infinite where it doesn't."""
        return float("inf") if self.heard_at is None else (self.heard_at - self.sent_at) / 8


def hear(wav: bytes) -> Heard:
    """Decode a PCM16 WAV."""
    with wave.open(io.BytesIO(wav)) as file:
        assert (2, 8000) == (file.getsampwidth(), file.getframerate())
        count, pcm = file.getnchannels(), file.readframes(file.getnframes())
    frame = 2 * count
    return Heard(
        channels=tuple(
            b"".join(
                pcm[at + 2 * channel : at + 2 * channel + 2] for at in range(0, len(pcm), frame)
            )
            for channel in range(count)
        )
    )


def decoded(sent: SentTrack, encoding: Encoding) -> bytes:
    """Return all that a track sent as L16."""
    return _DECODE[encoding](bytes(sent.payload), 2)


def find_runs(
    heard: bytes, sent: SentTrack, encoding: Encoding, spared_samples: int = 0
) -> list[HeardRun]:
    """Find each run, bit for bit; a socket that breaks may swallow its last `spared_samples`."""
    pcm, found, at = decoded(sent, encoding), [], 0
    for position, samples in sent.runs:
        wanted = pcm[2 * at : 2 * (at + samples - spared_samples)]
        found.append(HeardRun(sent_at=position, heard_at=_find(heard, wanted)))
        at += samples
    return found


def is_silent(heard: bytes, from_sample: int, to_sample: int) -> bool:
    """Whether nothing but silence sounds there."""
    return audioop.max(heard[2 * from_sample : 2 * to_sample] or b"\0\0", 2) <= 8


def compressed_samples(audio: bytes, folder: Path, extension: str) -> int:
    """Decode MP3 or MP4 as any player does; return its length in samples at 8 kHz."""
    return hear_compressed(audio, folder, extension, 1).samples


def hear_compressed(audio: bytes, folder: Path, extension: str, channels: int) -> Heard:
    """Decode MP3 or MP4 as any player does, at 8 kHz, to so many channels."""
    as_wav = ["-f", "wav", "-ac", str(channels), "-ar", "8000", "-bitexact"]
    path = folder / "decoded.wav"
    _ffmpeg(audio, folder, extension, [*as_wav, "-y", str(path)])
    return hear(path.read_bytes())


def channels_of(audio: bytes, folder: Path, extension: str) -> str:
    """Return what ffmpeg says of a file's stream, e.g. `8000 Hz, stereo`."""
    path = folder / f"coded.{extension}"
    path.write_bytes(audio)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    said = subprocess.run(command, capture_output=True, check=False, timeout=60).stderr.decode()
    return next(line.strip() for line in said.splitlines() if "Audio:" in line)


def tags_of(audio: bytes, folder: Path, extension: str) -> dict[str, str]:
    """Return what a file says of itself."""
    told = _ffmpeg(audio, folder, extension, ["-f", "ffmetadata", "-"]).decode()
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def likeness(heard: bytes, sent: bytes) -> float:
    """Return how alike two sounds are, sample by sample: 1 for the same, 0 for strangers."""
    size = min(len(heard), len(sent))
    one, other = _samples(heard[:size]), _samples(sent[:size])
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    loudness = sum(a * a for a in one) * sum(b * b for b in other)
    return dot / math.sqrt(loudness or 1)


def mixed(one: bytes, other: bytes) -> bytes:
    """Return the sum of two sounds, saturated."""
    return audioop.add(one, other, 2)


def same_samples(one: bytes, other: bytes) -> int:
    """Return how many samples two sounds have in common from their beginning on."""
    pairs = zip(_samples(one), _samples(other), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)) // 2)


def place_of(wanted: bytes, sent: bytes) -> int | None:
    """Return the sample at which a sound begins in another one; None: nowhere."""
    return _find(sent, wanted)


def _samples(pcm: bytes) -> array[int]:
    return array("h", pcm[: len(pcm) // 2 * 2])


def _ffmpeg(audio: bytes, folder: Path, extension: str, output: list[str]) -> bytes:
    path = folder / f"coded.{extension}"
    path.write_bytes(audio)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), *output]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def _find(heard: bytes, wanted: bytes) -> int | None:
    at = heard.find(wanted)
    while at % 2 and at != -1:
        at = heard.find(wanted, at + 1)
    return None if at == -1 else at // 2
