"""What an auditor has: a proof, audio, stored objects, a key that is trusted."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.recording import keys
from chalicelib.recording.proof import pem_of
from chalicelib.services.finalization.prove import prove
from infra import verify
from tests.assembling import MANIFEST_KEY, RECORDING, World
from tests.captured import two_tracks
from tests.fake_signer import FakeSigner

Json = dict[str, Any]


@dataclass
class Case:
    """What an auditor has in a folder."""

    folder: Path

    def run(self, *more: str, trusted: bool = True) -> int:
        """Verify the audio with the trusted key; return the exit code."""
        key = ["--key", str(self.folder / "key.pem")] if trusted else []
        return verify.main([*self.files(), *key, *more])

    def files(self) -> list[str]:
        """Return the paths of the proof and the audio."""
        return [str(self.folder / "proof.json"), str(self.folder / "recording.wav")]

    def media(self) -> list[str]:
        """Return the option that names the stored objects."""
        return ["--media", str(self.folder / "media")]

    def proof(self, change: Callable[[Json], None]) -> None:
        """Change the proof."""
        path = self.folder / "proof.json"
        proof = json.loads(path.read_text())
        change(proof)
        path.write_text(json.dumps(proof))

    def manifest(self, change: Callable[[Json], None], *, signed: bool = False) -> None:
        """Change the manifest in the proof; `signed`: the signer is an accomplice."""

        def changed(proof: Json) -> None:
            manifest = json.loads(proof["manifest"])
            change(manifest)
            proof["manifest"] = json.dumps(manifest)
            if signed:
                digest = hashlib.sha256(proof["manifest"].encode()).digest()
                proof["signature"] = base64.b64encode(FakeSigner().sign(digest)).decode()

        self.proof(changed)


def a_case(folder: Path) -> Case:
    """A recording of three segments, as downloaded."""
    world, signer = World(), FakeSigner()
    tape = world.tape()
    for second in range(3):
        two_tracks(tape, 1, from_s=second, seed=2 * second)
        tape.close_segment()
    world.record([tape.row()])
    world.assemble()
    prove(RECORDING, world.renditions.get_text(MANIFEST_KEY), world.renditions, signer)
    (folder / "recording.wav").write_bytes(world.file())
    proof = world.renditions.get_text(keys.proof_key("main", "r-1"))
    (folder / "proof.json").write_text(proof, "utf-8")
    (folder / "key.pem").write_text(pem_of(signer.public_key().der))
    (folder / "other.pem").write_text(pem_of(FakeSigner("other").public_key().der))
    for key in world.manifest().objects:
        path = folder / "media" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(world.media.objects[key])
    return Case(folder)


def segments(case: Case) -> list[Path]:
    """Return the files of the stored objects."""
    return sorted(path for path in (case.folder / "media").rglob("*") if path.is_file())


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    body = bytearray(path.read_bytes())
    body[at] ^= 1
    path.write_bytes(body)
