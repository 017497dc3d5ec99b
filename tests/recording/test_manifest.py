"""The manifest: everything about a recording, the same text every time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.placing import place
from chalicelib.errors import CorruptContainer
from chalicelib.recording.manifest import Manifest, describe, encode_manifest, parse_manifest
from chalicelib.recording.model import (
    CallRef,
    Ending,
    Format,
    Interval,
    Recording,
    RecordOptions,
    Rendition,
    State,
    Stream,
)
from chalicelib.recording.rendition_plan import plan
from tests.capture.facts import OPENED_US, entry, head, record

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
CALL = CallRef(account="main", carrier="bandwidth", call_id="c-1")
RECORDING = Recording(
    recording_id="r-1",
    call=CALL,
    control_id="control-1",
    state=State.FINALIZING,
    version=3,
    round=1,
    options=RecordOptions(stereo=True, format=Format.MP3),
    profile="sales",
    labels={"b": "2", "a": "1"},
    created_at=AT,
    started_at=AT,
    ended_at=AT,
    intervals=(Interval(to_us=OPENED_US + 2_020_000),),
    reason="call_closed",
)
STREAM = Stream(
    call=CALL,
    stream_key="s1",
    carrier_stream_id="s-1",
    round=1,
    worker="w1",
    dialect="bandwidth",
    tracks=(Track.INBOUND, Track.OUTBOUND),
    encoding=Encoding.PCMU,
    rate_hz=8000,
    opened_at=AT,
    journal_from=0,
    ended_at=AT,
    ending=Ending.STOPPED,
    complete=True,
)
MP3 = Rendition(
    format=Format.MP3,
    key="recordings/main/r-1/recording.mp3",
    size=2,
    duration_ms=1000,
    channels=2,
    sha256="ab",
    created_at=AT,
)
WAV = replace(MP3, format=Format.WAV, key="recordings/main/r-1/recording.wav", size=3)


def manifest(*renditions: Rendition, recording: Recording = RECORDING) -> Manifest:
    """Return the manifest of a call whose outbound track came half a second late."""
    counted = msgspec.structs.replace(
        head(), messages_received=75, messages_lost=4, messages_refused=1
    )
    records = [record(0), record(0, 4000, track=Track.OUTBOUND, late_ms=520)]
    timeline = place([counted], [entry(one) for one in records])
    made = plan(timeline, [counted], recording.options, recording.intervals)
    return describe(
        recording, [STREAM, replace(STREAM, stream_key="s2")], [counted], timeline, made, renditions
    )


def test_tells_what_is_known() -> None:
    """Ids, options, clock, streams with their counts, gaps, quality, renditions and objects."""
    told = json.loads(encode_manifest(manifest(MP3)))

    assert {
        "version": 1,
        "recording_id": "r-1",
        "control_id": "control-1",
        "call": {"account": "main", "carrier": "bandwidth", "call_id": "c-1", "round": 1},
        "profile": "sales",
        "labels": {"a": "1", "b": "2"},
        "started_at": "2026-03-01T12:00:00.123456Z",
        "reason": "call_closed",
        "intervals": [{"from_us": None, "to_us": OPENED_US + 2_020_000, "silent": False}],
        "origin_us": OPENED_US + 20_000,
        "rate_hz": 8000,
        "samples": 8000,
        "note": "",
        "gaps": [
            {"track": "outbound", "offset_ms": 0.0, "duration_ms": 500.0, "reason": "late_track"}
        ],
        "renditions": [
            {
                "format": "mp3",
                "key": "recordings/main/r-1/recording.mp3",
                "size": 2,
                "duration_ms": 1000,
                "channels": 2,
                "sha256": "ab",
                "chain": "",
            }
        ],
        "objects": ["segments/a"],
    }.items() <= told.items()
    assert (75, 500.0) == (
        told["quality"]["messages_received"],
        told["quality"]["silence_inserted_ms"],
    )
    assert [(75, 4, 1), (0, 0, 0)] == [
        (one["messages_received"], one["messages_lost"], one["messages_refused"])
        for one in told["streams"]
    ]


def test_reads_back_what_it_wrote() -> None:
    """A stored manifest parses to the same value."""

    assert manifest(MP3, WAV) == parse_manifest(encode_manifest(manifest(MP3, WAV)))


def test_the_same_facts_are_the_same_text() -> None:
    """Neither the order of labels or renditions nor the moment they were made shows."""
    relabelled = replace(RECORDING, labels={"a": "1", "b": "2"}, version=9)
    later = replace(WAV, created_at=datetime(2027, 1, 1, tzinfo=UTC))

    assert encode_manifest(manifest(MP3, WAV)) == encode_manifest(
        manifest(later, MP3, recording=relabelled)
    )


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"version": "1"}'])
def test_what_is_no_manifest_is_told(text: str) -> None:
    """Anything else under a manifest's key is corrupt."""
    with pytest.raises(CorruptContainer, match="the manifest is none"):
        parse_manifest(text)
