"""What listening costs: `python -m bench.detectors`.

CPU added for each 20 ms frame of a track at 8 kHz, by what the track holds. Only calls that ask for
voice activity or in-band digits pay it; their payload must be decoded first, once for both.
"""

from __future__ import annotations

import os
import platform
import struct
from array import array
from collections.abc import Callable, Mapping
from random import Random
from time import process_time

from chalicelib.capture.events import Encoding, Track
from chalicelib.media import codecs
from chalicelib.media.dtmf import DigitDetector
from chalicelib.media.level import rms_at
from chalicelib.media.pcm import WIDTH, silence
from chalicelib.media.telephone_event import TelephoneEvents, parse_telephone_event
from chalicelib.media.tones import digit_tone
from chalicelib.media.vad import VoiceActivity
from simulator.speech import frames

RATE_HZ = 8000
FRAME = 160
FRAMES = 3000
"""a minute"""
RUNS = 7
"""the least of them counts: what else runs here only adds"""
NOISE_DBM0 = -40.0
DEFAULT_SENSITIVITY = 44.0

_Feed = Callable[[bytes], object]


def main() -> int:
    """Print the table."""
    print(f"Detectors on Python {platform.python_version()}, {os.cpu_count()} cores, ", end="")
    print(f"{platform.machine()}: CPU µs per 20 ms frame\n")
    sounds = _sounds()
    print(f"| | {' | '.join(sounds)} |\n|---|{'---|' * len(sounds)}")
    for name, new in _DETECTORS.items():
        cells = [f"{_cost(new, pcm):.2f}" for pcm in sounds.values()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"\ntelephone-event (RFC 4733), parsed and told: {_cost_of_events():.2f} µs per packet")
    return 0


def _decoding() -> _Feed:
    payload = b"\x80" * FRAME
    return lambda _: codecs.decode(payload, Encoding.PCMU)


_DETECTORS: Mapping[str, Callable[[], _Feed]] = {
    "decoding PCMU": _decoding,
    "voice activity": lambda: VoiceActivity(RATE_HZ, DEFAULT_SENSITIVITY).feed,
    "in-band digits": lambda: DigitDetector(RATE_HZ).feed,
}


def _sounds() -> Mapping[str, list[bytes]]:
    """Return a minute of each kind of sound, in frames."""
    random = Random(1)
    rms = rms_at(NOISE_DBM0)
    noise = array("h", (round(random.gauss(0, rms)) for _ in range(FRAME * FRAMES))).tobytes()
    loud = array("h", (round(random.gauss(0, 2000)) for _ in range(FRAME * FRAMES))).tobytes()
    key = digit_tone("5", rate_hz=RATE_HZ, duration_ms=60_000)
    speech = frames(FRAMES / 50, 1, Track.INBOUND, Encoding.PCMU)
    return {
        "silence": _framed(silence(FRAME * FRAMES)),
        f"noise, {NOISE_DBM0:g} dBm0": _framed(noise),
        "speech": [codecs.decode(payload, Encoding.PCMU) for payload in speech],
        "noise, -18 dBm0": _framed(loud),
        "a key held": _framed(key),
    }


def _framed(pcm: bytes) -> list[bytes]:
    size = WIDTH * FRAME
    return [pcm[begin : begin + size] for begin in range(0, len(pcm), size)]


def _cost(new: Callable[[], _Feed], pcm: list[bytes]) -> float:
    """Return µs per frame."""
    costs: list[float] = []
    for _ in range(RUNS):
        feed = new()
        begun = process_time()
        for frame in pcm:
            feed(frame)
        costs.append(process_time() - begun)
    return min(costs) / len(pcm) * 1e6


def _cost_of_events() -> float:
    """Return µs per packet of presses of 100 ms."""
    packets = [
        (struct.pack("!BBH", n % 16, 0x80 * (place > 3) | 10, FRAME * min(place + 1, 5)), 8000 * n)
        for n in range(500)
        for place in range(7)
    ]
    costs: list[float] = []
    for _ in range(RUNS):
        events = TelephoneEvents(RATE_HZ)
        begun = process_time()
        for payload, timestamp in packets:
            events.receive(parse_telephone_event(payload), timestamp)
        costs.append(process_time() - begun)
    return min(costs) / len(packets) * 1e6


if __name__ == "__main__":
    raise SystemExit(main())
