"""The codecs against the tables of G.711, computed here by its rules."""

from __future__ import annotations

import struct

import pytest

from chalicelib.media import codecs


def _mu_law(byte: int) -> int:
    """Return the value of a µ-law byte as G.711 defines it, scaled to 16 bits."""
    byte = ~byte & 0xFF
    magnitude = ((((byte & 0x0F) << 3) + 0x84) << ((byte & 0x70) >> 4)) - 0x84
    return -magnitude if byte & 0x80 else magnitude


def _a_law(byte: int) -> int:
    """Return the value of an A-law byte as G.711 defines it, scaled to 16 bits."""
    byte ^= 0x55
    mantissa, exponent = (byte & 0x0F) << 4, (byte & 0x70) >> 4
    magnitude = mantissa + 8 if exponent == 0 else (mantissa + 0x108) << (exponent - 1)
    return magnitude if byte & 0x80 else -magnitude


ALL_BYTES = bytes(range(256))


def test_every_mu_law_byte_decodes_as_the_standard_says() -> None:
    """All 256 PCMU bytes give the value of G.711."""

    pcm = codecs.decode(ALL_BYTES, "PCMU")

    assert tuple(_mu_law(byte) for byte in ALL_BYTES) == struct.unpack("<256h", pcm)


def test_every_a_law_byte_decodes_as_the_standard_says() -> None:
    """All 256 PCMA bytes give the value of G.711."""

    pcm = codecs.decode(ALL_BYTES, "PCMA")

    assert tuple(_a_law(byte) for byte in ALL_BYTES) == struct.unpack("<256h", pcm)


def test_l16_is_pcm_already() -> None:
    """L16 passes as it is, in both directions."""

    pcm = struct.pack("<4h", 0, 1, -1, 32767)

    assert pcm == codecs.decode(codecs.encode(pcm, "L16"), "L16")


def test_half_an_l16_sample_is_left_out() -> None:
    """An odd byte at the end of an L16 payload doesn't shift what follows."""

    assert b"\x01\x02" == codecs.decode(b"\x01\x02\x03", "L16")


@pytest.mark.parametrize("encoding", ["PCMU", "PCMA"])
def test_encoding_what_was_decoded_sounds_the_same(encoding: str) -> None:
    """A decoded byte encodes to a byte of the same value (µ-law has two zeros)."""

    pcm = codecs.decode(ALL_BYTES, encoding)

    assert pcm == codecs.decode(codecs.encode(pcm, encoding), encoding)


@pytest.mark.parametrize(("encoding", "loudest"), [("PCMU", 0), ("PCMA", 8), ("L16", 0)])
def test_a_silent_payload_is_silent(encoding: str, loudest: int) -> None:
    """Silence decodes to zero, or to A-law's smallest step, and has its length."""

    payload = codecs.silent_payload(160, encoding)

    assert struct.pack("<h", loudest) * 160 == codecs.decode(payload, encoding)
    assert 160 * codecs.bytes_per_sample(encoding) == len(payload)


@pytest.mark.parametrize("encoding", ["PCMU", "PCMA", "L16"])
@pytest.mark.parametrize("to", ["PCMU", "PCMA", "L16"])
def test_converting_is_decoding_and_encoding(encoding: str, to: str) -> None:
    """Between any two encodings the result is that of the way over pcm; to itself, the bytes."""

    converted = codecs.convert(ALL_BYTES, encoding, to)

    if encoding == to:
        assert ALL_BYTES == converted
    else:
        assert codecs.encode(codecs.decode(ALL_BYTES, encoding), to) == converted
