"""Pcm to a file of its format, in constant memory: WAV by ourselves, MP3 and MP4 by ffmpeg.

The same pcm gives the same bytes: one thread, no dates, no encoder's name. The file is a real one,
because a length that an encoder can't write back into its header comes out 200 ms wrong.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from chalicelib.errors import Unavailable
from chalicelib.media import wav
from chalicelib.media.pcm import Sound
from chalicelib.ports.values import EncodedFile
from chalicelib.recording.model import Format

_READ_SIZE = 1024 * 1024

_BITS_PER_CHANNEL = 32_000
"""an MP3's at 8 kHz may have 64,000 for both; G.711 itself has 64,000 for each"""
_BITS_PER_WIDE_CHANNEL = 64_000
"""at more than 16 kHz, for 8 to 24 kHz of bandwidth"""
_WIDE_ABOVE_HZ = 16_000

_LEAST_AAC_RATE_HZ = 16_000
"""every player takes it, and it sounds better than 8 kHz at the same size"""
_AAC_FRAME = 1024
"""samples; AAC knows only whole ones"""


class FileEncoder:
    """Writes renditions into files under a folder, and removes them again."""

    def __init__(
        self, *, folder: str | None = None, ffmpeg: str | None = None, patience_s: float = 300
    ) -> None:
        """Take the folder (None: the system's) and the program (None: imageio-ffmpeg's).

        `patience_s` is ffmpeg's time to finish a file after its last sample: moving 12 hours of
        sound behind their index takes it some seconds.
        """
        self._folder = folder
        self._ffmpeg = ffmpeg
        self._patience_s = patience_s

    @contextmanager
    def encode(
        self, format_: Format, sound: Sound, pcm: Iterable[bytes], tags: Mapping[str, str]
    ) -> Iterator[EncodedFile]:
        """Yield a file that lasts as long as the context."""
        with ExitStack() as files:
            try:
                folder = files.enter_context(self._new_folder())
                path = f"{folder}/rendition.{format_}"
                if format_ is Format.WAV:
                    _write_wav(path, sound, pcm, wav.info(_printable(tags)))
                else:
                    self._run_ffmpeg([*_arguments(format_, sound), *_tags(tags), path], sound, pcm)
                encoded = _facts(path)
            except OSError as error:
                raise Unavailable(f"encoding {format_}: {error}") from error
            yield encoded

    def _new_folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="rendition-", dir=self._folder)

    def _run_ffmpeg(self, arguments: list[str], sound: Sound, pcm: Iterable[bytes]) -> None:
        command = [self._ffmpeg or _find_ffmpeg(), *_input(sound), *arguments]
        with tempfile.TemporaryFile(dir=self._folder) as complaint:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaint)
            try:
                _feed(process, sound, pcm)
                process.wait(self._patience_s)
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"ffmpeg didn't finish within {self._patience_s} s") from error
            finally:
                _end(process)
            if process.returncode:
                complaint.seek(0)
                said = complaint.read(500).decode(errors="replace").strip()
                raise Unavailable(f"ffmpeg ended with {process.returncode}: {said}")


def _write_wav(path: str, sound: Sound, pcm: Iterable[bytes], info: bytes) -> None:
    head = wav.header(
        rate_hz=sound.rate_hz, channels=sound.channels, samples=sound.samples, info_size=len(info)
    )
    with Path(path).open("wb") as target:
        target.write(head)
        _copy(target, sound, pcm)
        target.write(info)


def _copy(target: IO[bytes], sound: Sound, pcm: Iterable[bytes]) -> None:
    """Write all of the pcm. Raises ValueError where it isn't as long as it was said to be."""
    written = 0
    for some in pcm:
        written += target.write(some)
    if written != sound.size:
        raise ValueError(f"{written} bytes of pcm where {sound.size} were announced")


def _feed(process: subprocess.Popen[bytes], sound: Sound, pcm: Iterable[bytes]) -> None:
    assert process.stdin is not None
    # Where ffmpeg ends early, its exit code and its complaint tell why.
    with suppress(BrokenPipeError):
        _copy(process.stdin, sound, pcm)
        process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process behind, whatever happened."""
    if process.poll() is None:
        process.kill()
        process.wait()
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()


def _input(sound: Sound) -> list[str]:
    shape = ["-f", "s16le", "-ar", str(sound.rate_hz), "-ac", str(sound.channels)]
    return ["-hide_banner", "-nostats", "-v", "error", "-y", *shape, "-i", "pipe:0"]


def _arguments(format_: Format, sound: Sound) -> list[str]:
    bitexact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    bits = _BITS_PER_CHANNEL if sound.rate_hz <= _WIDE_ABOVE_HZ else _BITS_PER_WIDE_CHANNEL
    rate = ["-threads", "1", "-b:a", str(bits * sound.channels)]
    if format_ is Format.MP3:
        # Two speakers have nothing in common; level 7 sounds as level 5 here, at 60 % of its time.
        effort = ["-joint_stereo", "0", "-compression_level", "7"]
        return [*bitexact, *rate, "-c:a", "libmp3lame", *effort, "-id3v2_version", "3"]
    codec = ["-c:a", "aac", "-aac_coder", "fast", "-movflags", "+faststart"]
    return [*bitexact, *rate, *codec, *_whole_frames(sound)]


def _whole_frames(sound: Sound) -> list[str]:
    """Return the filters that fill the first AAC frame with silence, and have it skipped.

    What fills a last frame is played: no decoder that we know cuts it off, and at 16 kHz it may
    last 64 ms. What an edit list skips at the begin is skipped to the sample. (A sound shorter
    than a frame would be skipped with it: that one gets its silence at the end.)
    """
    rate_hz = max(_LEAST_AAC_RATE_HZ, sound.rate_hz)
    samples = -(-sound.samples * rate_hz // sound.rate_hz)
    filling = -samples % _AAC_FRAME if samples >= _AAC_FRAME else 0
    filters = [f"aresample={rate_hz}"]
    if rate_hz % sound.rate_hz:
        # The resampler may end a sample early or late, and one too many is a whole frame.
        filters += [f"apad=whole_len={samples}", f"atrim=end_sample={samples}"]
    filters += [f"adelay=delays={filling}S:all=1", f"asetpts=N-{filling}"]
    return ["-af", ",".join(filters), "-ar", str(rate_hz)]


def _tags(tags: Mapping[str, str]) -> list[str]:
    """Return the tags as arguments."""
    said: list[str] = []
    for name, value in _printable(tags).items():
        said += ["-metadata", f"{name}={value}"]
    return said


def _printable(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags without control characters: these have no place in one."""
    return {name: "".join(c for c in value if c.isprintable()) for name, value in tags.items()}


def _facts(path: str) -> EncodedFile:
    digest = hashlib.sha256()
    with Path(path).open("rb") as encoded:
        while some := encoded.read(_READ_SIZE):
            digest.update(some)
    return EncodedFile(path=path, size=Path(path).stat().st_size, sha256=digest.hexdigest())


def _find_ffmpeg() -> str:
    import imageio_ffmpeg  # noqa: PLC0415  only the functions with the layer have it

    try:
        program: str = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise Unavailable(f"no ffmpeg: {error}") from error
    return program
