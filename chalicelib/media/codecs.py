"""Payload to sound and back: PCMU, PCMA and L16, by the name of RFC 3551.

`pcm` is L16 in native order. L16 payloads are taken as little-endian, as every websocket dialect
but Telnyx's sends them; Tapedeck runs on little-endian machines, so they are `pcm` already.
"""

from __future__ import annotations

import audioop
from collections.abc import Callable, Mapping

_PCM_WIDTH = 2
_A_LAW_SILENCE = b"\xd5"
_MU_LAW_SILENCE = b"\xff"


def _decode_pcmu(payload: bytes) -> bytes:
    return audioop.ulaw2lin(payload, _PCM_WIDTH)


def _decode_pcma(payload: bytes) -> bytes:
    return audioop.alaw2lin(payload, _PCM_WIDTH)


def _encode_pcmu(pcm: bytes) -> bytes:
    return audioop.lin2ulaw(pcm, _PCM_WIDTH)


def _encode_pcma(pcm: bytes) -> bytes:
    return audioop.lin2alaw(pcm, _PCM_WIDTH)


def _whole_samples(pcm: bytes) -> bytes:
    return pcm[: len(pcm) - len(pcm) % _PCM_WIDTH]


_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "PCMU": _decode_pcmu,
    "PCMA": _decode_pcma,
    "L16": _whole_samples,
}
_ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "PCMU": _encode_pcmu,
    "PCMA": _encode_pcma,
    "L16": _whole_samples,
}
_SILENCE: Mapping[str, bytes] = {
    "PCMU": _MU_LAW_SILENCE,
    "PCMA": _A_LAW_SILENCE,
    "L16": b"\0\0",
}


_EVERY_BYTE = bytes(range(256))
_TABLES: Mapping[tuple[str, str], bytes] = {
    ("PCMU", "PCMA"): _encode_pcma(_decode_pcmu(_EVERY_BYTE)),
    ("PCMA", "PCMU"): _encode_pcmu(_decode_pcma(_EVERY_BYTE)),
}
"""a byte of one law for each of the other: one look-up instead of two conversions"""


def decode(payload: bytes, encoding: str) -> bytes:
    """Return the pcm of a payload; half a sample at an L16 payload's end is left out."""
    return _DECODERS[encoding](payload)


def encode(pcm: bytes, encoding: str) -> bytes:
    """Return the payload of a pcm."""
    return _ENCODERS[encoding](pcm)


def convert(payload: bytes, encoding: str, to: str) -> bytes:
    """Return the payload in another encoding, the same bytes where it is the same."""
    if encoding == to:
        return payload
    table = _TABLES.get((encoding, to))
    return payload.translate(table) if table else encode(decode(payload, encoding), to)


def silent_payload(samples: int, encoding: str) -> bytes:
    """Return a payload in which nothing sounds."""
    return _SILENCE[encoding] * samples


def bytes_per_sample(encoding: str) -> int:
    """Return how many bytes of payload one sample takes."""
    return len(_SILENCE[encoding])
