from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Comment, Element, TreeBuilder, XMLParser, fromstring

import pytest

from chalicelib.carriers.bandwidth import documents
from chalicelib.carriers.contract.document import Arrangement, Sides
from chalicelib.errors import InvalidRequest
from chalicelib.recording.model import Format, RecordOptions

WANTED = Arrangement(
    sink_url="wss://sink.example.com",
    token="TOKEN",
    hook_url="https://api.example.com/api/hooks/bandwidth/TOKEN",
)


HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def verbs(wanted: Arrangement) -> Element:
    written, _ = documents.documents(wanted)
    assert ("bxml", "application/xml") == (written.name, written.content_type)
    return read(written.text)


def read(text: str) -> Element:
    """Read a document, its comments too."""
    return fromstring(text.removeprefix(HEAD), XMLParser(target=TreeBuilder(insert_comments=True)))


def kinds(response: Element) -> list[object]:
    """Return what stands in a response, in order; a comment is its own kind."""
    return [child.tag for child in response]


@pytest.mark.parametrize("carrier_records", [None, RecordOptions()])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_last_line_says_that_the_customer_s_verbs_must_follow(
    carrier_records: RecordOptions | None, bidirectional: bool
) -> None:
    """No verb of ours delays them, and what is pasted behind the comment is part of the call."""

    wanted = replace(WANTED, carrier_records=carrier_records, bidirectional=bidirectional)
    text = documents.documents(wanted)[0].text
    *_, comment, end = text.splitlines()

    assert (f"  <!-- {documents.NOTE} -->", "</Response>") == (comment, end)
    ours = ["StartStream", *(["StartRecording"] if carrier_records else [])]
    assert [*ours, Comment] == kinds(read(text))
    pasted = text.replace(comment, comment + "\n  <SpeakSentence>Hello</SpeakSentence>")
    assert [*ours, Comment, "SpeakSentence"] == kinds(read(pasted))


@pytest.mark.parametrize("carrier_records", [None, RecordOptions()])
def test_a_document_for_trying_is_whole(carrier_records: RecordOptions | None) -> None:
    """It begins with what it is for, streams as the other one, and keeps the call for a minute."""

    wanted = replace(WANTED, carrier_records=carrier_records, labels={"desk": "7"})
    open_ended, whole = map(read, (each.text for each in documents.documents(wanted)))

    assert ("bxml-try", "application/xml") == (
        documents.documents(wanted)[1].name,
        documents.documents(wanted)[1].content_type,
    )
    assert f" {documents.TRYING_NOTE} " == whole[0].text
    assert kinds(open_ended)[:-1] == kinds(whole)[1:-1]
    assert [each.attrib for each in open_ended.iter("StartStream")] == [
        each.attrib for each in whole.iter("StartStream")
    ]
    assert ("Pause", {"duration": "60"}) == (whole[-1].tag, whole[-1].attrib)


def test_a_document_s_note_is_its_comment() -> None:
    """What the instructions' answer says of it stands in the text, too."""

    for each in documents.documents(WANTED):
        assert f"<!-- {each.note} -->" in each.text


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
        documents.documents(replace(WANTED, sides=Sides.MIXED))


@pytest.mark.parametrize(
    "labels",
    [{"a": "x\x01"}, {"a\x00": "x"}, {"a": "\ufffe"}, {"a": "\ud800"}, {"b": "1", "a": "\x1b"}],
)
def test_a_label_that_xml_can_t_hold_is_refused(labels: dict[str, str]) -> None:
    """Bandwidth hangs up for a document that it can't read."""

    with pytest.raises(InvalidRequest, match=r"label\.a.* must be of characters that") as refused:
        documents.documents(replace(WANTED, labels=labels))

    assert "out_of_range" == refused.value.code


@pytest.mark.parametrize("text", ["a\tb\nc\rd", "<&>\"'--", "\x7f\x85", "\ue000\ufffd\U0001f600"])
def test_every_other_label_is_read_as_it_was_given(text: str) -> None:
    """Also white space, which XML would make spaces of, and what looks like markup."""

    start = verbs(replace(WANTED, labels={"a": text}))[0]

    assert [text] == [param.get("value") for param in start]


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

    assert (documents.call_stream_url(WANTED, "c-1"),) == documents.stream_urls(WANTED)
    assert documents.call_stream_urls(WANTED, "c-1") == documents.stream_urls(WANTED)
