"""Signing: what a recording is published with can be compared years later, by anybody.

Signatures differ each time, manifests don't: a proof that is there and fits is left alone.
"""

from __future__ import annotations

import base64

from chalicelib.errors import CorruptContainer, NotFound
from chalicelib.ports.aws import RenditionStore, Signer
from chalicelib.recording import keys
from chalicelib.recording.model import Recording
from chalicelib.recording.proof import Proof, digest_of, encode_proof, parse_proof, pem_of
from chalicelib.services.finalization.assemble import object_tags


def prove(recording: Recording, manifest: str, store: RenditionStore, signer: Signer) -> None:
    """Have a recording's manifest signed, and store both as its proof; the same text twice is
    signed once. Raises Unavailable."""
    key = keys.proof_key(recording.call.account, recording.recording_id)
    public = signer.public_key()
    if _proves(key, manifest, public.key_id, store):
        return
    proof = Proof(
        recording_id=recording.recording_id,
        manifest=manifest,
        key_id=public.key_id,
        public_key=pem_of(public.der),
        signature=base64.b64encode(signer.sign(digest_of(manifest))).decode(),
    )
    store.put_text(key, encode_proof(proof), object_tags(recording))


def _proves(key: str, manifest: str, key_id: str, store: RenditionStore) -> bool:
    """Whether a proof of this manifest, signed with this key, is stored."""
    try:
        proof = parse_proof(store.get_text(key))
    except (NotFound, CorruptContainer):
        return False
    return (proof.manifest, proof.key_id) == (manifest, key_id)
