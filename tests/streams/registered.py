"""The test dialects among the registry's, for as long as a test asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.carriers import registry
from chalicelib.carriers.registry import Row

ROW = Row(
    name="streams",
    title="Test dialects",
    streams={"stamped": (), "stereo": (), "answered": (), "bulky": ()},
    documents=(),
    package="tests",
)


@contextmanager
def registered() -> Iterator[Row]:
    """Let the registry know the test dialects."""
    registry.add(ROW)
    try:
        yield ROW
    finally:
        registry.remove(ROW.name)
