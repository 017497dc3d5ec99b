"""The simulator's own G.711."""

from __future__ import annotations

import pytest

from chalicelib.capture.events import Encoding
from simulator import g711


@pytest.mark.parametrize(
    ("encoding", "sample", "byte"),
    [
        (Encoding.PCMU, 0, 0xFF),
        (Encoding.PCMU, -1, 0x7F),
        (Encoding.PCMU, 32767, 0x80),
        (Encoding.PCMU, -32768, 0x00),
        (Encoding.PCMA, 0, 0xD5),
        (Encoding.PCMA, -1, 0x55),
        (Encoding.PCMA, 32767, 0xAA),
        (Encoding.PCMA, -32768, 0x2A),
    ],
)
def test_the_ends_and_the_middle(encoding: Encoding, sample: int, byte: int) -> None:
    """G.711's own values for silence and for full scale."""

    assert bytes([byte]) == g711.encode([sample], encoding)


@pytest.mark.parametrize("encoding", [Encoding.PCMU, Encoding.PCMA])
def test_louder_is_never_coded_quieter(encoding: Encoding) -> None:
    """Both laws rise with the sample, through all 128 codes of a side."""

    codes = g711.encode(range(32768), encoding)
    steps = list(dict.fromkeys(codes))

    assert 128 == len(steps)
    assert codes == b"".join(bytes([step]) * codes.count(step) for step in steps)


@pytest.mark.parametrize("encoding", [Encoding.PCMU, Encoding.PCMA])
def test_silence_is_the_code_of_nought(encoding: Encoding) -> None:
    """Silence is what the encoder makes of 0."""

    assert g711.SILENCE[encoding] == g711.encode([0], encoding)
