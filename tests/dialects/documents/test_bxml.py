from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import pytest

from chalicelib.dialects.documents import bxml
from chalicelib.dialects.documents.base import Arrangement, Sides
from chalicelib.errors import InvalidRequest
from chalicelib.recording.model import Format, RecordOptions

WANTED = Arrangement(
    sink_url="wss://sink.example.com",
    token="TOKEN",
    hook_url="https://api.example.com/api/hooks/bandwidth/TOKEN",
)


def verbs(wanted: Arrangement) -> Element:
    (written,) = bxml.documents(wanted)
    assert ("bxml", "application/xml") == (written.name, written.content_type)
    return fromstring(written.text.removeprefix('<?xml version="1.0" encoding="UTF-8"?>\n'))


def test_the_stream_names_its_sink_its_tracks_and_its_hook() -> None:
    """`<StartStream>` states what its defaults would get wrong."""

    start = verbs(WANTED).find("StartStream")

    assert start is not None
    assert {
        "destination": "wss://sink.example.com/bandwidth/TOKEN",
        "tracks": "both",
        "streamEventUrl": "https://api.example.com/api/hooks/bandwidth/TOKEN",
        "streamEventMethod": "POST",
    } == start.attrib


def test_a_stream_can_lead_both_ways() -> None:
    """Then the carrier plays what it is sent; the default is one way."""

    start = verbs(replace(WANTED, bidirectional=True)).find("StartStream")

    assert start is not None
    assert "bidirectional" == start.get("mode")


@pytest.mark.parametrize(
    ("sides", "tracks"), [(Sides.SPEAK, "inbound"), (Sides.LISTEN, "outbound")]
)
def test_a_side_is_a_track(sides: Sides, tracks: str) -> None:
    """What the party says is inbound, what it hears is outbound."""

    start = verbs(replace(WANTED, sides=sides)).find("StartStream")

    assert start is not None
    assert tracks == start.get("tracks")


def test_mixed_sides_are_refused() -> None:
    """Bandwidth streams each side by itself."""

    with pytest.raises(InvalidRequest, match="sides"):
        bxml.documents(replace(WANTED, sides=Sides.MIXED))


def test_labels_are_stream_params() -> None:
    """Labels travel with the stream, escaped, at most as many as the carrier takes."""

    labels = {"desk": '"7" & <8>', **{f"n{number}": "x" for number in range(20)}}

    params = verbs(replace(WANTED, labels=labels)).findall("StartStream/StreamParam")

    assert 12 == len(params)
    assert {"name": "desk", "value": '"7" & <8>'} == params[0].attrib


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RecordOptions(format=Format.MP3, stereo=True), ("mp3", "true")),
        (RecordOptions(format=Format.MP4), ("wav", "false")),
    ],
)
def test_the_carrier_can_record_too(options: RecordOptions, expected: tuple[str, str]) -> None:
    """`<StartRecording>` posts to the same hook, in a format that Bandwidth writes."""

    start = verbs(replace(WANTED, carrier_records=options)).find("StartRecording")

    assert start is not None
    assert WANTED.hook_url == start.get("recordingAvailableUrl")
    assert expected == (start.get("fileFormat"), start.get("multiChannel"))


def test_a_known_call_streams_to_the_same_url() -> None:
    """The stream says in band which call it is."""

    assert (bxml.call_stream_url(WANTED, "c-1"),) == bxml.stream_urls(WANTED)
    assert bxml.call_stream_urls(WANTED, "c-1") == bxml.stream_urls(WANTED)
