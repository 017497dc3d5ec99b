"""The ports to carriers' APIs.

Both raise Unavailable if the other side doesn't answer or can't answer now.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from chalicelib.carriers.contract.call_api import CarrierCall, Standing, TapAgain
from chalicelib.ports.values import CarrierDoor
from chalicelib.recording.model import Stream


class CarrierApi(Protocol):
    """Carriers' REST APIs, through the URL guard."""

    def tap(self, door: CarrierDoor, wanted: TapAgain) -> None:
        """Have the carrier begin a tap of a live call.

        Raises Conflict `cant_tap` if its API has no such request; NotFound if the call is over;
        UrlRefused; Forbidden if it refuses for another reason; Unavailable.
        """

    def standing(self, door: CarrierDoor, call: CarrierCall) -> Standing:
        """Return whether a call goes on; UNKNOWN if its carrier doesn't know the call. Raises
        UrlRefused, Forbidden, Unavailable."""


class Retaps(Protocol):
    """Streams that carriers were asked to tap again."""

    def begin(self, stream: Stream, by: str, at: datetime) -> bool:
        """Take a stream on, and return whether `by` has it. The first to begin has it, and may
        begin again until it ends it."""

    def end(self, stream: Stream, by: str) -> None:
        """Mark a stream as done by `by`."""
