"""An RTP endpoint: a port of a worker that is claimed for one track of a call.

The body of `rtp_endpoint` is read as strictly as those of SWML's methods. The field names of a
claim are a persisted format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import AddressValueError, IPv4Address

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording import request_fields
from chalicelib.recording.model import CallRef, Direction
from chalicelib.recording.request_fields import given

DIALECT = "rtp"
"""of the streams that such ports bring, whatever the dialect of their profile"""

_TRACKS = {
    Direction.SPEAK: Track.INBOUND,
    Direction.LISTEN: Track.OUTBOUND,
    Direction.BOTH: Track.MIXED,
}
_ENCODINGS = {str(encoding): encoding for encoding in (Encoding.PCMU, Encoding.PCMA)}
_PROPERTIES = frozenset({"control_id", "direction", "codec", "source_addr", "source_port"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOptions:
    """The media that a port receives."""

    direction: Direction = Direction.SPEAK
    codec: Encoding | None = None
    """None: either, even in turn"""
    source_addr: str = ""
    """the IPv4 address that may send; empty: the first peer that proves itself"""
    source_port: int = 0
    """0: any"""

    @property
    def track(self) -> Track:
        """The track that the port receives."""
        return _TRACKS[self.direction]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortClaim:
    """A port claimed for a call; a row of the Hot table."""

    claim_id: str
    """the id of the claim's streams, by which a webhook finds them"""
    worker: str
    host: str
    """the public IPv4 that carriers send to"""
    port: int
    call: CallRef
    profile: str
    control_id: str
    options: EndpointOptions
    claimed_at: datetime
    is_open: bool = False
    """the worker listens on it"""

    @property
    def uri(self) -> str:
        """The URI that a carrier sends to."""
        return f"rtp://{self.host}:{self.port}"


def parse_endpoint(body: Mapping[str, object]) -> tuple[str, EndpointOptions]:
    """Return the control id (not given: one of the direction) and the options of a body.

    Raises InvalidRequest with the key in its message.
    """
    request_fields.verify_known("rtp_endpoint", body, _PROPERTIES)
    options = EndpointOptions(
        direction=given(body, "direction", _direction, Direction.SPEAK),
        codec=given(body, "codec", _codec, None),
        source_addr=given(body, "source_addr", _address, ""),
        source_port=given(body, "source_port", _port, 0),
    )
    if options.source_port and not options.source_addr:
        port = options.source_port
        raise request_fields.out_of_range("source_port", "beside a source_addr", port)
    return request_fields.control_id(body) or f"rtp-{options.direction}", options


def _direction(key: str, value: object) -> Direction:
    return request_fields.word(key, value, Direction)


def _codec(key: str, value: object) -> Encoding | None:
    written = request_fields.text(key, value)
    if written not in _ENCODINGS:
        raise request_fields.out_of_range(key, "one of " + ", ".join(_ENCODINGS), value)
    return _ENCODINGS[written]


def _address(key: str, value: object) -> str:
    try:
        return str(IPv4Address(request_fields.text(key, value)))
    except AddressValueError:
        raise request_fields.out_of_range(key, "an IPv4 address", value) from None


def _port(key: str, value: object) -> int:
    port = request_fields.whole_number(key, value)
    if not 1 <= port <= 65_535:
        raise request_fields.out_of_range(key, "from 1 to 65535", value)
    return port
