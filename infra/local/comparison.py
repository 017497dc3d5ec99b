"""Whether a downloaded WAV is what was sent, sample for sample.

The oracle is the standard library's µ-law and WAV, not the code that made the file.
"""

from __future__ import annotations

import audioop  # from audioop-lts where Python has it no longer
import io
import wave
from collections.abc import Sequence
from pathlib import Path

_WIDTH = 2


def difference(audio: bytes, payload_files: Sequence[Path]) -> str:
    """Return "" for a WAV whose channels are these µ-law files, or else a sentence."""
    try:
        with wave.open(io.BytesIO(audio)) as file:
            channels, width, frames = file.getnchannels(), file.getsampwidth(), file.getnframes()
            pcm = file.readframes(frames)
    except (wave.Error, EOFError) as error:
        return f"it is no WAV file: {error}"
    if (channels, width) != (len(payload_files), _WIDTH):
        return f"it has {channels} channels of {8 * width} bits, not {len(payload_files)} of 16"
    for channel, path in enumerate(payload_files):
        expected = audioop.ulaw2lin(path.read_bytes(), _WIDTH)
        if expected != _channel(pcm, channels, channel):
            return (
                f"channel {channel} differs: {_first_difference(pcm, channels, channel, expected)}"
            )
    return ""


def _channel(pcm: bytes, channels: int, channel: int) -> bytes:
    return b"".join(
        pcm[at : at + _WIDTH] for at in range(channel * _WIDTH, len(pcm), channels * _WIDTH)
    )


def _first_difference(pcm: bytes, channels: int, channel: int, expected: bytes) -> str:
    heard = _channel(pcm, channels, channel)
    if len(heard) != len(expected):
        return f"{len(heard) // _WIDTH} samples were recorded, {len(expected) // _WIDTH} sent"
    at = next(
        at for at in range(0, len(heard), _WIDTH) if heard[at : at + 2] != expected[at : at + 2]
    )
    return f"the first different sample is number {at // _WIDTH}"
