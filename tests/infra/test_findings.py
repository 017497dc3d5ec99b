"""What cfn-lint, checkov and cdk-nag say of the templates as CloudFormation expands them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.infra.checks.findings import Finding, Report, find
from tests.infra.checks.synthesis import expand
from tests.infra.checks.waivers import Waiver, idle, read_waivers, unexplained
from tests.infra.conftest import Assembly

A_FINDING = Finding(rule="R1", resource="Stack/AWS::S3::Bucket/Media", subject="Resource::*")
A_WAIVER = Waiver(reason="so", rules=("R1",), resources=("Stack/*/Media",))


@pytest.fixture(scope="module")
def report(assembly: Assembly, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """All findings, explained or not."""
    return find(expand(assembly.folder, tmp_path_factory.mktemp("expanded")))


def test_every_finding_is_explained(report: Report) -> None:
    """What isn't mended stands in waivers.toml, with its reason."""

    assert [] == unexplained(report.findings, read_waivers())


def test_every_waiver_is_needed(report: Report) -> None:
    """What no tool finds any more needs no reason."""

    assert [] == idle(report.findings, read_waivers())


def test_all_tools_see_functions_behind_sam(report: Report) -> None:
    """Each finds something of a Lambda function: in the template before, cdk-nag sees none."""
    of_functions = {one.rule for one in report.findings if "AWS::Lambda::Function" in one.resource}

    assert {"AwsSolutions-L1", "CKV_AWS_117", "W3005"} <= of_functions


@pytest.mark.parametrize(
    ("waiver", "is_covered"),
    [
        (A_WAIVER, True),
        (replace(A_WAIVER, rules=("R2",)), False),
        (replace(A_WAIVER, resources=("Stack/*/Medi",)), False),
        (replace(A_WAIVER, subjects=("Resource::*",)), True),
        (replace(A_WAIVER, subjects=("Action::*",)), False),
        # A bracket or a question mark in a pattern is itself, not a wildcard.
        (replace(A_WAIVER, resources=("Stack/AWS::S3::Bucket/Medi?",)), False),
    ],
)
def test_a_waiver_is_for_one_rule_and_place(waiver: Waiver, is_covered: bool) -> None:
    """Another rule, resource or subject needs another reason."""

    assert is_covered is (unexplained([A_FINDING], [waiver]) == [])


def test_each_part_of_a_waiver_counts() -> None:
    """A rule, a resource and a subject that cover nothing are told, with the reason given."""
    waiver = Waiver(
        reason="so",
        rules=("R1", "R2"),
        resources=("Stack/*/Media", "Stack/*/Other"),
        subjects=("Resource::*", "Action::s3"),
    )

    assert {"R2: so", "Stack/*/Other: so", "Action::s3: so"} == set(idle([A_FINDING], [waiver]))
    assert [] == idle([A_FINDING], [A_WAIVER, replace(waiver, sometimes=True)])


def test_a_waiver_has_a_reason(tmp_path: Path) -> None:
    """Without one it isn't read."""
    file = tmp_path / "waivers.toml"
    file.write_text('[[waiver]]\nrules = ["R1"]\nresources = ["*"]\nreason = ""\n')

    with pytest.raises(TypeError, match="and why"):
        read_waivers(file)
