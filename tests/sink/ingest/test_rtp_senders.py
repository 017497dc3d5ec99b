"""Senders that we did not write: every byte of theirs is stored, where it belongs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.sink.rig import Rig, run
from tests.sink.rtp_rig import SPEEDY, Stored, closed, opened, rtp_rig, sender, stored
from tests.sink.senders import ffmpeg, gstreamer, has_gstreamer, noise, replay, run_sender

SECONDS = 1.2
PATIENT = replace(SPEEDY, rtp_silence_s=0.7)


def whole(found: Stored) -> bytes:
    """Return the payload in the order of its positions; there are no holes between them."""
    records = sorted(found.records, key=lambda record: record.first_sample)
    for one, following in pairwise(records):
        assert one.first_sample + one.samples == following.first_sample
    assert {0} == {record.source for record in records}
    return b"".join(record.payload for record in records)


def verify(rig: Rig, payload: bytes, encoding: str) -> None:
    """Compare what was stored with what was sent."""
    found = stored(rig)
    assert payload == whole(found)
    assert {encoding} == {str(record.encoding) for record in found.records}
    assert (0, 0) == (found.head.messages_lost, found.head.messages_refused)


@pytest.mark.parametrize("encoding", ["PCMU", "PCMA"])
def test_ffmpeg(encoding: str, tmp_path: Path) -> None:
    """It sends a first half second at once."""

    async def scenario() -> None:
        rig, file = rtp_rig(PATIENT), tmp_path / "noise"
        file.write_bytes(noise(SECONDS))
        async with rig.running():
            claim = await opened(rig)
            await run_sender(ffmpeg(file, encoding, claim.uri))
            await closed(rig)
        verify(rig, noise(SECONDS), encoding)

    run(scenario)


def test_gstreamer_recorded() -> None:
    """What `rtppcmupay` once sent, in its time: the marker on its first packet changes nothing."""

    async def scenario() -> None:
        rig = rtp_rig(PATIENT)
        async with rig.running():
            claim = await opened(rig)
            async with sender(claim) as carrier:
                payload = await replay(carrier)
                await closed(rig)
        verify(rig, payload, "PCMU")

    run(scenario)


@pytest.mark.parametrize("encoding", ["PCMU", "PCMA"])
def test_gstreamer(encoding: str, tmp_path: Path) -> None:
    """The installed one; where there is none (`make gstreamer`), what it once sent."""

    async def scenario() -> None:
        rig, file = rtp_rig(PATIENT), tmp_path / "noise"
        file.write_bytes(noise(SECONDS))
        async with rig.running():
            claim = await opened(rig)
            if not has_gstreamer():
                async with sender(claim) as carrier:
                    payload, codec = await replay(carrier), "PCMU"
            else:
                await run_sender(gstreamer(file, encoding, claim))
                payload, codec = noise(SECONDS), encoding
            await closed(rig)
        verify(rig, payload, codec)

    run(scenario)
