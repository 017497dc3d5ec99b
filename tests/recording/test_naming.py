"""Stored names: a persisted format, so the exact text is the contract."""

from __future__ import annotations

from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.recording import naming

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


def test_prefixes_begin_their_keys() -> None:
    """A listing by prefix finds the keys, and no neighbour's."""

    assert naming.journal_key("w1", 0).startswith(naming.journal_prefix("w1"))
    assert not naming.journal_key("w11", 0).startswith(naming.journal_prefix("w1"))
    assert naming.segment_key(CALL, "w1", 0).startswith(naming.segment_prefix(CALL, "w1"))
    assert naming.segment_prefix(CALL, "w1").startswith(naming.segments_prefix(CALL))
    assert not naming.segments_prefix(CALL + "2").startswith(naming.segments_prefix(CALL))


@settings(deadline=None)
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
    """Starting the same work twice meets the same name."""

    assert f"msg_{RECORDING}_3" == naming.webhook_id(RECORDING, 3)
    assert f"{RECORDING}-1" == naming.finalization_name(RECORDING, 1)
    assert f"msg_{RECORDING}_3-2" == naming.delivery_name(f"msg_{RECORDING}_3", 2)


def test_execution_names_fit() -> None:
    """Step Functions takes up to 80 characters of its own alphabet."""

    assert 80 >= len(naming.delivery_name(naming.webhook_id(RECORDING, 9999), 9999))
