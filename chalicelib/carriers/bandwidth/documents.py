"""BXML: Bandwidth's markup.

Source: Bandwidth's pages of `<StartStream>`, `<StartRecording>` and `<Pause>`. `tracks` states
both: the default is inbound alone. None of our verbs blocks, and Bandwidth hangs up after the last
verb: the document leaves that to the customer's own verbs, and the one for trying pauses.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Comment, Element, SubElement, indent, tostring

from chalicelib.carriers.bandwidth import stream
from chalicelib.carriers.contract.document import (
    TRYING_S,
    Arrangement,
    Document,
    DocumentDialect,
    Sides,
)
from chalicelib.errors import InvalidRequest
from chalicelib.recording import request_fields
from chalicelib.recording.model import Format, RecordOptions

NOTE = (
    "Your own verbs must follow: StartStream does not block, and Bandwidth hangs up after the last"
    " verb."
)
TRYING_NOTE = (
    f"For trying only: streams to Tapedeck and keeps the call up, silent, for {TRYING_S} seconds;"
    " then Bandwidth hangs up. For real calls take the document bxml, and add your own verbs."
)

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""characters that XML 1.0 can't hold, not even escaped: a document with one ends the call"""

_TRACKS = {Sides.SPEAK: "inbound", Sides.LISTEN: "outbound", Sides.BOTH: "both"}


def stream_urls(wanted: Arrangement) -> tuple[str, ...]:
    """Return the one URL that carries all tracks."""
    return (_url(wanted),)


def call_stream_url(wanted: Arrangement, _call_id: str) -> str:
    """Return the same URL: the stream says in band which call it is."""
    return _url(wanted)


def call_stream_urls(wanted: Arrangement, call_id: str) -> tuple[str, ...]:
    """Return that one URL: a stream has both sides apart."""
    return stream_urls(wanted)


def documents(wanted: Arrangement) -> tuple[Document, ...]:
    """Return the verbs, and a whole document for trying.

    Raises InvalidRequest for mixed sides: Bandwidth streams each by itself; and for a label that
    XML can't hold.
    """
    open_ended, whole = _response(wanted), _response(wanted)
    open_ended.append(Comment(f" {NOTE} "))
    whole.insert(0, Comment(f" {TRYING_NOTE} "))
    SubElement(whole, "Pause", {"duration": str(TRYING_S)})
    return (
        _document("bxml", open_ended, NOTE),
        _document("bxml-try", whole, TRYING_NOTE),
    )


def _response(wanted: Arrangement) -> Element:
    """Return `<Response>` with the verbs that make Bandwidth stream."""
    tracks = _TRACKS.get(wanted.sides)
    if tracks is None:
        raise InvalidRequest("sides: bandwidth streams no mixed track", code="out_of_range")
    response = Element("Response")
    attributes = {
        "destination": _url(wanted),
        "tracks": tracks,
        "streamEventUrl": wanted.hook_url,
        "streamEventMethod": "POST",
    }
    if wanted.bidirectional:
        attributes["mode"] = "bidirectional"
    start = SubElement(response, "StartStream", attributes)
    for name, value in list(wanted.labels.items())[: stream.PARAMS_MAX]:
        _verify_xml(name, value)
        SubElement(start, "StreamParam", {"name": name, "value": value})
    if wanted.carrier_records is not None:
        _add_recording(response, wanted.carrier_records, wanted.hook_url)
    return response


def _verify_xml(name: str, value: str) -> None:
    for given in (name, value):
        if _NO_XML.search(given):
            fact = "of characters that XML has: no control characters"
            raise request_fields.out_of_range(f"label.{name}", fact, given)


def _document(name: str, response: Element, note: str) -> Document:
    indent(response)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(response, encoding="unicode")
    return Document(name=name, content_type="application/xml", text=text + "\n", note=note)


def _add_recording(response: Element, options: RecordOptions, hook_url: str) -> None:
    # Bandwidth writes wav and mp3 only.
    file_format = "mp3" if options.format is Format.MP3 else "wav"
    attributes = {
        "recordingAvailableUrl": hook_url,
        "fileFormat": file_format,
        "multiChannel": "true" if options.stereo else "false",
    }
    SubElement(response, "StartRecording", attributes)


def _url(wanted: Arrangement) -> str:
    return f"{wanted.sink_url}/{stream.NAME}/{wanted.token}"


DIALECT = DocumentDialect(
    stream_urls=stream_urls,
    call_stream_url=call_stream_url,
    call_stream_urls=call_stream_urls,
    documents=documents,
)
