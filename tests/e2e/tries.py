"""What the tests of a module share, such as calls that take a minute: made anew for each try.

A fixture of a module isn't made again when one of its tests is tried again: whatever went wrong in
its calls would be found wrong by every further try.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import pytest

T = TypeVar("T")


class Tries(Generic[T]):
    """One for the first try of every test, another one for every second try, and so on."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T | Exception] = {}

    def of(self, request: pytest.FixtureRequest) -> T:
        """Return what belongs to the try of a test; raise what making it raised."""
        number = try_number(request)
        if number not in self._made:
            self._made[number] = self._attempt()
        made = self._made[number]
        if isinstance(made, Exception):
            raise made
        return made

    def _attempt(self) -> T | Exception:
        try:
            return self._make()
        except Exception as error:  # noqa: BLE001  # every test of this try shall raise it
            return error


def try_number(request: pytest.FixtureRequest) -> int:
    """Return which try of its test this is, counted from 1."""
    return int(getattr(request.node, "execution_count", 1))
