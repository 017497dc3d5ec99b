"""Draw a finished recording: each channel's waveform, its gaps marked, as SVG.

    python docs/pictures/waveform.py call.wav recording.json [FROM-TO=NOTE ...] > call.svg

`recording.json` is what `GET /v1/recordings/{id}` answers. Standard library only.
"""

from __future__ import annotations

import json
import sys
import wave
from array import array
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LANE, LEFT, TOP = 960, 110, 84, 34
TRACKS = ("inbound", "outbound")
COLUMNS = WIDTH - LEFT - 16


def main(arguments: Sequence[str]) -> None:
    """Print the picture."""
    with wave.open(arguments[0]) as stored, open(arguments[1], encoding="utf-8") as told:
        channels, rate_hz = stored.getnchannels(), stored.getframerate()
        pcm = array("h", stored.readframes(stored.getnframes()))
        recording = json.load(told)
    seconds = len(pcm) / channels / rate_hz
    tracks = TRACKS[:channels] if channels > 1 else ("mixed",)
    lines = [*_frame(channels, seconds)]
    for channel, track in enumerate(tracks):
        lines += _lane(pcm[channel::channels], channel, track)
        gaps = [gap for gap in recording["gaps"] if gap["track"] == track]
        lines += [_gap(gap, channel, seconds) for gap in gaps]
    lines += [_note(note, channels, seconds) for note in arguments[2:]]
    sys.stdout.write("\n".join([*lines, "</svg>\n"]))


def _frame(channels: int, seconds: float) -> Iterator[str]:
    height = TOP + LANE * channels + 44
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">'
    )
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    for second in range(0, int(seconds) + 1, 2):
        x, foot = _x(second, seconds), TOP + LANE * channels
        yield f'<path d="M{x:.1f} {TOP}V{foot}" stroke="#e3e6ea"/>'
        yield f'<text x="{x:.1f}" y="{foot + 14}" text-anchor="middle">{second} s</text>'


def _lane(samples: array[int], channel: int, track: str) -> Iterator[str]:
    """Yield one channel: for each column of the picture, its loudest samples up and down."""
    middle = TOP + LANE * channel + LANE / 2
    peak = max((abs(sample) for sample in samples), default=0) or 1
    strokes = []
    for column in range(COLUMNS):
        part = samples[
            column * len(samples) // COLUMNS : (column + 1) * len(samples) // COLUMNS + 1
        ]
        up, down = (edge / peak * LANE * 0.44 for edge in (max(part), min(part)))
        strokes.append(f"M{LEFT + column} {middle - up:.1f}V{middle - down + 0.5:.1f}")
    yield f'<text x="8" y="{middle - 4:.0f}">channel {channel}</text>'
    yield f'<text x="8" y="{middle + 12:.0f}" fill="#667">{track}</text>'
    yield f'<path d="{"".join(strokes)}" stroke="{("#1f6feb", "#2d8a4e")[channel]}"/>'


def _gap(gap: dict[str, Any], channel: int, seconds: float) -> str:
    x = _x(gap["offset_ms"] / 1000, seconds)
    end = _x((gap["offset_ms"] + gap["duration_ms"]) / 1000, seconds)
    top, middle = TOP + LANE * channel, (x + end) / 2
    return (
        f'<rect x="{x:.1f}" y="{top + 4}" width="{end - x:.1f}" height="{LANE - 8}"'
        ' fill="#d1242f" fill-opacity="0.14" stroke="#d1242f"/>'
        f'<g fill="#a40e26" text-anchor="middle"><text x="{middle:.1f}" y="{top + 22}">'
        f'gap: {gap["duration_ms"] / 1000:g} s</text><text x="{middle:.1f}" y="{top + 38}">'
        f"{escape(gap['reason'])}</text></g>"
    )


def _note(note: str, channels: int, seconds: float) -> str:
    stretch, _, said = note.partition("=")
    x, end = (_x(float(edge), seconds) for edge in stretch.split("-"))
    foot = TOP + LANE * channels
    return (
        f'<path d="M{x:.1f} {foot}V{TOP - 8}H{end:.1f}V{foot}" fill="none" stroke="#8a6d00"'
        f' stroke-dasharray="4 3"/><text x="{(x + end) / 2:.1f}" y="{TOP - 14}" fill="#6b5500"'
        f' text-anchor="middle">{escape(said)}</text>'
    )


def _x(second: float, seconds: float) -> float:
    return LEFT + COLUMNS * second / seconds


if __name__ == "__main__":
    main(sys.argv[1:])
