"""What cfn-lint, checkov and cdk-nag find in plain CloudFormation, in one form."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App, DefaultStackSynthesizer, Stack, Validations
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import ManualArgs, lint
from cfnlint.core import get_rules

from tests.infra.checks.synthesis import run_foreign

_HASH = re.compile(r"[0-9A-F]{8}$")
_INCLUDED = "Template"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """A rule that a resource breaks."""

    rule: str
    resource: str
    """stack/type/logical id; the CDK's hash at its end is left away"""
    subject: str = ""
    """what of the resource, where a rule can find several things"""
    fact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was looked at, with what, and what was found."""

    resources: int
    rules: dict[str, int]
    """by tool, as far as it tells"""
    findings: list[Finding]


def find(templates: list[Path]) -> Report:
    """Run all three tools over plain CloudFormation templates, each named after its stack."""
    with ThreadPoolExecutor(1) as pool:
        scanning = pool.submit(run_foreign, "scan.py", *templates)
        linted = [finding for path in templates for finding in _lint(path)]
        nagged = _nag(templates)
        scanned = json.loads(scanning.result())
    checkov = [
        _finding(Path(one["template"]).stem, templates, one["logical_id"], one["rule"], one["fact"])
        for one in scanned["findings"]
    ]
    return Report(
        resources=sum(len(_resources(path)) for path in templates),
        rules={"cfn-lint": len(get_rules([], [], ["W", "E"])), "checkov": len(scanned["rules"])},
        findings=sorted({*linted, *nagged, *checkov}),
    )


def _lint(template: Path) -> Iterator[Finding]:
    for match in lint(template.read_text(), config=ManualArgs(regions=["us-east-1"])):
        where = match.path[1] if match.path[:1] == ["Resources"] else ""
        yield _finding(template.stem, [template], where, match.rule.id, match.message)


def _nag(templates: list[Path]) -> Iterator[Finding]:
    """cdk-nag judges constructs, so each template becomes a stack of them."""
    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder, analytics_reporting=False)
        for template in templates:
            # The rule about the bootstrap's version is in the template already.
            plain = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
            stack = Stack(app, template.stem, synthesizer=plain)
            CfnInclude(stack, _INCLUDED, template_file=str(template))
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        try:
            app.synth()
        except RuntimeError as error:  # that is how it says that there are findings
            if "ValidationFailed" not in str(error):
                raise
        report = json.loads((Path(folder) / "validation-report.json").read_text())
    (pack,) = report["pluginReports"]
    assert pack["pluginName"] == "AwsSolutions"
    yield from (finding for one in pack["violations"] for finding in _violations(one, templates))


def _violations(violation: dict[str, Any], templates: list[Path]) -> Iterator[Finding]:
    rule, _, subject = violation["ruleName"].partition("[")
    for construct in violation["violatingConstructs"]:
        stack, _, logical_id = construct["constructPath"].split("/")
        yield _finding(
            stack, templates, logical_id, rule, violation["description"], subject.removesuffix("]")
        )


def _finding(
    stack: str, templates: list[Path], logical_id: str, rule: str, fact: str, subject: str = ""
) -> Finding:
    (template,) = (path for path in templates if path.stem == stack)
    type_ = _resources(template)[logical_id]["Type"] if logical_id else "-"
    name = _HASH.sub("", logical_id)
    return Finding(rule=rule, resource=f"{stack}/{type_}/{name}", subject=subject, fact=fact)


def _resources(template: Path) -> dict[str, Any]:
    resources: dict[str, Any] = json.loads(template.read_text())["Resources"]
    return resources
