"""Audio files that a carrier could play.

A WAV file of 8 kHz, one channel, PCM16 or the call's own encoding is played sample for sample, so
that a test can compare bits; every other file is converted (`audio_file`).
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

from chalicelib.capture.events import Encoding
from simulator import g711
from simulator.audio_file import MAX_BYTES, UnfitFile, pcm_of
from simulator.speech import FRAME_SAMPLES, RATE_HZ

_OTHER = 0
_PCM = 1
_ENCODED = {6: Encoding.PCMA, 7: Encoding.PCMU}


def frames(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """Return a file's 20 ms payloads; the last may be shorter. Raises UnfitFile."""
    payload = _payload(path, encoding)
    return (payload[at : at + FRAME_SAMPLES] for at in range(0, len(payload), FRAME_SAMPLES))


def _payload(path: Path, encoding: Encoding) -> bytes:
    try:
        format_tag, samples = _parse(path)
        if _ENCODED.get(format_tag) is encoding:
            return samples
        pcm = samples if format_tag == _PCM else pcm_of(path)
    except OSError as error:
        raise UnfitFile(f"{path}: {error.strerror}") from error
    return g711.encode(_pcm16(pcm), encoding)


def _parse(path: Path) -> tuple[int, bytes]:
    """Return the format tag and the samples of a WAV file as calls carry them; of others none."""
    with path.open("rb") as file:
        head = file.read(12)
        if (head[:4], head[8:]) != (b"RIFF", b"WAVE") or path.stat().st_size > MAX_BYTES:
            return _OTHER, b""
        parts = dict(_parts(head + file.read()))
    if len(parts.get(b"fmt ", b"")) < 16 or b"data" not in parts:
        return _OTHER, b""
    tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", parts[b"fmt "][:16])
    if tag not in (_PCM, *_ENCODED) or bits != (16 if tag == _PCM else 8):
        return _OTHER, b""
    return (tag, parts[b"data"]) if (channels, rate_hz) == (1, RATE_HZ) else (_OTHER, b"")


def _parts(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield RIFF's parts; a size beyond the end (a stream's header) means: up to the end."""
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        yield name, content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _pcm16(samples: bytes) -> array[int]:
    pcm = array("h", samples[: len(samples) // 2 * 2])
    if sys.byteorder == "big":
        pcm.byteswap()
    return pcm
