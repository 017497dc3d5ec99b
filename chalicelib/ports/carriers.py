"""What Tapedeck needs to ask carriers, in our words.

Both raise Unavailable where what is outside doesn't answer or can't now.
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
        """Let the carrier begin a tap of a live call.

        Raises Conflict `cant_tap` where its API has no such request; NotFound where the call is
        over; UrlRefused; Forbidden where it refuses otherwise; Unavailable.
        """

    def standing(self, door: CarrierDoor, call: CarrierCall) -> Standing:
        """Return where a call stands; a call that its carrier doesn't know is UNKNOWN. Raises
        UrlRefused, Forbidden, Unavailable."""


class Retaps(Protocol):
    """Streams whose carrier is asked to tap their call again."""

    def begin(self, stream: Stream, by: str, at: datetime) -> bool:
        """Take a stream on; tell whether it is `by`'s, which may begin again what it didn't end.
        Whoever is first has it."""

    def end(self, stream: Stream, by: str) -> None:
        """Say that `by` is done with a stream."""
