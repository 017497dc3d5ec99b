"""What proving adds to a finalization: `python -m bench.proof`.

One run: an hour of a two-track call is finalized as WAV, the format that costs least, and what
proving does of that is done again by itself: hashing each stored object, the chain, the manifest's
digest, the proof's text. KMS isn't in it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import cast

from bench.captured_call import FolderMediaStore, FolderRenditionStore, OneRow, write_call
from bench.finalization import machine
from chalicelib.adapters.encoder import FileEncoder
from chalicelib.ports.rows import Calls, Recordings
from chalicelib.recording.chain import chained
from chalicelib.recording.manifest import parse_manifest
from chalicelib.recording.model import Format, RecordOptions
from chalicelib.recording.proof import Proof, digest_of, encode_proof, parse_proof
from chalicelib.services.finalization.assemble import assemble

_MINUTES = 60
_RUNS = 5


def main() -> int:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as made:
        write_call(Path(folder), _MINUTES)
        media, renditions = FolderMediaStore(Path(folder)), FolderRenditionStore(Path(made))
        finalizing = _least(lambda: _finalize(media, renditions))
        text = renditions.manifest()
        keys = parse_manifest(text).objects
        bodies = [media.get(key) for key in keys]
        proving = _least(lambda: _prove(keys, bodies, text))
    size = sum(len(body) for body in bodies)
    print(f"Proving on {machine()}, the least CPU of {_RUNS} runs\n")
    print("| call | stored | manifest | finalization | of that its proof |\n|---|---|---|---|---|")
    print(f"| 1 h, stereo WAV | {len(keys)} objects, {size / 1e6:.1f} MB", end="")
    print(f" | {len(text) / 1000:.0f} kB | {finalizing:.2f} s", end="")
    print(f" | {1000 * proving:.0f} ms, {100 * proving / finalizing:.1f} % |")
    return 0


def _least(step: Callable[[], None]) -> float:
    """Return the least CPU seconds of some runs."""
    taken = []
    for _ in range(_RUNS):
        begun = process_time()
        step()
        taken.append(process_time() - begun)
    return min(taken)


def _finalize(media: FolderMediaStore, renditions: FolderRenditionStore) -> None:
    row = OneRow(RecordOptions(stereo=True, format=Format.WAV))
    assemble(
        "r-bench",
        1,
        recordings=cast(Recordings, row),
        calls=cast(Calls, row),
        media=media,
        renditions=renditions,
        encoder=FileEncoder(),
        now=lambda: datetime.now(UTC),
    )


def _prove(keys: tuple[str, ...], bodies: list[bytes], manifest: str) -> None:
    """Do what Assemble and Publish do for a proof, and read it as a repetition does."""
    digests = [hashlib.sha256(body).digest() for body in bodies]
    chained("r-bench", zip(keys, digests, strict=True))
    digest_of(manifest)
    proof = Proof(
        recording_id="r-bench", manifest=manifest, key_id="k", public_key="p", signature="s"
    )
    parse_proof(encode_proof(proof))


if __name__ == "__main__":
    raise SystemExit(main())
