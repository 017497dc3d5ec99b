"""Stored names: a persisted format, so the exact text is the contract."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.recording import keys as naming

CALL = "main/bandwidth/c-1"
RECORDING = "6f2b0c4e-0000-5000-8000-000000000000"


def test_s3_keys() -> None:
    """Journal, segments, renditions and manifests lie where DESIGN 5 says."""

    assert "journal/w1/0000000042" == naming.journal_key("w1", 42)
    assert "segments/main/bandwidth/c-1/w1/000007" == naming.segment_key(CALL, "w1", 7)
    assert f"recordings/main/{RECORDING}/recording.wav" == naming.rendition_key(
        "main", RECORDING, "wav"
    )
    assert f"recordings/a%2Fb/{RECORDING}/manifest.json" == naming.manifest_key("a/b", RECORDING)


@pytest.mark.parametrize(
    ("extension", "content_type"),
    [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("mp4", "audio/mp4")],
)
def test_a_stored_file_has_its_media_type(extension: str, content_type: str) -> None:
    """By its key; manifests and proofs are JSON."""

    assert content_type == naming.content_type(naming.rendition_key("main", RECORDING, extension))
    assert "application/json" == naming.content_type(naming.proof_key("main", RECORDING))


def test_prefixes_begin_their_keys() -> None:
    """A listing by prefix finds the keys, and no neighbour's."""

    assert naming.journal_key("w1", 0).startswith(naming.journal_prefix("w1"))
    assert not naming.journal_key("w11", 0).startswith(naming.journal_prefix("w1"))
    assert naming.segment_key(CALL, "w1", 0).startswith(naming.segment_prefix(CALL, "w1"))
    assert naming.segment_prefix(CALL, "w1").startswith(naming.segments_prefix(CALL))
    assert not naming.segments_prefix(CALL + "2").startswith(naming.segments_prefix(CALL))


@given(parts=st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]), min_size=1)] * 3))
def test_a_call_key_is_three_segments_that_give_the_parts_back(
    parts: tuple[str, str, str],
) -> None:
    """Whatever a carrier calls a call, its key is safe in a path, and two calls never share one."""
    key = naming.call_key(*parts)

    assert key.isascii()
    assert list(parts) == [unquote(part) for part in key.split("/")]


def test_keys_sort_by_number() -> None:
    """The order of keys is the order of numbers."""
    numbers = [0, 9, 10, 99_999]

    assert sorted(keys := [naming.segment_key(CALL, "w1", n) for n in numbers]) == keys
    assert sorted(keys := [naming.journal_key("w1", n) for n in numbers]) == keys


def test_ids_are_derived() -> None:
    """The same request gives the same id, for ever; another call, round or control id another."""

    assert "2f37a758-ac55-545e-b014-100df94de3d8" == naming.default_control_id(CALL, 1)
    assert "68329e40-302d-578f-9bdf-cbb913108ec6" == naming.late_control_id(CALL, 1)
    assert "036a391b-3ce2-5a85-86b0-a1a5205c34ab" == naming.recording_id(CALL, "control-1")
    assert "swml:42eeb380-b98d-5d1a-818c-5221f3138392" == naming.event_channel(CALL)
    assert naming.default_control_id(CALL, 1) != naming.default_control_id(CALL, 2)
    assert naming.recording_id(CALL, "a") != naming.recording_id(CALL + "2", "a")


def test_a_tap_is_no_recording() -> None:
    """One control id names a tap and a recording of a call, each by an id of its own."""
    ids = {naming.tap_id("a/b/c", "one"), naming.recording_id("a/b/c", "one")}

    assert 2 == len(ids)
    assert naming.tap_id("a/b/c", "one") in ids


def test_names_of_callbacks_and_executions() -> None:
    """Starting the same work twice meets the same name; another attempt, or round, has its own."""

    assert f"msg_{RECORDING}_3" == naming.webhook_id(RECORDING, 3)
    assert f"{RECORDING}-1" == naming.finalization_name(RECORDING, 1)
    assert f"{RECORDING}-2" == naming.finalization_name(RECORDING, 2)
    assert f"msg_{RECORDING}_3-2" == naming.delivery_name(f"msg_{RECORDING}_3", 2)


def test_execution_names_fit() -> None:
    """Step Functions takes up to 80 characters of its own alphabet."""

    assert 80 >= len(naming.delivery_name(naming.webhook_id(RECORDING, 9999), 9999))


@given(parts=st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]), min_size=1)] * 3))
def test_a_call_key_can_be_read_back(parts: tuple[str, str, str]) -> None:
    """Whatever its parts are made of."""

    assert parts == naming.call_parts(naming.call_key(*parts))


def test_a_text_that_is_no_call_key_is_refused() -> None:
    """It has three parts, no more and no less."""

    for text in ("main/bandwidth", "main/bandwidth/c/1"):
        with pytest.raises(ValueError, match="unpack"):
            naming.call_parts(text)


def test_a_journal_object_s_number_can_be_read_back() -> None:
    """From its key."""

    key = naming.journal_key("w-1", 1234)
    assert [1234, 1234] == [
        naming.journal_number(one) for one in (key, naming.redacted_key(key, 0xBEEF))
    ]


def test_what_takes_an_objects_place_sorts_between_its_neighbours() -> None:
    """Whatever else its call's id is made of; redacted again, it takes the same place."""
    call = naming.call_key("main", "bandwidth", "c.1")
    keys = [naming.segment_key(call, "w-1", number) for number in (5, 6)]
    redacted = naming.redacted_key(keys[0], 0xBEEF)

    assert f"{keys[0]}.0000beef" == redacted
    assert [keys[0], redacted, keys[1]] == sorted([*keys, redacted])
    assert f"{keys[0]}.00000001" == naming.redacted_key(redacted, 1)


def test_a_carrier_s_recording_is_told_from_ours_of_the_same_control_id() -> None:
    """A customer may name both alike."""

    assert naming.recording_id("c", "main") != naming.carrier_recording_id("c", "main")
