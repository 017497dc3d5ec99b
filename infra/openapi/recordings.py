"""Bodies of requests and answers about recordings, and of `record_call`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from chalicelib.capture.events import Track
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.model import Direction, Format, RecordingOrigin, State
from infra.openapi.shape import BooleanText, ControlId, Instant, NumberText, Problem, Shape


class RecordCallOptions(Shape, kw_only=True):
    """A recording's options, each as it is in effect."""

    stereo: Annotated[
        bool, Meta(description="Two channels: 0 is what the party says, 1 what it hears.")
    ] = False
    format: Format = Format.WAV
    direction: Direction = Direction.BOTH
    terminators: Annotated[str, Meta(pattern="^[0-9A-D*#]{0,16}$")] = ""
    beep: bool = False
    input_sensitivity: Annotated[float, Meta(ge=0, le=100)] = 44
    initial_timeout: Annotated[float, Meta(ge=0, le=43200, description="Seconds; 0 is off.")] = 0
    end_silence_timeout: Annotated[
        float, Meta(ge=0, le=43200, description="Seconds; 0 is off.")
    ] = 0
    max_length: Annotated[float, Meta(ge=0, le=43200, description="Seconds; 0 is off.")] = 0
    status_url: (
        Annotated[
            str,
            Meta(
                max_length=2048,
                description="Where status callbacks go; the profile's where it is left out.",
                extra_json_schema={"format": "uri"},
            ),
        ]
        | UnsetType
    ) = UNSET


class RecordCallDefaults(Shape, kw_only=True):
    """The options of a profile's recordings."""

    stereo: Annotated[
        bool | BooleanText,
        Meta(description="Two channels: 0 is what the party says, 1 what it hears."),
    ] = False
    format: Format = Format.WAV
    direction: Direction = Direction.BOTH
    terminators: Annotated[str, Meta(pattern="^[0-9A-D*#]{0,16}$")] = ""
    beep: bool | BooleanText = False
    input_sensitivity: Annotated[float, Meta(ge=0, le=100)] | NumberText = 44
    initial_timeout: Annotated[
        Annotated[float, Meta(ge=0, le=43200)] | NumberText, Meta(description="Seconds; 0 is off.")
    ] = 0
    end_silence_timeout: Annotated[
        Annotated[float, Meta(ge=0, le=43200)] | NumberText, Meta(description="Seconds; 0 is off.")
    ] = 0
    max_length: Annotated[
        Annotated[float, Meta(ge=0, le=43200)] | NumberText, Meta(description="Seconds; 0 is off.")
    ] = 0
    status_url: (
        Annotated[
            str,
            Meta(
                max_length=2048,
                description="Where status callbacks go; the profile's where it is left out.",
                extra_json_schema={"format": "uri"},
            ),
        ]
        | UnsetType
    ) = UNSET


class RecordCall(RecordCallDefaults, kw_only=True):
    """The properties of `record_call`."""

    control_id: ControlId | UnsetType = UNSET


class RecordCallResult(Shape, kw_only=True):
    """SWML's variables of a recording that was accepted, and what to know about it."""

    record_call_url: Annotated[str, Meta(extra_json_schema={"format": "uri"})]
    record_call_result: Literal["success"]
    record_control_id: str
    stream_url: Annotated[
        str,
        Meta(description="Where the carrier shall stream this call to, all of it in one stream."),
    ]
    stream_urls: Annotated[
        list[str],
        Meta(
            min_length=1,
            description="Where it shall stream to so that the recording has the channels it "
            "asks for: for stereo over SignalWire, a tap of each side.",
        ),
    ]
    warnings: (
        Annotated[
            list[Problem],
            Meta(description="What of the request is done in another way: `beep_not_played`."),
        ]
        | UnsetType
    ) = UNSET


class RecordCallFailure(Shape, kw_only=True):
    """A refusal, with SWML's variables."""

    error: Problem
    record_call_result: Literal["failed"]
    reason: str


class Pause(Shape, kw_only=True):
    """How a pause shows in the rendition."""

    behavior: Annotated[
        Behavior,
        Meta(
            description="`skip`: the pause isn't in the rendition. `silence`: it is silence, "
            "as long as it was."
        ),
    ] = Behavior.SKIP


class Resume(Shape, kw_only=True):
    """Nothing: a resume has no properties."""


class RecordingState(Shape, kw_only=True):
    """A recording's state after a command."""

    state: str
    still_recording: Annotated[
        list[str],
        Meta(description="Control ids of the call's recordings that capture its media now."),
    ]


class StopRecordCall(Shape, kw_only=True):
    """Which recording to stop."""

    control_id: (
        Annotated[ControlId, Meta(description="Without one, the last started.")] | UnsetType
    ) = UNSET


class StopRecordCallResult(Shape, kw_only=True):
    """SWML's variable of a recording that was stopped."""

    stop_record_call_result: Literal["success"]


class StopRecordCallFailure(Shape, kw_only=True):
    """A refusal, with SWML's variables."""

    error: Problem
    stop_record_call_result: Literal["failed"]
    reason: str


class Rendition(Shape, kw_only=True):
    """One finished audio file."""

    format: Format
    size: Annotated[int, Meta(description="Bytes.")]
    duration: Annotated[float, Meta(description="Seconds.")]
    channels: int
    sha256: str
    created_at: Instant


class Gap(Shape, kw_only=True):
    """Media that should be there and isn't."""

    track: Track
    offset_ms: float
    duration_ms: float
    reason: str


class Quality(Shape, kw_only=True):
    """How a recording's media came."""

    messages_received: int
    messages_lost: int
    messages_late: int
    messages_reordered: int
    messages_duplicated: int
    silence_inserted_ms: float
    largest_skew_ms: float
    reconnects: int
    degraded: str


class Recording(Shape, kw_only=True):
    """A recording."""

    recording_id: str
    call_id: str
    carrier: str
    control_id: str
    state: State
    reason: str
    note: Annotated[
        str,
        Meta(
            description="How the audio isn't what was asked for: `mixed_source`, the carrier "
            "sent both sides as one track, so there is one channel with both."
        ),
    ]
    source: Annotated[
        RecordingOrigin,
        Meta(
            description="Who heard the audio first: `stream`, Tapedeck; `carrier`, what the "
            "carrier recorded itself and was copied."
        ),
    ]
    profile: str
    options: RecordCallOptions
    status_url: str
    labels: dict[str, str]
    created_at: Instant
    started_at: Instant | None
    ended_at: Instant | None
    continues: Annotated[str, Meta(description="The recording of the call's earlier round.")]
    url: Annotated[str, Meta(extra_json_schema={"format": "uri"})]
    making: Annotated[Format | None, Meta(description="Another format that is being made.")]
    renditions: list[Rendition]
    gaps: list[Gap]
    quality: Quality | None


class Recordings(Shape, kw_only=True):
    """A page of recordings."""

    recordings: list[Recording]
    cursor: Annotated[str, Meta(description="Of the next page; empty at the end.")]


class Event(Shape, kw_only=True):
    """One event of a recording."""

    at: Instant
    event: str
    detail: dict[str, Any]


class Events(Shape, kw_only=True):
    """What happened to a recording, in order."""

    events: list[Event]


class Redelivery(Shape, kw_only=True):
    """The callback that is sent again."""

    webhook_id: str
    round: int
