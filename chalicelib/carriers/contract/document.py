"""Documents in a carrier's own language that make it stream its calls to Tapedeck."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.capture.events import Encoding
from chalicelib.recording.model import RecordOptions

TRYING_S = 60
"""how long a `-try` document keeps its call up"""


class Sides(StrEnum):
    """The sides of a call that the carrier is asked to stream, in SWML's words."""

    SPEAK = "speak"
    LISTEN = "listen"
    BOTH = "both"
    """each as a track of its own"""
    MIXED = "mixed"
    """both in one track"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """The values that a document is made of."""

    sink_url: str
    """e.g. wss://sink.example.com"""
    token: str
    hook_url: str
    """where the carrier posts its webhooks"""
    sides: Sides = Sides.BOTH
    encoding: Encoding = Encoding.PCMU
    bidirectional: bool = False
    """asks the carrier to play what we send back, if it can"""
    labels: Mapping[str, str] = field(default_factory=dict)
    """attached to the stream, if the carrier can"""
    carrier_records: RecordOptions | None = None
    """the carrier records too, with these options, and tells us where its file is"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text that a customer pastes at the carrier."""

    name: str
    """e.g. `swml.yaml`"""
    content_type: str
    text: str
    note: str
    """what the document is for, in a sentence: where its language has comments, the text says it,
    too"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDialect:
    """Writes the documents of one stream dialect."""

    stream_urls: Callable[[Arrangement], tuple[str, ...]]
    """where the carrier is to stream to. Raises InvalidRequest for sides that it can't stream"""
    call_stream_url: Callable[[Arrangement, str], str]
    """one URL for one known call id"""
    call_stream_urls: Callable[[Arrangement, str], tuple[str, ...]]
    """the same, and each side a track of its own"""
    documents: Callable[[Arrangement], tuple[Document, ...]]
