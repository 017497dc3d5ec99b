"""What is published is signed first."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from chalicelib.errors import CorruptContainer, Unavailable
from chalicelib.recording import keys
from chalicelib.services.finalization.publish import publish
from tests.fake_signer import FakeSigner, proven
from tests.services.finalization.test_publish import SIZE, Publisher, a_rendition, again


class _SilentSigner(FakeSigner):
    """KMS, out of reach."""

    def sign(self, sha256: bytes) -> bytes:
        """Sign nothing."""
        raise Unavailable("sign: ThrottlingException")


class TestProving:
    """What publishing signs."""

    def test_signs_the_stored_manifest(self) -> None:
        """The proof holds the manifest as it is stored, and a good signature over it."""

        publisher = Publisher(retention_days=30)
        publisher.assembled()
        publish(publisher.recording_id, publisher.needs)
        proof = proven(publisher.store.objects, "main", publisher.recording_id)
        manifest = publisher.store.get_text(keys.manifest_key("main", publisher.recording_id))
        assert (publisher.recording_id, manifest) == (proof.recording_id, proof.manifest)
        assert ("key-1", "ECDSA_SHA_256") == (proof.key_id, proof.algorithm)
        key = keys.proof_key("main", publisher.recording_id)
        assert {"retention_days": "30"} == publisher.store.tags[key]

    def test_finishes_nothing_unsigned(self) -> None:
        """While nobody signs, the recording stays in finalizing, and nobody is told."""

        publisher = Publisher()
        publisher.assembled()
        needs = replace(publisher.needs, signer=_SilentSigner())
        with pytest.raises(Unavailable):
            publish(publisher.recording_id, needs)
        assert (["finalizing"], ["recording"]) == (
            publisher.desk.states(),
            publisher.desk.told(),
        )

    def test_signs_nothing_that_the_store_contradicts(self) -> None:
        """A manifest that isn't believed isn't signed."""

        publisher = Publisher()
        publisher.assembled(renditions=(a_rendition(size=SIZE + 1),))
        with pytest.raises(CorruptContainer):
            publish(publisher.recording_id, publisher.needs)
        assert [] == publisher.signer.signed

    def test_stores_the_proof_before_the_state(self) -> None:
        """Who sees `finished` finds a proof."""

        publisher = Publisher()
        publisher.assembled()
        begun = publisher.desk.core.faults.calls
        publish(publisher.recording_id, publisher.needs)
        key = keys.proof_key("main", publisher.recording_id)
        for n in range(1, publisher.desk.core.faults.calls - begun + 1):
            cut = Publisher()
            cut.assembled()
            cut.desk.core.faults.after(n)
            with suppress(Unavailable):
                publish(cut.recording_id, cut.needs)
            assert cut.desk.states() == ["finalizing"] or key in cut.store.objects, n

    def test_the_last_proof_is_of_the_last_manifest(self) -> None:
        """Another execution that overtakes this one anywhere isn't undone by it."""

        for n in range(1, 12):
            publisher = Publisher()
            publisher.assembled()
            publisher.desk.core.faults.meanwhile(n, lambda p=publisher: p.overtake())  # type: ignore[misc]
            again(lambda p=publisher: publish(p.recording_id, p.needs))  # type: ignore[misc]
            if publisher.overtaken:
                proof = proven(publisher.store.objects, "main", publisher.recording_id)
                assert publisher.overtaken == proof.manifest, n
