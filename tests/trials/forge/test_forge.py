"""The shorter form of `make trial NAME=forge`, and that it would tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from trials.forge.__main__ import all_locks, attempt
from trials.forge.locks import Lock
from trials.forge.mutations import mutated, reworded

TRIES = 3000


@pytest.fixture(scope="module")
def everything() -> Iterator[list[Lock]]:
    with all_locks() as found:
        yield found


def test_no_forgery_opens_anything(everything: list[Lock]) -> None:
    """Every lock opens to its own keys, and to none of thousands that differ from them."""

    tried = [attempt(lock, round(TRIES * lock.share), seed=2) for lock in everything]

    assert [] == [fault for one in tried for fault in one.faults]


def test_a_lock_that_opens_to_anything_is_told(everything: list[Lock]) -> None:
    """So is one that opens to nobody, and one that breaks."""

    def breaks(_: object) -> bool:
        raise UnicodeError

    for lock in everything:
        assert attempt(replace(lock, opens=lambda _: True), 2, seed=1).faults
        assert attempt(replace(lock, opens=lambda _: False), 2, seed=1).faults
    broken = replace(everything[0], rights=(), opens=breaks)
    assert 2 == len(attempt(broken, 2, seed=1).faults)


def test_a_mutation_is_another_text() -> None:
    """Always, whatever it does."""

    random = Random(1)

    assert all(mutated("abcABC012", random) != "abcABC012" for _ in range(2000))
    assert all(reworded("a=1&b=2", random) != "a=1&b=2" for _ in range(200))
