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
_RATE_HZ = 8000
_END_WITHIN_S = 0.1
"""of a digit that ends it"""
_LEAST_PAUSE_S = 1.0


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


def paused_difference(audio: bytes, payload_file: Path, end_s: float) -> str:
    """Return "" for a WAV whose one channel is this µ-law file up to `end_s`, save one silent pause
    that is as long as what was said in it, or else a sentence."""
    try:
        with wave.open(io.BytesIO(audio)) as file:
            shape = file.getnchannels(), file.getsampwidth()
            heard = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        return f"it is no WAV file: {error}"
    if shape != (1, _WIDTH):
        return f"it has {shape[0]} channels of {8 * shape[1]} bits, not one of 16"
    end = len(heard) / _WIDTH / _RATE_HZ
    if abs(end - end_s) > _END_WITHIN_S:
        return f"it ends after {end:.2f} s, not after {end_s:g}"
    return _pause_problem(heard, audioop.ulaw2lin(payload_file.read_bytes(), _WIDTH))


def _pause_problem(heard: bytes, sent: bytes) -> str:
    begin, end = _pause(heard, sent)
    if heard[begin:end].strip(b"\0"):
        return f"sample {begin // _WIDTH} is neither what was sent nor silence"
    seconds = (end - begin) / _WIDTH / _RATE_HZ
    return "" if seconds >= _LEAST_PAUSE_S else f"its pause lasts {seconds:.2f} s"


def _pause(heard: bytes, sent: bytes) -> tuple[int, int]:
    """Return the bytes between which a sound differs from what was sent."""
    # What was on its way when the digit ended it is silence.
    spoken = len(heard.rstrip(b"\0"))
    end = max(spoken + spoken % _WIDTH, len(heard) - round(_END_WITHIN_S * _RATE_HZ) * _WIDTH)
    missing = [at for at in range(0, end, _WIDTH) if heard[at : at + 2] != sent[at : at + 2]]
    return (missing[0], missing[-1] + _WIDTH) if missing else (0, 0)


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
