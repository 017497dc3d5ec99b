"""Figures in the log, as CloudWatch reads them."""

from __future__ import annotations

import json

from chalicelib.adapters.aws.counters import LoggedCounters
from chalicelib.ports.values import Figure
from tests.samples import T0


def test_a_figure_is_a_line_in_the_embedded_metric_format() -> None:
    """The members that the specification asks for, each target of the directive in the root, and
    what a reader wants to know beside it."""

    lines: list[str] = []

    LoggedCounters(lines.append, lambda: T0).count(
        Figure.REFUSED_SECRETS, {"account": "sales", "profile": "front"}
    )

    (line,) = lines
    assert line.endswith("}\n")
    assert 1 == line.count("\n")
    assert {
        "message": "Counted",
        "account": "sales",
        "profile": "front",
        "Service": "functions",
        "RefusedSecrets": 1,
        "_aws": {
            "Timestamp": 1_772_366_400_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Tapedeck",
                    "Dimensions": [["Service"]],
                    "Metrics": [{"Name": "RefusedSecrets", "Unit": "Count"}],
                }
            ],
        },
    } == json.loads(line)
