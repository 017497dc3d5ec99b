"""The dialects that can be simulated: those of each carrier in the registry.

A carrier's are in `simulator/carriers/<carrier>/dialects.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from types import MappingProxyType

from chalicelib.carriers import registry
from simulator.carrier import SimulatedDialect


def _found() -> Iterator[tuple[str, SimulatedDialect]]:
    for name in registry.ROWS:
        yield from import_module(f"simulator.carriers.{name}.dialects").DIALECTS.items()


DIALECTS: Mapping[str, SimulatedDialect] = MappingProxyType(dict(_found()))
"""by name"""
