"""Compare a downloaded recording with its proof, offline, and say what was altered.

    python -m infra.verify proof.json recording.wav --key key.pem [--media FOLDER]

This file needs `cryptography` and nothing of Tapedeck: copy it anywhere.
`docs/explanation/proof.md` says what is proven. Exit code 0: nothing of what was given is altered,
and a key that you trust has signed it; 1: something is altered or missing; 2: it can't be told.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

CHAIN_BEGIN = b"tapedeck chain 1\0"
ALGORITHM = "ECDSA_SHA_256"


class Verdict(StrEnum):
    """What was found about a thing."""

    OK = "ok"
    ALTERED = "ALTERED"
    MISSING = "MISSING"
    UNKNOWN = "UNKNOWN"
    """nothing speaks against it, and nobody vouches for it"""
    NOTE = "note"


BAD = (Verdict.ALTERED, Verdict.MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A thing, what was found about it, and how that is seen."""

    verdict: Verdict
    what: str
    fact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The key that an auditor believes in: itself, or its fingerprint; neither: not known."""

    key: bytes = b""
    """SubjectPublicKeyInfo, DER"""
    fingerprint: str = ""
    """its SHA-256; hex"""


class Unreadable(Exception):
    """A file that isn't what it should be."""


def verify(
    proof: dict[str, Any], audio: list[Path], media: Path | None, trust: Trust
) -> list[Finding]:
    """Return what was found, in the order of what it rests on. Raises Unreadable."""
    try:
        manifest = json.loads(proof["manifest"])
        return [
            *_signature(proof, trust),
            *_names(proof, manifest),
            *(finding for path in audio for finding in _audio(path, manifest)),
            *_chain(manifest),
            *(_media(manifest, media) if media else ()),
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable(f"the proof is none: {type(error).__name__} {error}") from error


def fingerprint_of(der: bytes) -> str:
    """Return the SHA-256 of a public key, hex."""
    return hashlib.sha256(der).hexdigest()


def der_of(pem: bytes) -> bytes:
    """Return a PEM file's public key. Raises Unreadable."""
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError as error:
        raise Unreadable("the key is no public key in PEM") from error
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _signature(proof: dict[str, Any], trust: Trust) -> Iterator[Finding]:
    named = der_of(proof["public_key"].encode())
    key, wanted = trust.key or named, trust.fingerprint or fingerprint_of(trust.key or named)
    name = f"key {fingerprint_of(key)}"
    if fingerprint_of(key) != wanted:
        yield Finding(verdict=Verdict.ALTERED, what="signer", fact=f"{name}, not {wanted}")
    if _is_signed(proof, key):
        yield Finding(verdict=Verdict.OK, what="signature", fact=f"of the manifest, by {name}")
    elif key != named and _is_signed(proof, named):
        fact = f"by another key than yours: {fingerprint_of(named)}"
        yield Finding(verdict=Verdict.ALTERED, what="signer", fact=fact)
    else:
        fact = "the manifest or its signature; what follows compares with what nobody vouches for"
        yield Finding(verdict=Verdict.ALTERED, what="signature", fact=fact)
    if trust == Trust():
        fact = f"is {name} the recorder's? Ask its operator, then give --key or --fingerprint"
        yield Finding(verdict=Verdict.UNKNOWN, what="signer", fact=fact)


def _is_signed(proof: dict[str, Any], der: bytes) -> bool:
    key = serialization.load_der_public_key(der)
    if proof["algorithm"] != ALGORITHM or not isinstance(key, ec.EllipticCurvePublicKey):
        raise Unreadable(f"signed with {proof['algorithm']}: this program knows {ALGORITHM} only")
    try:
        signature = base64.b64decode(proof["signature"], validate=True)
        key.verify(signature, proof["manifest"].encode(), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _names(proof: dict[str, Any], manifest: dict[str, Any]) -> Iterator[Finding]:
    if proof["recording_id"] != manifest["recording_id"]:
        fact = f"the proof names {proof['recording_id']}, signed was {manifest['recording_id']}"
        yield Finding(verdict=Verdict.ALTERED, what="recording", fact=fact)
    call = manifest["call"]
    fact = f"{manifest['recording_id']} of {call['carrier']} call {call['call_id']}"
    yield Finding(verdict=Verdict.NOTE, what="recording", fact=fact)
    for gap in manifest["gaps"]:
        fact = f"{gap['duration_ms']} ms {gap['track']} at {gap['offset_ms']} ms: {gap['reason']}"
        yield Finding(verdict=Verdict.NOTE, what="gap", fact=fact)


def _audio(path: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    size, sha256 = path.stat().st_size, _sha256_of(path)
    made = _rendition(path, sha256, manifest["renditions"])
    if made is None:
        formats = ", ".join(one["format"] for one in manifest["renditions"])
        fact = f"it is none of what was signed: {formats}"
        yield Finding(verdict=Verdict.ALTERED, what=path.name, fact=fact)
    elif size != made["size"]:
        fact = f"it has {size} bytes, and had {made['size']} when it was signed"
        yield Finding(verdict=Verdict.ALTERED, what=path.name, fact=fact)
    elif sha256 != made["sha256"]:
        fact = f"as long as it was, other bytes: its SHA-256 is {sha256}, and was {made['sha256']}"
        yield Finding(verdict=Verdict.ALTERED, what=path.name, fact=fact)
    else:
        fact = f"the {made['format']} that was signed: {size} bytes, SHA-256 {sha256}"
        yield Finding(verdict=Verdict.OK, what=path.name, fact=fact)


def _rendition(path: Path, sha256: str, made: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what a file claims to be: the rendition that it is, that of its name, or the only."""
    same = [one for one in made if one["sha256"] == sha256]
    named = [one for one in made if one["format"] == path.suffix.removeprefix(".").lower()]
    return next(iter(same or named or (made if len(made) == 1 else [])), None)


def _chain(manifest: dict[str, Any]) -> Iterator[Finding]:
    links = manifest.get("chain", [])
    value = hashlib.sha256(CHAIN_BEGIN + manifest["recording_id"].encode()).digest()
    for link in links:
        value = hashlib.sha256(
            value + link["key"].encode() + bytes.fromhex(link["sha256"])
        ).digest()
        if value.hex() != link["chain"]:
            fact = f"it breaks at {link['key']}: there, or before it, a link is altered or missing"
            yield Finding(verdict=Verdict.ALTERED, what="chain", fact=fact)
            return
    if [link["key"] for link in links] != manifest["objects"] and links:
        fact = "it isn't over the objects that the manifest lists"
        yield Finding(verdict=Verdict.ALTERED, what="chain", fact=fact)
        return
    yield from _heads(manifest, value.hex() if links else "", len(links))


def _heads(manifest: dict[str, Any], head: str, count: int) -> Iterator[Finding]:
    heads = {one["format"]: one.get("chain", "") for one in manifest["renditions"]}
    if head and head not in heads.values():
        yield Finding(verdict=Verdict.ALTERED, what="chain", fact="no rendition ends it")
        return
    if head:
        yield Finding(verdict=Verdict.OK, what="chain", fact=f"over {count} stored objects")
    if manifest.get("fetched"):
        fact = "none: the carrier's own file, as it was fetched"
        yield Finding(verdict=Verdict.NOTE, what="chain", fact=fact)
        return
    for format_ in sorted(one for one, its in heads.items() if its != head or not its):
        fact = f"the {format_} was made from stored objects that it doesn't list"
        yield Finding(verdict=Verdict.NOTE, what="chain", fact=fact)


def _media(manifest: dict[str, Any], folder: Path) -> Iterator[Finding]:
    for link in manifest.get("chain", []):
        path = folder / link["key"]
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            fact = f"not in {folder}"
            yield Finding(verdict=Verdict.MISSING, what=link["key"], fact=fact)
        elif (sha256 := _sha256_of(path)) != link["sha256"]:
            fact = f"its SHA-256 is {sha256}, and was {link['sha256']}"
            yield Finding(verdict=Verdict.ALTERED, what=link["key"], fact=fact)
        else:
            yield Finding(verdict=Verdict.OK, what=link["key"], fact=f"SHA-256 {sha256}")


def _sha256_of(path: Path) -> str:
    with path.open("rb") as body:
        return hashlib.file_digest(body, "sha256").hexdigest()


def main(arguments: list[str]) -> int:
    """Print the findings; return the exit code."""
    given = _parse(arguments)
    try:
        proof = json.loads(given.proof.read_text("utf-8"))
        trust = Trust(
            key=der_of(given.key.read_bytes()) if given.key else b"",
            fingerprint=given.fingerprint.replace(":", "").strip().lower(),
        )
        findings = verify(proof, given.audio, given.media, trust)
    except (OSError, ValueError, Unreadable) as error:
        print(f"It can't be told: {error}", file=sys.stderr)
        return 2
    for finding in findings:
        print(f"{finding.verdict:<8} {finding.what}: {finding.fact}")
    return _conclude({finding.verdict for finding in findings})


def _conclude(verdicts: set[Verdict]) -> int:
    if verdicts & set(BAD):
        print("\nNot as it was signed.")
        return 1
    if Verdict.UNKNOWN in verdicts:
        print("\nNothing is altered since it was signed; by whom, you haven't said.")
        return 2
    print("\nAs it was signed.")
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="verify", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("proof", type=Path, help="what GET /v1/recordings/{id}/proof gave")
    parser.add_argument("audio", type=Path, nargs="*", help="downloads of the recording")
    parser.add_argument("--key", type=Path, help="the public key that you trust, PEM")
    parser.add_argument("--fingerprint", default="", help="or its SHA-256: of the DER, hex")
    parser.add_argument("--media", type=Path, help="a folder with the stored objects by their keys")
    return parser.parse_intermixed_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
