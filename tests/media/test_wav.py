"""The WAV header, read back by the standard library and by our own parser."""

from __future__ import annotations

import io
import wave

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.errors import CorruptContainer
from chalicelib.media import wav


@pytest.mark.parametrize("channels", [1, 2])
def test_the_standard_library_reads_the_header(channels: int) -> None:
    """What stands in the header is what `wave` finds."""

    sound = bytes(range(200)) * channels
    head = wav.header(rate_hz=8000, channels=channels, samples=100)

    with wave.open(io.BytesIO(head + sound)) as opened:
        assert (channels, 2, 8000, 100) == opened.getparams()[:4]
        assert sound == opened.readframes(100)
    assert 44 == len(head)


@given(
    rate_hz=st.sampled_from([8000, 16000, 24000, 48000]),
    channels=st.sampled_from([1, 2]),
    samples=st.integers(0, 2**40),
)
def test_parsing_gives_back_what_was_written(rate_hz: int, channels: int, samples: int) -> None:
    """A header parses to its own values at every length, beyond 4 GiB too."""

    head = wav.header(rate_hz=rate_hz, channels=channels, samples=samples)

    expected = wav.WavFormat(
        rate_hz=rate_hz, channels=channels, samples=samples, header_size=len(head)
    )
    assert expected == wav.parse(head + b"\0\0")


@given(title=st.text(), comment=st.text(), channels=st.sampled_from([1, 2]))
def test_what_a_file_says_of_itself_stands_behind_its_samples(
    title: str, comment: str, channels: int
) -> None:
    """The samples begin and end where they did, and the file's length is right."""

    tags, sound = {"title": title, "comment": comment}, bytes(range(200)) * channels
    info = wav.info(tags)
    head = wav.header(rate_hz=8000, channels=channels, samples=100, info_size=len(info))
    file = head + sound + info

    assert len(file) - 8 == int.from_bytes(file[4:8], "little")
    with wave.open(io.BytesIO(file)) as opened:
        assert sound == opened.readframes(1000)
    for text in (title, comment):
        assert text.encode() + b"\0" in info
    assert 0 == len(info) % 2


def test_a_file_that_says_nothing_has_no_chunk_for_it() -> None:
    """Tags that WAV has no name for are left out."""

    assert b"" == wav.info({"artist": "x"})


def test_four_gibibytes_need_the_long_header() -> None:
    """The last length that RIFF can tell is RIFF, the next one RF64."""

    most = (0xFFFFFFFF - 36) // 2

    assert b"RIFF" == wav.header(rate_hz=8000, channels=1, samples=most)[:4]
    assert b"RF64" == wav.header(rate_hz=8000, channels=1, samples=most + 1)[:4]


@given(st.one_of(st.binary(max_size=100), st.binary(min_size=80, max_size=100)))
@example(bytes(100))
def test_any_bytes_parse_or_are_refused(head: bytes) -> None:
    """Nothing but CorruptContainer comes of bytes that are no header."""

    with pytest.raises(CorruptContainer):
        wav.parse(head)


def test_a_header_cut_off_anywhere_is_refused() -> None:
    """A header that lacks its end is not one."""

    head = wav.header(rate_hz=8000, channels=2, samples=2**32)

    for length in range(len(head)):
        with pytest.raises(CorruptContainer):
            wav.parse(head[:length])


def test_a_header_without_channels_is_refused() -> None:
    """Zero channels would divide by zero."""

    with pytest.raises(CorruptContainer, match="without channels"):
        wav.parse(wav.header(rate_hz=8000, channels=0, samples=1))
