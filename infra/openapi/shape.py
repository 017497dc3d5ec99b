"""What all schemas of the API share: strictness, errors, and the texts that SWML fills in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON object that has no property beside these, unless its class says otherwise."""


BooleanText = Annotated[
    Literal["true", "false"],
    Meta(description="A boolean as text, as a variable of SWML is filled in."),
]
ControlId = Annotated[str, Meta(pattern="^[!-~]([ -~]*[!-~])?$", min_length=1, max_length=128)]
Instant = Annotated[datetime, Meta(tz=True)]
NumberText = Annotated[
    str,
    Meta(
        pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$",
        description="A number as text, as a variable of SWML is filled in: JSON's spelling, "
        "within the same bounds as the number.",
    ),
]


class Problem(Shape, kw_only=True):
    """A stable code, and a sentence for people."""

    code: str
    message: str


class Error(Shape, forbid_unknown_fields=False, kw_only=True):
    """An error; the code is stable."""

    error: Problem
