"""What wakes somebody up, and what they read then."""

from __future__ import annotations

import json
import re
from typing import Any

from aws_cdk.assertions import Match

from chalicelib.adapters.aws.counters import LoggedCounters
from chalicelib.ports.values import Figure
from chalicelib.recording.delivery_schedule import GivenUpReason
from infra.paths import ROOT
from tests.infra.conftest import Assembly
from tests.infra.test_recorder_stack import FUNCTIONS
from tests.samples import T0


def alarms(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Return all stacks' alarms by their constructs' names."""
    return {
        name[:-8]: made["Properties"]
        for template in (assembly.recorder, assembly.sink, assembly.generation)
        for name, made in template.find_resources("AWS::CloudWatch::Alarm").items()
    }


def runbook() -> set[str]:
    """Return what the table of alarms has a line for; `…Name` stands for all that end so."""
    page = (ROOT / "docs/reference/alarms-and-metrics.md").read_text()
    _, _, rest = page.partition("| alarm | means | do |")
    table, _, _ = rest.partition("\n\n")
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def means(line: str, alarm: str) -> bool:
    """Whether a line of the table is about an alarm."""
    return alarm == line or (line.startswith("…") and alarm.endswith(line.removeprefix("…")))


def test_every_alarm_has_a_line_in_the_runbook(assembly: Assembly) -> None:
    """Who is woken up finds what it means and what to do."""

    assert [] == [
        alarm for alarm in alarms(assembly) if not any(means(line, alarm) for line in runbook())
    ]


def test_every_line_of_the_runbook_is_an_alarm(assembly: Assembly) -> None:
    """What can't be raised needs no line."""

    assert [] == [
        line for line in runbook() if not any(means(line, alarm) for alarm in alarms(assembly))
    ]


def test_alarms_reach_an_address(assembly: Assembly) -> None:
    """Every alarm goes to the topic, and the topic to the operator."""

    assembly.recorder.has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "ops@example.com"}
    )
    assert [] == [name for name, made in alarms(assembly).items() if not made["AlarmActions"]]


def test_alarms_may_publish(assembly: Assembly) -> None:
    """A topic's own policy replaces the one that lets CloudWatch; only alarms of here may."""
    (policy,) = assembly.recorder.find_resources("AWS::SNS::TopicPolicy").values()
    (allowed,) = (
        statement
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "Allow" == statement["Effect"]
    )

    assert ("sns:Publish", {"Service": "cloudwatch.amazonaws.com"}) == (
        allowed["Action"],
        allowed["Principal"],
    )
    assert "AWS::AccountId" in str(allowed["Condition"]["ArnLike"]["aws:SourceArn"])


def test_a_postponed_attempt_wakes_nobody(assembly: Assembly) -> None:
    """Raising is how an attempt asks to be repeated, so its errors have no alarm."""
    watched = [
        dimension["Value"]["Ref"]
        for made in alarms(assembly).values()
        if made.get("MetricName") == "Errors"
        for dimension in made["Dimensions"]
    ]

    assert sorted(set(FUNCTIONS) - {"Attempt"}) == sorted(watched)


def test_a_disabled_receiver_wakes_somebody(assembly: Assembly) -> None:
    """The alarm counts what `attempt` says in its log of callbacks that aren't sent any more."""
    assembly.recorder.has_resource_properties(
        "AWS::Logs::MetricFilter",
        {
            "FilterPattern": f'{{ $.given_up = "{GivenUpReason.DISABLED}" }}',
            "LogGroupName": {"Ref": Match.string_like_regexp("^AttemptLogs")},
            "MetricTransformations": [
                {
                    "MetricName": "CallbacksToDisabled",
                    "MetricNamespace": "Tapedeck",
                    "MetricValue": "1",
                }
            ],
        },
    )
    assembly.recorder.has_resource_properties(
        "AWS::CloudWatch::Alarm", {"MetricName": "CallbacksToDisabled", "Threshold": 1}
    )


def test_the_first_refused_secret_wakes_somebody(assembly: Assembly) -> None:
    """The alarm watches the figure that every function's log counts, under the same names."""
    lines: list[str] = []
    LoggedCounters(lines.append, lambda: T0).count(Figure.REFUSED_SECRETS, {})
    line = json.loads(lines[0])
    (metric,) = line["_aws"]["CloudWatchMetrics"]

    assembly.recorder.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": metric["Namespace"],
            "MetricName": metric["Metrics"][0]["Name"],
            "Dimensions": [{"Name": name, "Value": line[name]} for name in metric["Dimensions"][0]],
            "Statistic": "Sum",
            "Threshold": 1,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        },
    )
