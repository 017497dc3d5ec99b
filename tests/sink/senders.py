"""Senders of RTP that others wrote, as child processes; and what one of them once sent."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

import imageio_ffmpeg

from chalicelib.recording.rtp_endpoint import PortClaim
from tests.sink.rtp_rig import Sender

RECORDED = Path(__file__).parents[1] / "fixtures" / "rtp" / "gstreamer-rtppcmupay.json"
GST = "gst-launch-1.0"

_FORMATS = {"PCMU": "mulaw", "PCMA": "alaw"}
_PAYERS = {"PCMU": "rtppcmupay", "PCMA": "rtppcmapay"}


def noise(seconds: float, seed: int = 3) -> bytes:
    """Return payload of which no two frames are equal."""
    return Random(seed).randbytes(round(seconds * 8000))


def ffmpeg(file: Path, encoding: str, uri: str) -> list[str]:
    """Return the command that sends a file of payload as it is, 160 bytes a packet."""
    source = ["-f", _FORMATS[encoding], "-ar", "8000", "-ac", "1", "-i", str(file)]
    sink = ["-c:a", "copy", "-f", "rtp", f"{uri}?pkt_size=172"]
    quiet = ["-nostdin", "-hide_banner", "-loglevel", "error"]
    return [imageio_ffmpeg.get_ffmpeg_exe(), *quiet, "-re", *source, *sink]


def gstreamer(file: Path, encoding: str, claim: PortClaim) -> list[str]:
    """Return the pipeline that does the same."""
    parsed = f"rawaudioparse format={_FORMATS[encoding]} sample-rate=8000 num-channels=1"
    paid = f"{_PAYERS[encoding]} min-ptime=20000000 max-ptime=20000000"
    sink = f"udpsink host={claim.host} port={claim.port}"
    return f"{GST} -q filesrc location={file} ! {parsed} ! {paid} ! {sink}".split()


def has_gstreamer() -> bool:
    """Whether it is installed."""
    return shutil.which(GST) is not None


async def run_sender(command: Sequence[str]) -> None:
    """Run a sender to its end."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, complaint = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
    assert 0 == process.returncode, complaint


async def replay(carrier: Sender) -> bytes:
    """Send what GStreamer once sent, when it sent it; return the payload of it."""
    recorded = json.loads(RECORDED.read_text())
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    for sent in recorded["datagrams"]:
        await asyncio.sleep(max(0.0, begun_s + sent["at_ms"] / 1000 - loop.time()))
        carrier.send(bytes.fromhex(sent["hex"]))
    return noise(recorded["seconds"])
