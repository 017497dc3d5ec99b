"""A call recorded end to end; its proof, audio and segments, compared as an auditor does."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.proof import pem_of
from infra.local.ports import choose_port
from infra.paths import ROOT
from simulator import sources
from simulator.player import Played, play
from simulator.socket import Setup
from tests.e2e.stage import Stage, Worker, until
from tests.e2e.tries import Tries

pytestmark = pytest.mark.e2e

TRACKS = (Track.INBOUND, Track.OUTBOUND)


@pytest.fixture(scope="module")
def recordings(stage: Stage) -> Tries[dict[str, Any]]:
    """Finished recordings of calls of six seconds."""

    def make() -> dict[str, Any]:
        with stage.worker("proof", choose_port(""), {}) as worker:
            return record(stage, worker)

    return Tries(make)


@pytest.fixture
def recording(recordings: Tries[dict[str, Any]], request: pytest.FixtureRequest) -> dict[str, Any]:
    """The recording of this try."""
    return recordings.of(request)


def record(stage: Stage, worker: Worker) -> dict[str, Any]:
    """Play the call; return its recording."""
    told, call_id = stage.instructions("bandwidth", stereo=True), stage.fresh("proven")
    setup = Setup(
        stream_url=worker.at(told["stream_url"]),
        call_id=call_id,
        tracks=TRACKS,
        encoding=Encoding.PCMU,
    )
    said = sources.of_speech(TRACKS, Encoding.PCMU, 6, seed=1)
    asyncio.run(play(Played(dialect="bandwidth", setup=setup, sources=said)))
    ended = stage.await_ended(call_id, within_s=90)
    assert "finished" == ended["state"], ended
    return ended


def take(stage: Stage, recording_id: str, folder: Path) -> None:
    """Download what an auditor needs: proof, audio, stored objects; the key from who runs it."""
    customer, path = stage.customer, f"/v1/recordings/{recording_id}"
    for name in ("proof", "download"):
        (folder / name).write_bytes(customer.download(f"{customer.api_url}{path}/{name}"))
    kms = boto3.client("kms", **stage.aws.client_options)
    key = kms.get_public_key(KeyId=stage.stack.environment["TAPEDECK_SIGNING_KEY_ID"])
    (folder / "key.pem").write_text(pem_of(key["PublicKey"]))
    s3, bucket = boto3.client("s3", **stage.aws.client_options), "TAPEDECK_MEDIA_BUCKET"
    manifest = json.loads(json.loads((folder / "proof").read_text())["manifest"])
    for link in manifest["chain"]:
        stored = s3.get_object(Bucket=stage.stack.environment[bucket], Key=link["key"])
        (folder / "media" / link["key"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / "media" / link["key"]).write_bytes(stored["Body"].read())


def verified(folder: Path, *audio: str) -> tuple[int, str]:
    """Run the program offline; return its exit code and what it says."""
    paths = [str(folder / name) for name in ("proof", *audio)]
    options = ["--key", str(folder / "key.pem"), "--media", str(folder / "media")]
    command = [sys.executable, "-m", "infra.verify", *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env={})
    return done.returncode, done.stdout + done.stderr


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    body = bytearray(path.read_bytes())
    body[at] ^= 1
    path.write_bytes(body)


def test_a_recording_is_proven_and_a_flipped_bit_is_told(
    stage: Stage, recording: dict[str, Any], tmp_path: Path
) -> None:
    """Signed by the deployment's key; audio and segments as signed; one bit is seen in either."""

    take(stage, recording["recording_id"], tmp_path)

    code, said = verified(tmp_path, "download")
    assert (0, True) == (code, "chain: over" in said), said

    flip(tmp_path / "download", 40_000)
    code, said = verified(tmp_path, "download")
    assert (1, True) == (code, "ALTERED  download" in said), said
    flip(tmp_path / "download", 40_000)
    segment = next(path for path in (tmp_path / "media").rglob("*") if path.is_file())
    flip(segment, 4_000)
    code, said = verified(tmp_path, "download")
    assert (1, True) == (code, f"ALTERED  {segment.relative_to(tmp_path / 'media')}" in said), said


def test_another_rendition_is_proven_beside_the_first(
    stage: Stage, recording: dict[str, Any], tmp_path: Path
) -> None:
    """The new proof is of both; what the old one says is still true."""

    customer, path = stage.customer, f"/v1/recordings/{recording['recording_id']}"
    take(stage, recording["recording_id"], tmp_path)
    old = (tmp_path / "proof").read_bytes()
    customer.ask("POST", f"{path}/renditions", b'{"format": "mp3"}')
    assert until(lambda: customer.get(path)["making"] is None, within_s=60)

    take(stage, recording["recording_id"], tmp_path)
    mp3 = customer.download(f"{customer.api_url}{path}/download?format=mp3")
    (tmp_path / "recording.mp3").write_bytes(mp3)

    assert 0 == verified(tmp_path, "download", "recording.mp3")[0]
    (tmp_path / "proof").write_bytes(old)
    assert [0, 1] == [verified(tmp_path, name)[0] for name in ("download", "recording.mp3")]
