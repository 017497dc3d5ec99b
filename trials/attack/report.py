"""What an attack did, and whether TRUST target 17 held."""

from __future__ import annotations

from dataclasses import dataclass, field

from trials.attack.target import KIB

MEMORY_MORE_MAX_KIB = 32 * KIB
"""TRUST target 17: under floods and bombs"""

ANSWER_MS_MAX = 5000
"""the sink's door for somebody else, on cores that attackers and other work share. An idle machine
shows a tenth; where a flood is read to its end, or every peer's at once, it is more than this"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an attacker saw."""

    facts: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One attack with the sink's memory."""

    name: str
    outcome: Outcome
    before_kib: int
    peak_kib: int
    after_kib: int
    slowest_ms: int
    """of the answers that somebody else got meanwhile"""

    @property
    def faults(self) -> list[str]:
        """Return what isn't as promised."""
        more = self.peak_kib - self.before_kib
        too_much = [f"{more / KIB:.0f} MiB more memory"] if more > MEMORY_MORE_MAX_KIB else []
        waited = self.slowest_ms > ANSWER_MS_MAX
        stalled = [f"others waited {self.slowest_ms} ms"] if waited else []
        return [*self.outcome.faults, *too_much, *stalled]

    def __str__(self) -> str:
        memory = "".join(
            f"{kib / KIB:8.1f}" for kib in (self.before_kib, self.peak_kib, self.after_kib)
        )
        verdict = "; ".join(self.faults) or "ok"
        return f"{self.name:<24}{memory}{self.slowest_ms:8}   {self.outcome.facts}: {verdict}"


HEAD = f"{'attack':<24}{'before':>8}{'peak':>8}{'after':>8}{'answer':>8}   (MiB, MiB, MiB, ms)"


@dataclass
class Report:
    """All rows of a run."""

    rows: list[Row] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Return every broken promise."""
        return [f"{row.name}: {fault}" for row in self.rows for fault in row.faults]

    @property
    def most_more_mib(self) -> float:
        """Return the most memory that one attack cost."""
        return max((row.peak_kib - row.before_kib for row in self.rows), default=0) / KIB
