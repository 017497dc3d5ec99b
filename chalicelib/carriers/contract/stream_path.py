"""The path of a socket's request: `[/g{generation}]/{dialect}/{token}/{parameters…}`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

_GENERATION = re.compile(r"/g[1-9][0-9]{0,4}(?=/)")
"""in front of a path: the generation of workers that the load balancer chooses. Any worker answers
it: a document may name a generation that is gone"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The parts of a socket's path; none of them is verified yet."""

    dialect: str
    token: str
    parameters: Mapping[str, str]
    """percent-decoded"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPath:
    """A path before its dialect names the parameters."""

    dialect: str
    token: str
    values: tuple[str, ...]
    """percent-decoded"""

    def named(self, parameters: Sequence[str]) -> Route | None:
        """Return the route, or None where the path has another number of parameters."""
        if len(parameters) != len(self.values):
            return None
        named = dict(zip(parameters, self.values, strict=True))
        return Route(dialect=self.dialect, token=self.token, parameters=named)


def split(path: str) -> StreamPath | None:
    """Return a path's parts without its query; None for a path that no stream can have."""
    generation = _GENERATION.match(path)
    rest = path[generation.end() :] if generation else path
    empty, *segments = rest.partition("?")[0].split("/")
    if empty or len(segments) < 2 or not all(segments):
        return None
    dialect, token, *values = segments
    return StreamPath(dialect=dialect, token=token, values=tuple(map(unquote, values)))
