"""A tap at 8 kHz of a call that comes in L16 at another rate, with real sockets."""

from __future__ import annotations

from array import array
from math import cos, pi, sin, sqrt

import pytest
from websockets.asyncio.client import connect

from chalicelib.media import codecs
from chalicelib.media.pcm import interleave
from tests.sink.rig import Rig, run, token, until
from tests.sink.tap_rig import Stage, listening
from tests.streams import stereo
from tests.streams.registered import registered

AMPLITUDE = 8000
LOUD = 500


def _sound(rate_hz: int, *parts: int) -> bytes:
    steps = [2 * pi * hz / rate_hz for hz in parts]
    return array(
        "h", [round(sum(AMPLITUDE * sin(step * n) for step in steps)) for n in range(rate_hz // 2)]
    ).tobytes()


def _amplitude(hz: int, samples: array[int]) -> float:
    step = 2 * pi * hz / 8000
    real = sum(one * cos(step * n) for n, one in enumerate(samples))
    imaginary = sum(one * sin(step * n) for n, one in enumerate(samples))
    return 2 * sqrt(real * real + imaginary * imaginary) / len(samples)


@pytest.mark.parametrize("rate_hz", [11_025, 16_000, 48_000])
def test_a_tap_is_resampled_to_its_own_rate(rate_hz: int) -> None:
    """Its length is right, 1 kHz is as loud as it was, and 5 kHz doesn't come back as an alias."""

    heard = array("h")

    async def scenario() -> None:
        async with Rig().running() as rig, listening() as listener:
            uri = f"ws://127.0.0.1:{rig.port}/{stereo.NAME}/{token()}"
            async with connect(uri, compression=None) as socket:
                await socket.send(stereo.start(rate_hz=rate_hz))
                await until(lambda: rig.control.joinings)
                stage = Stage(rig, socket, call_key="main/streams/c-1")
                await stage.tap(listener.uri, direction="speak", codec="PCMU")
                sounds = _sound(rate_hz, 1017, 5000), _sound(rate_hz, 300)
                # All at once: the tap's clock alone says when it is sent, however busy the machine.
                pairs = interleave(*sounds)
                for begin in range(0, len(pairs), 4001):
                    await socket.send(pairs[begin : begin + 4001])
                await until(lambda: len(listener.heard) > 3900)
                ended = await stage.stop_tap()
                await until(lambda: listener.closed)
                await socket.send(b"")
            await until(lambda: not rig.sink.call_registry.calls, 10)
            assert ended.quality is not None
            assert (0, 0) == (ended.quality.skipped_ms, ended.quality.messages_dropped)
            heard.frombytes(codecs.decode(b"".join(map(bytes, listener.messages)), "PCMU"))  # type: ignore[arg-type]

    with registered():
        run(scenario)

    loud = [place for place, sample in enumerate(heard) if abs(sample) > LOUD]
    sound = heard[loud[0] : loud[-1] + 1]
    assert 4000 == pytest.approx(len(sound), abs=40)
    assert AMPLITUDE == pytest.approx(_amplitude(1017, sound[100:3900]), rel=0.02)
    for hz in (300, 3000):
        assert _amplitude(hz, sound[100:3900]) < AMPLITUDE / 300
