"""Figures in CloudWatch, through a function's log.

A line of JSON with an `_aws` member says which of its other members are metrics (CloudWatch user
guide, "Embedded metric format specification"), so counting needs no request and no right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from chalicelib.ports.values import Figure

NAMESPACE = "Tapedeck"
DIMENSIONS = {"Service": "functions"}
"""one for all functions: an alarm needn't know which of them counted"""


class LoggedCounters:
    """Implements the port Counters."""

    def __init__(self, write: Callable[[str], object], now: Callable[[], datetime]) -> None:
        self._write = write
        self._now = now

    def count(self, figure: Figure, facts: Mapping[str, str]) -> None:
        """Count one event; the log line carries its facts, too."""
        metric = {
            "Namespace": NAMESPACE,
            "Dimensions": [list(DIMENSIONS)],
            "Metrics": [{"Name": str(figure), "Unit": "Count"}],
        }
        told = {
            "Timestamp": int(self._now().timestamp() * 1000),
            "CloudWatchMetrics": [metric],
        }
        line = {"message": "Counted", **facts, "_aws": told, **DIMENSIONS, str(figure): 1}
        self._write(json.dumps(line) + "\n")
