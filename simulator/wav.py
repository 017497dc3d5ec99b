"""WAV files that a carrier could play: 8 kHz, one channel, PCM16 or already encoded."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

from chalicelib.capture.events import Encoding
from simulator import g711
from simulator.speech import FRAME_SAMPLES, RATE_HZ

_PCM = 1
_ENCODED = {6: Encoding.PCMA, 7: Encoding.PCMU}


class UnfitFile(Exception):
    """A file that no call can play; the message says why and names the file."""


def frames(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """Return a file's 20 ms payloads; the last may be shorter. Raises UnfitFile."""
    payload = _payload(path, encoding)
    return (payload[at : at + FRAME_SAMPLES] for at in range(0, len(payload), FRAME_SAMPLES))


def _payload(path: Path, encoding: Encoding) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnfitFile(f"{path}: {error.strerror}") from error
    format_tag, samples = _parse(path, content)
    if format_tag == _PCM:
        return g711.encode(_pcm16(samples), encoding)
    if _ENCODED[format_tag] is not encoding:
        raise UnfitFile(f"{path}: holds {_ENCODED[format_tag]}, the call speaks {encoding}")
    return samples


def _parse(path: Path, content: bytes) -> tuple[int, bytes]:
    """Return the format tag and the bytes of the samples."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UnfitFile(f"{path}: not a WAV file")
    parts = dict(_parts(content))
    if len(parts.get(b"fmt ", b"")) < 16 or b"data" not in parts:
        raise UnfitFile(f"{path}: a WAV file without format or samples")
    tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", parts[b"fmt "][:16])
    if tag not in (_PCM, *_ENCODED) or bits != (16 if tag == _PCM else 8):
        raise UnfitFile(f"{path}: format {tag} with {bits} bits; PCM16, PCMU or PCMA is wanted")
    if (channels, rate_hz) != (1, RATE_HZ):
        raise UnfitFile(f"{path}: {channels} channels at {rate_hz} Hz; 1 at {RATE_HZ} Hz is wanted")
    return tag, parts[b"data"]


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
