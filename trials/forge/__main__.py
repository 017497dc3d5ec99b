"""`make trial NAME=forge`: try forged tokens, API keys and signatures.

Exits with 1 if one of them opens anything (TRUST target 12). Each lock is also tried with its right
keys, before and after: a lock that never opens would prove nothing.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from bench import trust
from trials.forge.doors import doors
from trials.forge.locks import Lock, locks

TRIES = 100_000
DOORS_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a lock."""

    name: str
    tries: int
    faults: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name:<46}{self.tries:>8}   {'; '.join(self.faults[:3]) or '0 opened'}"


def attempt(lock: Lock, tries: int, seed: int) -> Tried:
    """Try a lock so often; the same seed tries the same."""
    random = Random(f"{seed} {lock.name}")
    faults = [*_turned_away(lock), *_let_in(lock, tries, random), *_turned_away(lock)]
    return Tried(name=lock.name, tries=tries, faults=tuple(faults))


def _let_in(lock: Lock, tries: int, random: Random) -> Iterator[str]:
    for _ in range(tries):
        forged = lock.forge(random)
        try:
            opened = lock.opens(forged)
        except Exception as error:  # noqa: BLE001  # a crash on what a stranger sends is a fault
            yield f"{type(error).__name__} on {forged!r}"
            continue
        if opened:
            yield f"opened to {forged!r}"


def _turned_away(lock: Lock) -> list[str]:
    return [f"closed to its own {right!r}" for right in lock.rights if not lock.opens(right)]


@contextmanager
def all_locks() -> Iterator[list[Lock]]:
    """Yield every lock, then the API's doors."""
    with doors(DOORS_SHARE) as through_the_api:
        yield [*locks(), *through_the_api]


def run(tries: int, seed: int) -> list[Tried]:
    """Try everything; print as it goes."""
    with all_locks() as everything:
        whole = sum(lock.share for lock in everything)
        tried = []
        for lock in everything:
            tried.append(attempt(lock, math.ceil(tries * lock.share / whole), seed))
            print(tried[-1], flush=True)
    return tried


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trials.forge")
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    tried = run(asked.tries, asked.seed)
    faults = [fault for one in tried for fault in one.faults]
    count = sum(one.tries for one in tried)
    print(f"\n{count} forgeries, {len(faults)} faults (seed {asked.seed})")
    if faults:
        return 1
    if count >= TRIES:
        figure = (
            f"{count:,} forged tokens, API keys, signatures and users at {len(tried)} locks:"
            " 0 opened anything; constant-time compare, by a test over the syntax tree"
        )
        trust.note(12, "forged webhook or token", "make trial NAME=forge", figure)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
