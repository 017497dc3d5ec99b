"""Bodies of answers about calls, about scripts, and of the health check."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from chalicelib.recording.model import Ending
from chalicelib.swml.script import Method
from infra.openapi.recordings import Recording
from infra.openapi.shape import Instant, Shape
from infra.openapi.taps import Tap


class Call(Shape, forbid_unknown_fields=False, kw_only=True):
    """A call."""

    call_id: str
    carrier: str
    carrier_call_id: str
    profile: str
    live: bool
    round: Annotated[
        int, Meta(description="Grows when a closed call streams again; 0 before the first stream.")
    ]
    labels: dict[str, str]
    opened_at: Instant
    closed_at: Instant | None
    node_id: str


class Calls(Shape, kw_only=True):
    """A page of calls."""

    calls: list[Call]
    cursor: str


class Stream(Shape, kw_only=True):
    """A carrier's live copy of a call's tracks."""

    stream_key: str
    carrier_stream_id: str
    dialect: str
    tracks: list[str]
    encoding: str
    rate_hz: int
    round: int
    opened_at: Instant
    ended_at: Instant | None
    ending: Ending | None
    reason: Annotated[
        str,
        Meta(
            description="why this side ended it: stream_too_long, too_fast, worker_stopped "
            "…; empty: its carrier did, or the network"
        ),
    ]


class CarrierEvent(Shape, kw_only=True):
    """One webhook of the call's carrier."""

    event_type: str
    occurred_at: Instant | None
    received_at: Instant


class KnownCall(Call, forbid_unknown_fields=False, kw_only=True):
    """A call with its streams, recordings, taps and carrier events."""

    streams: list[Stream]
    recordings: list[Recording]
    taps: list[Tap]
    carrier_events: list[CarrierEvent]


class SkippedMethod(Shape, kw_only=True):
    """A method that did not run."""

    path: Annotated[str, Meta(description="Its place, e.g. sections.main[1].play.")]
    method: str


class SwmlRun(Shape, kw_only=True):
    """What a script did."""

    results: Annotated[
        list[SwmlResult],
        Meta(
            description="Of each method that ran, in order: what its own route would have answered."
        ),
    ]
    skipped: list[SkippedMethod]


class SwmlResult(Shape, forbid_unknown_fields=False, kw_only=True):
    """What a method's own route would have answered, beside these."""

    path: Annotated[
        str, Meta(description="The place of the method, e.g. sections.main[0].record_call.")
    ]
    method: Annotated[Method, Meta(description="stop_record_call for stop_call_record, too.")]
    status: Annotated[
        int,
        Meta(description="The HTTP status that the method's own route would have answered with."),
    ]


class Health(Shape, kw_only=True):
    """That the API answers."""

    status: Literal["ok"]
