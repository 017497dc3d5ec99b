"""What a call's tracks say: files, or generated speech."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, repeat
from pathlib import Path

from chalicelib.capture.events import Encoding, Track
from simulator import g711, speech, wav
from simulator.audio_file import UnfitFile
from simulator.speech import FRAME_SAMPLES, RATE_HZ


def of_speech(
    tracks: Sequence[Track], encoding: Encoding, seconds: float, seed: int
) -> Mapping[Track, Iterator[bytes]]:
    """Return a voice for each track."""
    return {track: speech.frames(seconds, seed, track, encoding) for track in tracks}


def of_files(
    tracks: Sequence[Track], encoding: Encoding, paths: Sequence[Path], seconds: float | None
) -> Mapping[Track, Iterator[bytes]]:
    """Return a file for each track, in order, and silence where there is none or it is over.

    As long as `seconds`, or as the longest file. Raises UnfitFile.
    """
    if len(paths) > len(tracks):
        raise UnfitFile(f"{paths[len(tracks)]}: the call has only {len(tracks)} track(s)")
    silence = g711.SILENCE[encoding]
    played = [[_whole(f, silence) for f in wav.frames(path, encoding)] for path in paths]
    longest = max(map(len, played))
    frames = longest if seconds is None else math.ceil(seconds * RATE_HZ / FRAME_SAMPLES)
    unheard: Iterable[list[bytes]] = repeat([], len(tracks) - len(paths))
    return {
        track: islice(chain(file, repeat(silence * FRAME_SAMPLES)), frames)
        for track, file in zip(tracks, chain(played, unheard), strict=True)
    }


def _whole(frame: bytes, silence: bytes) -> bytes:
    return frame.ljust(FRAME_SAMPLES, silence)
