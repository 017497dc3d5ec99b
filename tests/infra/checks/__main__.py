"""`make infra-check`: what linters find in the expanded templates, and what is waived."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.trust import note
from tests.infra.checks.findings import Report, find
from tests.infra.checks.synthesis import expand, synthesize
from tests.infra.checks.waivers import Waiver, idle, read_waivers, unexplained


def main() -> int:
    """Print everything; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder) / "cdk.out").synth()
        report = find(expand(Path(folder) / "cdk.out", Path(folder) / "expanded"))
    waivers = read_waivers()
    _print(report, waivers)
    left, vain = unexplained(report.findings, waivers), idle(report.findings, waivers)
    for finding in left:
        print(f"UNEXPLAINED {finding.rule} {finding.resource} {finding.subject}: {finding.fact}")
    for text in vain:
        print(f"A WAIVER FOR NOTHING {text}")
    if left or vain:
        return 1
    note(22, "infrastructure", "make infra-check", _figure(report, waivers))
    return 0


def _print(report: Report, waivers: list[Waiver]) -> None:
    for waiver in waivers:
        rules = Counter(one.rule for one in report.findings if waiver.covers(one))
        print(f"{'  '.join(f'{rule} × {times}' for rule, times in sorted(rules.items()))}")
        print(f"    {waiver.reason}")
    print(f"\n{_figure(report, waivers)}")


def _figure(report: Report, waivers: list[Waiver]) -> str:
    rules = ", ".join(f"{count} rules of {tool}" for tool, count in report.rules.items())
    return (
        f"{report.resources} resources of the expanded templates, {rules}, cdk-nag's AwsSolutions: "
        f"{len(report.findings)} findings, each under one of {len(waivers)} waivers with a reason; "
        "0 unexplained, no wildcard in an action of a role"
    )


if __name__ == "__main__":
    sys.exit(main())
