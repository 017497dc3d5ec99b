"""Signing a manifest, again and again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from chalicelib.errors import Unavailable
from chalicelib.recording import keys
from chalicelib.recording.model import State
from chalicelib.services.finalization.prove import prove
from tests.fake_signer import FakeSigner, proven
from tests.fakes import Faults
from tests.fakes_media import FakeRenditionStore
from tests.samples import a_recording

RECORDING = a_recording(state=State.FINALIZING)
KEY = keys.proof_key("main", RECORDING.recording_id)
MANIFEST = '{"recording_id": "ä"}\n'


def test_the_same_manifest_is_signed_once() -> None:
    """A repetition finds its proof and leaves it as it is."""

    store, signer = FakeRenditionStore(), FakeSigner()

    for _ in range(3):
        prove(RECORDING, MANIFEST, store, signer)

    assert ([KEY], 1) == (store.writes, len(signer.signed))
    assert MANIFEST == proven(store.objects, "main", RECORDING.recording_id).manifest


def test_another_manifest_takes_the_place_of_the_first() -> None:
    """Both in one object: nobody reads the one's text with the other's signature."""

    store, signer = FakeRenditionStore(), FakeSigner()
    prove(RECORDING, MANIFEST, store, signer)

    prove(RECORDING, "another", store, signer)

    assert "another" == proven(store.objects, "main", RECORDING.recording_id).manifest


def test_a_new_key_signs_anew() -> None:
    """After the deployment's key was replaced, what is made again is signed by the new one."""

    store = FakeRenditionStore()
    prove(RECORDING, MANIFEST, store, FakeSigner())

    prove(RECORDING, MANIFEST, store, FakeSigner(key_id="key-2"))

    assert "key-2" == proven(store.objects, "main", RECORDING.recording_id).key_id


def test_rubbish_in_its_place_is_replaced() -> None:
    """What isn't a proof counts as none."""

    store = FakeRenditionStore(objects={KEY: b"rubbish"})

    prove(RECORDING, MANIFEST, store, FakeSigner())

    assert MANIFEST == proven(store.objects, "main", RECORDING.recording_id).manifest


def test_the_proof_goes_when_the_recording_goes() -> None:
    """It expires with the audio, and lies where erasing looks."""

    store = FakeRenditionStore()

    prove(replace(RECORDING, retention_days=7), MANIFEST, store, FakeSigner())

    assert {KEY: {"retention_days": "7"}} == store.tags
    assert KEY.startswith(keys.recording_prefix("main", RECORDING.recording_id))


@pytest.mark.parametrize("acts", [False, True])
def test_a_death_at_any_call_leaves_no_lie(acts: bool) -> None:
    """Whatever dies, the stored proof is whole or not there; repeating ends it."""

    for n in range(1, 5):
        store, faults = FakeRenditionStore(), Faults()
        (faults.after if acts else faults.before)(n)
        with suppress(Unavailable):
            prove(RECORDING, MANIFEST, faults.wrap(store), faults.wrap(FakeSigner()))
        if store.objects:
            proven(store.objects, "main", RECORDING.recording_id)
        prove(RECORDING, MANIFEST, store, FakeSigner())
        assert MANIFEST == proven(store.objects, "main", RECORDING.recording_id).manifest
