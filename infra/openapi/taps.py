"""Bodies of requests and answers about taps, and of an RTP port."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from chalicelib.recording.model import Direction
from chalicelib.tapping.model import Codec, TapState
from infra.openapi.shape import ControlId, Instant, NumberText, Problem, Shape


class TapCall(Shape, kw_only=True):
    """The properties of `tap`."""

    uri: Annotated[
        str,
        Meta(
            pattern="^(rtp|wss?)://.+",
            max_length=2048,
            description="`rtp://IPv4:port`, `ws://…` or `wss://…`, to a public address.",
        ),
    ]
    control_id: ControlId | UnsetType = UNSET
    direction: Direction = Direction.SPEAK
    codec: Codec = Codec.PCMU
    rtp_ptime: Annotated[
        Annotated[int, Meta(ge=10, le=120, multiple_of=10)] | NumberText,
        Meta(description="ms; of no effect on a websocket."),
    ] = 20
    status_url: (
        Annotated[
            str,
            Meta(
                max_length=2048,
                description="Before the profile's.",
                extra_json_schema={"format": "uri"},
            ),
        ]
        | UnsetType
    ) = UNSET


class TapResult(Shape, kw_only=True):
    """SWML's variables; those of RTP are there for an RTP tap alone."""

    tap_uri: str
    tap_result: Literal["success"]
    tap_control_id: str
    tap_rtp_src_addr: str | UnsetType = UNSET
    tap_rtp_src_port: int | UnsetType = UNSET
    tap_ptime: Annotated[int, Meta(description="ms")] | UnsetType = UNSET
    tap_codec: Codec
    tap_rate: Literal[8000]


class TapFailure(Shape, kw_only=True):
    """A refusal, with SWML's variables."""

    error: Problem
    tap_result: Literal["failed"]
    reason: str


class StopTap(Shape, kw_only=True):
    """Which tap to stop."""

    control_id: (
        Annotated[ControlId, Meta(description="Absent: the most recent tap that sends.")]
        | UnsetType
    ) = UNSET


class StopTapResult(Shape, kw_only=True):
    """SWML's variable of a tap that was stopped."""

    stop_tap_result: Literal["success"]


class StopTapFailure(Shape, kw_only=True):
    """A refusal, with SWML's variables."""

    error: Problem
    stop_tap_result: Literal["failed"]
    reason: str


class TapOptions(Shape, forbid_unknown_fields=False, kw_only=True):
    """A tap's options, each as it is in effect."""

    uri: Annotated[
        str, Meta(description="`rtp://IPv4:port`, `ws://…` or `wss://…`, to a public address.")
    ]
    direction: Direction
    codec: Codec
    rtp_ptime: Annotated[
        int, Meta(ge=10, le=120, multiple_of=10, description="ms; of no effect on a websocket.")
    ]
    status_url: Annotated[str, Meta(description="Before the profile's.")] | UnsetType = UNSET


class TapQuality(Shape, forbid_unknown_fields=False, kw_only=True):
    """A message is a packet, or what a websocket sends."""

    messages_sent: int
    messages_dropped: int
    silence_ms: int
    skipped_ms: int
    reconnects: int


class Tap(Shape, forbid_unknown_fields=False, kw_only=True):
    """A tap that sends a call's audio on."""

    control_id: str
    state: TapState
    reason: Annotated[str, Meta(description="Why it ended.")]
    options: TapOptions
    status_url: str
    created_at: Instant
    ended_at: Instant | None
    quality: TapQuality | None


class RtpEndpointRequest(Shape, kw_only=True):
    """The port to claim for a call's RTP."""

    control_id: (
        Annotated[ControlId, Meta(description="Not given: `rtp-` and the direction.")] | UnsetType
    ) = UNSET
    direction: Direction = Direction.SPEAK
    codec: Annotated[Codec, Meta(description="Not given: either, in turn.")] | UnsetType = UNSET
    source_addr: (
        Annotated[
            str,
            Meta(
                description="Who may send (`tap_rtp_src_addr`). Not given: the sender that "
                "proves itself by several regular packets.",
                extra_json_schema={"format": "ipv4"},
            ),
        ]
        | UnsetType
    ) = UNSET
    source_port: (
        Annotated[
            Annotated[int, Meta(ge=1, le=65535)] | NumberText,
            Meta(description="Beside a source_addr. Not given: any."),
        ]
        | UnsetType
    ) = UNSET


class RtpEndpoint(Shape, kw_only=True):
    """Where a carrier may send a call's RTP."""

    uri: Annotated[str, Meta(examples=["rtp://198.51.100.7:20002"])]
    control_id: str
