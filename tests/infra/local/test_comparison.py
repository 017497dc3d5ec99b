"""Comparing a download with what was sent."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest

from infra.local.comparison import difference

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
