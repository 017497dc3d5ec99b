"""Comparing a download with what was sent."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest

from infra.local.comparison import difference, paused_difference

SILENCE = 0xFF
LOUD = 0x00
LOUDEST = -32124
"""what 0x00 decodes to (ITU-T G.711)"""


def wav(*channels: list[int], width: int = 2) -> bytes:
    """A WAV file of samples by channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(len(channels))
        writer.setsampwidth(width)
        writer.setframerate(8000)
        frames = zip(*channels, strict=True)
        writer.writeframes(
            b"".join(
                sample.to_bytes(width, "little", signed=True) for row in frames for sample in row
            )
        )
    return file.getvalue()


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """Three samples of µ-law."""
    file = tmp_path / "inbound.ulaw"
    file.write_bytes(bytes([SILENCE, LOUD, SILENCE]))
    return file


def test_the_same_samples_are_no_difference(sent: Path) -> None:
    """Every sample of every channel is the decoded payload's."""
    right = [0, LOUDEST, 0]

    assert "" == difference(wav(right, right), [sent, sent])


@pytest.mark.parametrize(
    ("audio", "sentence"),
    [
        pytest.param(
            wav([0, LOUDEST, 1]),
            "channel 0 differs: the first different sample is number 2",
            id="one bit",
        ),
        pytest.param(
            wav([0, LOUDEST]),
            "channel 0 differs: 2 samples were recorded, 3 sent",
            id="one too few",
        ),
        pytest.param(
            wav([0, 0, 0], [0, 0, 0]), "it has 2 channels of 16 bits, not 1 of 16", id="stereo"
        ),
        pytest.param(
            b"<Error/>", "it is no WAV file: file does not start with RIFF id", id="no audio"
        ),
        pytest.param(b"", "it is no WAV file: ", id="nothing"),
    ],
)
def test_a_difference_is_a_sentence(sent: Path, audio: bytes, sentence: str) -> None:
    """It says where the recording stops being what was sent."""

    assert sentence == difference(audio, [sent])


SECOND = [LOUDEST] * 8000


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """Six loud seconds of µ-law."""
    file = tmp_path / "call.ulaw"
    file.write_bytes(bytes([LOUD]) * 48_000)
    return file


def test_a_silent_pause_is_no_difference(call: Path) -> None:
    """What surrounds it stands in its place, and the end may be early by a digit's uncertainty."""

    heard = [*SECOND, *[0] * 12_000, *SECOND[:7900]]

    assert "" == paused_difference(wav(heard), call, 3.5)


@pytest.mark.parametrize(
    ("heard", "fact"),
    [
        ([*SECOND * 3, *SECOND[:4000]], "its pause lasts 0.00 s"),
        ([*SECOND, *[0] * 4000, *SECOND * 2], "its pause lasts 0.50 s"),
        ([*SECOND, *[0] * 12_000, *SECOND, *SECOND], "it ends after 4.50 s, not after 3.5"),
        ([*SECOND, *[0] * 6000, 7, *[0] * 6000, *SECOND[:7999]], "sample 8000 is neither"),
    ],
)
def test_what_is_neither_sent_nor_a_pause_is_told(call: Path, heard: list[int], fact: str) -> None:
    """In a sentence."""

    assert fact in paused_difference(wav(heard), call, 3.5)


def test_a_file_of_another_shape_is_told(call: Path) -> None:
    """Neither two channels nor something else than a WAV can be compared."""

    assert "2 channels of 16 bits" in paused_difference(wav(SECOND, SECOND), call, 1)
    assert "no WAV file" in paused_difference(b"RIFF", call, 1)


def test_what_was_on_its_way_at_the_end_is_silence(call: Path) -> None:
    """A digit ends a recording before all that was said until then has arrived."""

    heard = [*SECOND, *[0] * 12_000, *SECOND[:7800], *[0] * 100]

    assert "" == paused_difference(wav(heard), call, 3.5)
