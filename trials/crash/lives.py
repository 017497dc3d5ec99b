"""Lives with a fault at every port call, alone or two of them, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

from chalicelib.errors import Unavailable
from tests.fakes import Died
from trials.crash.life import Fault, Life
from trials.crash.verdict import broken

KINDS = (
    {"kind": Died},
    {"kind": Died, "acts": True},
    {"kind": Unavailable},
    {"kind": Unavailable, "acts": True},
)
"""a death or a failure, before a call takes effect or after it"""

OUTAGES_S = (30.0, 600.0, 3600.0)


@dataclass(kw_only=True)
class Tally:
    """What many lives came to."""

    lives: int = 0
    """in which every fault struck"""
    owed: int = 0
    attempts: int = 0
    faults: list[str] = field(default_factory=list)
    """what was broken, and by which disturbance"""

    def __add__(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(
            lives=self.lives + other.lives,
            owed=self.owed + other.owed,
            attempts=self.attempts + other.attempts,
            faults=self.faults + other.faults,
        )


def undisturbed(*, refuses_first: bool) -> Life:
    """Return a life without a fault."""
    life = Life(refuses_first=refuses_first)
    life.run()
    return life


def single_faults(calls: int) -> Iterator[tuple[Fault, ...]]:
    """Yield each kind of fault at each call, outages that begin there, and second executions."""
    for call in range(1, calls + 1):
        for kind in KINDS:
            yield (Fault(call=call, **kind),)  # type: ignore[arg-type]  # the rows say the fields
        for outage_s in OUTAGES_S:
            yield (Fault(call=call, outage_s=outage_s),)
        yield (Fault(call=call, twins=True),)


def deaths_in_pairs(calls: int) -> Iterator[tuple[Fault, ...]]:
    """Yield a death at each call, before or after it took effect, and a second at each after it."""
    for call, acts in product(range(1, calls + 1), (False, True)):
        for gap, acts_again in product(range(1, calls - call + 2), (False, True)):
            first = Fault(call=call, acts=acts, kind=Died)
            yield (first, Fault(call=gap, acts=acts_again, kind=Died))


def live(disturbances: Iterable[tuple[Fault, ...]], *, refuses_first: bool) -> Tally:
    """Live each of them."""
    model, tally = undisturbed(refuses_first=refuses_first), Tally()
    for faults in disturbances:
        life = Life(refuses_first=refuses_first)
        life.run(*faults)
        tally.lives += life.struck == len(faults)
        tally.owed += len(life.core.store.outbox)
        tally.attempts += sum(life.receiver.attempts.values())
        tally.faults += [f"{fault} ({faults})" for fault in broken(life, model)]
    return tally
