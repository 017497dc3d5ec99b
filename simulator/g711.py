"""G.711 (ITU-T), apart from Tapedeck's own codecs: a simulator must not share their mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType

from chalicelib.capture.events import Encoding

_ULAW_BIAS = 0x84
_ULAW_CLIP = 32635
_ALAW_CLIP = 32767


@cache
def _ulaw(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _ULAW_CLIP) + _ULAW_BIAS
    exponent = magnitude.bit_length() - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~(sign | (exponent << 4) | mantissa) & 0xFF


@cache
def _alaw(sample: int) -> int:
    sign = 0x80 if sample >= 0 else 0
    magnitude = min(sample if sample >= 0 else -sample - 1, _ALAW_CLIP)
    exponent = max(magnitude.bit_length() - 8, 0)
    mantissa = (magnitude >> (max(exponent, 1) + 3)) & 0x0F
    return (sign | (exponent << 4) | mantissa) ^ 0x55


_ENCODERS: Mapping[Encoding, Callable[[int], int]] = MappingProxyType(
    {Encoding.PCMU: _ulaw, Encoding.PCMA: _alaw}
)

SILENCE: Mapping[Encoding, bytes] = MappingProxyType(
    {Encoding.PCMU: b"\xff", Encoding.PCMA: b"\xd5"}
)
"""one sample of it"""


def encode(pcm: Iterable[int], encoding: Encoding) -> bytes:
    """Return 16-bit samples as PCMU or PCMA payload."""
    return bytes(map(_ENCODERS[encoding], pcm))
