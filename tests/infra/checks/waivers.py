"""Which findings we live with, and why: `waivers.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.checks.findings import Finding

FILE = Path(__file__).with_name("waivers.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Rules that these resources may break. A `*` in a pattern stands for any text."""

    reason: str
    rules: tuple[str, ...]
    resources: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    """none: whatever of the resource"""
    sometimes: bool = False
    """what it is for depends on the machine, so it may be idle"""

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is meant."""
        return (
            finding.rule in self.rules
            and any(_fits(pattern, finding.resource) for pattern in self.resources)
            and (not self.subjects or any(_fits(one, finding.subject) for one in self.subjects))
        )

    def idle_parts(self, findings: Iterable[Finding]) -> Iterator[str]:
        """Yield the rules and patterns that nothing is found for."""
        covered = [finding for finding in findings if self.covers(finding)]
        yield from set(self.rules) - {finding.rule for finding in covered}
        for pattern in self.resources:
            if not any(_fits(pattern, finding.resource) for finding in covered):
                yield pattern
        for pattern in self.subjects:
            if not any(_fits(pattern, finding.subject) for finding in covered):
                yield pattern


def read_waivers(file: Path = FILE) -> list[Waiver]:
    """Return the waivers. Raises TypeError for one with other keys, or without a reason."""
    return [_waiver(one) for one in tomllib.loads(file.read_text())["waiver"]]


def unexplained(findings: Iterable[Finding], waivers: list[Waiver]) -> list[Finding]:
    """Return the findings that no waiver covers."""
    return [one for one in findings if not any(waiver.covers(one) for waiver in waivers)]


def idle(findings: list[Finding], waivers: list[Waiver]) -> list[str]:
    """Return what waivers say in vain, so that the list stays true."""
    return [
        f"{part}: {waiver.reason}"
        for waiver in waivers
        if not waiver.sometimes
        for part in waiver.idle_parts(findings)
    ]


def _waiver(fields: dict[str, Any]) -> Waiver:
    read = Waiver(**{key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()})
    if not (read.reason and read.rules and read.resources):
        raise TypeError(f"a waiver says which rules, where, and why: {fields}")
    return read


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
