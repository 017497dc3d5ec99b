"""The carriers: one row each, and a folder of the same name with a `carrier.py`.

A row holds what must be known of a carrier before it is used: its routes, and its names for lists
and refusals. Its modules load at its first use, so a function pays for the carriers that it meets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from chalicelib.carriers.contract import stream_path
from chalicelib.carriers.contract.carrier import Carrier, StreamFactory
from chalicelib.carriers.contract.document import DocumentDialect
from chalicelib.carriers.contract.stream import StreamDialect
from chalicelib.carriers.contract.stream_path import Route
from chalicelib.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A carrier, as far as it is known without its modules."""

    name: str
    """of the carrier, and of its folder"""
    title: str
    """as the carrier writes its name"""
    streams: Mapping[str, tuple[str, ...]]
    """by stream dialect: the parameters of its path after `/{dialect}/{token}`"""
    documents: tuple[str, ...]
    """the names of the documents that a customer can paste"""
    asks_basic: bool = False
    """its webhooks can come to `/hooks-basic/{carrier}/{token}`, with a user and a password"""
    first_route: str = ""
    """its route from before `/hooks/{carrier}/{token}`"""
    first_basic_route: str = ""
    """its route from before `/hooks-basic/{carrier}/{token}`"""
    package: str = "chalicelib.carriers"


_rows: dict[str, Row] = {}
_by_dialect: dict[str, Row] = {}

ROWS: Mapping[str, Row] = MappingProxyType(_rows)
"""by the carrier's name"""
DIALECTS: Mapping[str, Row] = MappingProxyType(_by_dialect)
"""by the stream dialect's name: the row of the carrier that speaks it"""


def add(row: Row) -> None:
    """Add a carrier; tests add their own, from another package."""
    _rows[row.name] = row
    _by_dialect.update(dict.fromkeys(row.streams, row))


def remove(name: str) -> None:
    """Forget a carrier."""
    for dialect in _rows.pop(name).streams:
        del _by_dialect[dialect]


def carrier(name: str) -> Carrier:
    """Return a carrier; its modules load at the first call. Raises NotFound."""
    row = _rows.get(name)
    if row is None:
        raise NotFound(f"no carrier is named {name[:40]!r}", code="unknown_path")
    found: Carrier = import_module(f"{row.package}.{row.name}.carrier").CARRIER
    return found


def carrier_of(dialect: str) -> str:
    """Return the name of a stream dialect's carrier: the middle part of its calls' keys."""
    return _by_dialect[dialect].name


def stream(dialect: str) -> StreamFactory:
    """Return what makes a stream dialect's parsers."""
    return carrier(carrier_of(dialect)).streams[dialect]


def documents(dialect: str) -> DocumentDialect:
    """Return how a customer asks for a stream dialect."""
    return carrier(carrier_of(dialect)).documents[dialect]


def route(path: str) -> Route:
    """Return the parts of a socket's path. Raises NotFound for a path that no dialect has."""
    parts = stream_path.split(path)
    row = _by_dialect.get(parts.dialect) if parts else None
    found = parts.named(row.streams[parts.dialect]) if parts and row else None
    if found is None:
        raise NotFound("no stream dialect has this path", code="unknown_path")
    return found


def parser(chosen: Route) -> StreamDialect:
    """Return one socket's parser. Raises InvalidRequest for parameters that name nothing."""
    return stream(chosen.dialect).parser(chosen.parameters)


for _row in (
    Row(
        name="signalwire",
        title="SignalWire",
        streams={"signalwire-tap": ("call_id", "direction")},
        documents=("swml.yaml", "swml.json", "swml-try.yaml", "swml-try.json"),
        first_route="/hooks/signalwire/{token}",
    ),
    Row(
        name="bandwidth",
        title="Bandwidth",
        streams={"bandwidth": ()},
        documents=("bxml", "bxml-try"),
        asks_basic=True,
        first_route="/hooks/bandwidth/{token}",
        first_basic_route="/hooks/bandwidth-basic/{token}",
    ),
):
    add(_row)
