"""Requests to a carrier's REST API, in our words, and the interface of an API dialect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.capture.events import Encoding


class Standing(StrEnum):
    """The state of a call, as its carrier reports it."""

    LIVE = "live"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """the carrier doesn't know the call, or reports a state that we don't know: nothing follows"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierCall:
    """A call by its carrier's names."""

    call_id: str
    segment_id: str = ""
    """of its leg, where the carrier told one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapAgain:
    """A tap that we ask the carrier to begin."""

    call: CarrierCall
    control_id: str
    """the carrier accepts it once in a call"""
    direction: str
    """SWML's word: speak, listen, both"""
    uri: str
    encoding: Encoding
    status_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """An HTTP request to a carrier's API."""

    method: str
    path: str
    """below the API's base URL, from its slash on"""
    body: bytes | None = None
    """JSON"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiDialect:
    """One carrier's API."""

    carrier: str
    tap: Callable[[TapAgain], ApiRequest] | None
    """how to begin a tap of a live call; None: its API has no such request"""
    standing: Callable[[CarrierCall], ApiRequest]
    """how to ask for the state of a call"""
    read_standing: Callable[[bytes], Standing]
    """the body of a 2xx answer → the state that it reports"""
