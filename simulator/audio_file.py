"""Reads any audio file that ffmpeg reads, as 8 kHz mono PCM; pydub holds and converts it.

pydub's own `from_file` isn't used: it needs ffprobe as well, and has no bound.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from simulator.speech import RATE_HZ

MAX_MINUTES = 10
MAX_BYTES = 256 * 1024 * 1024
"""10 minutes of stereo at 48 kHz and 32 bits are 230 MB"""

_DECODE_S = 120
"""what ffmpeg may take"""


class UnfitFile(Exception):
    """A file that no call can play; the message says why and names the file."""


def pcm_of(path: Path) -> bytes:
    """Return a file's samples, L16 little-endian at 8 kHz, channels mixed. Raises UnfitFile."""
    import pydub  # noqa: PLC0415  # only a call that plays such a file needs it

    if path.stat().st_size > MAX_BYTES:
        raise UnfitFile(f"{path}: larger than {MAX_BYTES >> 20} MiB; cut it")
    ffmpeg = _ffmpeg()
    try:
        sound = pydub.AudioSegment(
            data=_wav_of(path, ffmpeg) if ffmpeg else path.read_bytes(),
        )
    except (pydub.exceptions.CouldntDecodeError, EOFError) as error:
        missing = "" if ffmpeg else "; install ffmpeg to play other formats than PCM WAV"
        raise UnfitFile(f"{path}: no audio that can be read{missing}") from error
    if sound.duration_seconds > MAX_MINUTES * 60:
        raise UnfitFile(f"{path}: longer than {MAX_MINUTES} minutes; cut it")
    mono: bytes = sound.set_channels(1).set_frame_rate(RATE_HZ).set_sample_width(2).raw_data
    return mono


def _wav_of(path: Path, ffmpeg: str) -> bytes:
    """Return a file's first audio stream as WAV, a second longer than the bound at most."""
    command = [ffmpeg, "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]
    command += ["-i", f"file:{path}", "-vn", "-t", str(MAX_MINUTES * 60 + 1)]
    command += ["-ac", "1", "-ar", str(RATE_HZ), "-c:a", "pcm_s16le", "-f", "wav", "pipe:1"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_DECODE_S)
    except subprocess.TimeoutExpired as error:
        raise UnfitFile(f"{path}: not read by ffmpeg within {_DECODE_S} s") from error
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UnfitFile(f"{path}: not a WAV file, and ffmpeg finds no audio in it: {last}")
    return done.stdout


def _ffmpeg() -> str | None:
    """Return ffmpeg's path: the machine's own, or that of the development requirements."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg  # noqa: PLC0415  # a development requirement
    except ImportError:
        return None
    program: str = imageio_ffmpeg.get_ffmpeg_exe()
    return program
