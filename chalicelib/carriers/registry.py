"""The stream dialects: one row each. The path chooses, never a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote

from chalicelib.carriers.bandwidth.stream import Bandwidth, playing
from chalicelib.carriers.contract.stream import StreamDialect
from chalicelib.carriers.signalwire.tap_stream import SignalWireTap
from chalicelib.errors import NotFound

_GENERATION = re.compile(r"/g[1-9][0-9]{0,4}(?=/)")
"""before a path: which generation of workers the load balancer shall take. Any worker answers it:
documents may name one that is gone"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A dialect's carrier, its path after `/{name}/{token}`, and what makes its parser."""

    carrier: str
    parameters: tuple[str, ...]
    parser: Callable[[Mapping[str, str]], StreamDialect]
    playing: Callable[[bytes], str] | None = None
    """returns the message that plays pcm to the party, where the dialect has one"""
    tells_digits: bool = False
    """by messages; where none does, the tones are listened for"""


ROWS: Mapping[str, Row] = MappingProxyType(
    {
        SignalWireTap.name: Row(
            carrier="signalwire", parameters=("call_id", "direction"), parser=SignalWireTap
        ),
        Bandwidth.name: Row(carrier="bandwidth", parameters=(), parser=Bandwidth, playing=playing),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a socket's path says; nothing of it is verified."""

    dialect: str
    token: str
    parameters: Mapping[str, str]
    """percent-decoded"""


def route(path: str) -> Route:
    """Return what `[/g{number}]/{dialect}/{token}/{parameters…}` says; a query is left out.

    Raises NotFound for a path that no dialect has.
    """
    generation = _GENERATION.match(path)
    told = path[generation.end() :] if generation else path
    empty, *segments = told.partition("?")[0].split("/")
    row = ROWS.get(segments[0]) if segments and not empty else None
    if row is None or len(segments) != 2 + len(row.parameters) or not all(segments):
        raise NotFound("no stream dialect has this path", code="unknown_path")
    name, token, *values = segments
    parameters = dict(zip(row.parameters, map(unquote, values), strict=True))
    return Route(dialect=name, token=token, parameters=parameters)


def dialect(chosen: Route) -> StreamDialect:
    """Return one socket's parser. Raises InvalidRequest for parameters that name nothing."""
    return ROWS[chosen.dialect].parser(chosen.parameters)


def carrier(dialect_: str) -> str:
    """Return whose dialect it is: the middle part of its calls' keys."""
    return ROWS[dialect_].carrier
