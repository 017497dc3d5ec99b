"""Bodies of requests and answers about profiles."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chalicelib.carriers import registry
from chalicelib.services.accounts.profiles import RETENTION_DAYS
from chalicelib.tapping.model import Codec
from infra.openapi.recordings import RecordCallDefaults, RecordCallOptions
from infra.openapi.shape import BooleanText, Instant, NumberText, Shape

Dialect = StrEnum("Dialect", {name: name for name in registry.DIALECTS})  # type: ignore[misc]
RetentionDays = Annotated[int, Meta(extra_json_schema={"enum": [0, *RETENTION_DAYS]})]


# What both a new profile and a change may have.
_RecordCall = Annotated[
    RecordCallDefaults | None,
    Meta(description="Every call is recorded with these options; null: only on request."),
]
_Encoding = Annotated[Codec, Meta(description="Of dialects that don't say it in band.")]
_RetentionDays = Annotated[
    RetentionDays | NumberText, Meta(description="Of renditions; 0 keeps them.")
]
_SecretId = Annotated[
    str,
    Meta(
        pattern="^(tapedeck(/[A-Za-z0-9_+=.@-]+)+)?$",
        description="The name of the secret that holds the carrier's signing key, as "
        "text, or as JSON with signing_key and what opens its recordings "
        "(basic, oauth2): tapedeck/{account}/… of the profile's own account, "
        "not an ARN. Account main may also use names without an account. "
        "Another account's secret is refused with secret_refused, unless the "
        "operator shares it.",
    ),
]
_TokenedUrl = Annotated[
    bool | BooleanText,
    Meta(description="URLs in callbacks open without an API key, for a while."),
]
_Bidirectional = Annotated[
    bool | BooleanText,
    Meta(
        description="The carrier is asked to play what is sent back (Bandwidth: `mode` "
        "of `<StartStream>`); then a recording's beep is played to the party."
    ),
]


class NewProfile(Shape, kw_only=True):
    """A profile to create."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,62}$")]
    dialect: Dialect
    record_call: _RecordCall | UnsetType = UNSET
    status_url: Annotated[str, Meta(pattern="^$|^https?://.+", max_length=2048)] | UnsetType = UNSET
    encoding: _Encoding | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    project_id: str | UnsetType = UNSET
    space_id: str | UnsetType = UNSET
    retention_days: _RetentionDays | UnsetType = UNSET
    secret_id: _SecretId | UnsetType = UNSET
    tokened_url: _TokenedUrl | UnsetType = UNSET
    bidirectional: _Bidirectional | UnsetType = UNSET


class ProfileChange(Shape, kw_only=True):
    """The properties of a profile to change."""

    record_call: _RecordCall | UnsetType = UNSET
    status_url: Annotated[str, Meta(max_length=2048)] | UnsetType = UNSET
    encoding: _Encoding | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    project_id: str | UnsetType = UNSET
    space_id: str | UnsetType = UNSET
    retention_days: _RetentionDays | UnsetType = UNSET
    secret_id: _SecretId | UnsetType = UNSET
    tokened_url: _TokenedUrl | UnsetType = UNSET
    bidirectional: _Bidirectional | UnsetType = UNSET


class Profile(Shape, kw_only=True):
    """The settings for all calls from one carrier."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,62}$")]
    dialect: Dialect
    carrier: str
    record_call: Annotated[
        RecordCallOptions | None,
        Meta(description="Every call is recorded with these options; null: only on request."),
    ]
    status_url: Annotated[str, Meta(max_length=2048)]
    encoding: Annotated[Codec, Meta(description="Of dialects that don't say it in band.")]
    labels: dict[str, str]
    project_id: str
    space_id: str
    retention_days: Annotated[RetentionDays, Meta(description="Of renditions; 0 keeps them.")]
    secret_id: Annotated[
        str,
        Meta(
            pattern="^(tapedeck/.*)?$",
            description="The name of the secret, as it was written. A profile from before "
            "secrets belonged to accounts may name one that is refused when it "
            "is used.",
        ),
    ]
    tokened_url: Annotated[
        bool, Meta(description="URLs in callbacks open without an API key, for a while.")
    ]
    bidirectional: Annotated[
        bool,
        Meta(
            description="The carrier is asked to play what is sent back (Bandwidth: `mode` "
            "of `<StartStream>`); then a recording's beep is played to the party."
        ),
    ]
    created_at: Instant


class Profiles(Shape, kw_only=True):
    """An account's profiles."""

    profiles: list[Profile]


class Instructions(Shape, kw_only=True):
    """What to configure at the carrier."""

    profile: str
    dialect: Dialect
    stream_url: str
    stream_urls: Annotated[list[str], Meta(min_length=1)]
    hook_url: str
    token_expires_at: Instant
    documents: Annotated[
        dict[str, str],
        Meta(
            description="By name: swml.yaml, swml.json, swml-try.yaml and swml-try.json; or "
            "bxml and bxml-try."
        ),
    ]
    notes: Annotated[
        dict[str, str],
        Meta(
            description="By the same names: what each document is for, and what must be "
            "added to it."
        ),
    ]
