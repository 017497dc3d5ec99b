"""What Autobahn|Testsuite found, against the list of accepted cases."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ACCEPTED = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one case ended."""

    case: str
    behavior: str
    close: str
    close_code: int | None

    @property
    def is_ok(self) -> bool:
        """Whether nothing is to be said."""
        return (self.behavior, self.close) == ("OK", "OK")

    def __str__(self) -> str:
        return f"{self.case}: {self.behavior}, close {self.close} with {self.close_code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Cases that may end otherwise, all in the same way."""

    verdicts: frozenset[str]
    close_code: int
    reason: str
    depends_on_reads: bool = False
    """OK where the network cuts otherwise"""

    def covers(self, verdict: Verdict) -> bool:
        """Whether a case ended as it says."""
        return verdict.behavior in self.verdicts and verdict.close_code == self.close_code


def read_report(path: Path, agent: str) -> list[Verdict]:
    """Return the verdicts of a run's index."""
    found = json.loads(path.read_text())[agent]
    return [
        Verdict(
            case=case,
            behavior=entry["behavior"],
            close=entry["behaviorClose"],
            close_code=entry["remoteCloseCode"],
        )
        for case, entry in found.items()
    ]


def not_run() -> list[str]:
    """Return the patterns of cases that are left out."""
    return list(tomllib.loads(ACCEPTED.read_text())["not_run"])


def acceptances() -> dict[str, Acceptance]:
    """Return what is accepted, by case."""
    return {
        case: Acceptance(
            verdicts=frozenset(group["verdicts"]),
            close_code=group["close_code"],
            reason=group["reason"],
            depends_on_reads=group.get("depends_on_reads", False),
        )
        for group in tomllib.loads(ACCEPTED.read_text())["accepted"]
        for case in group["cases"]
    }


def complaints(verdicts: list[Verdict], accepted: dict[str, Acceptance]) -> list[str]:
    """Return what ended otherwise than OK or than accepted, and what is accepted without need."""
    worse = [
        str(verdict)
        for verdict in verdicts
        if not verdict.is_ok
        and not (verdict.case in accepted and accepted[verdict.case].covers(verdict))
    ]
    needed = {verdict.case for verdict in verdicts if not verdict.is_ok}
    stale = [
        f"{case}: accepted, but OK or not run"
        for case, acceptance in accepted.items()
        if case not in needed and not acceptance.depends_on_reads
    ]
    return worse + stale


def counts(verdicts: list[Verdict]) -> str:
    """Return how many ended how, in words."""
    kinds = Counter("OK" if verdict.is_ok else verdict.behavior for verdict in verdicts)
    return ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
