"""The worker's figures, once a minute: a log line that CloudWatch reads as embedded metrics.

Such a line is any JSON object with an `_aws` member that says which of the others are metrics
(CloudWatch user guide, "Embedded metric format specification"), so the log's own keys may stay.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from chalicelib.sink.health import Health
from chalicelib.sink.hub import Hub
from chalicelib.sink.limits import Limits

NAMESPACE = "Tapedeck"
DIMENSIONS = {"Service": "sink"}
"""one for all workers: each more is a metric more to pay for"""

UNITS = {
    "LiveCalls": "Count",
    "Sockets": "Count",
    "RtpPorts": "Count",
    "Taps": "Count",
    "Degraded": "Count",
    "MessagesRefused": "Count",
    "TapMessagesDropped": "Count",
    "JournalPutFailures": "Count",
    "SegmentPutFailures": "Count",
    "DatabaseFailures": "Count",
    "MailboxFailures": "Count",
    "LostBytes": "Bytes",
}
"""every figure; infra scales on LiveCalls and wakes somebody up for Degraded"""

_log = logging.getLogger(__name__)


def embedded(values: Mapping[str, int], at: datetime) -> dict[str, object]:
    """Return a log line's keys for these metrics."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(DIMENSIONS)],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
    }
    told = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": told, **DIMENSIONS, **values}


class Metrics:
    """Tells what there is now, and what was counted since the last time."""

    def __init__(
        self,
        worker: str,
        hub: Hub,
        health: Health,
        limits: Limits,
        ports: Callable[[], int] = lambda: 0,
    ) -> None:
        self._worker = worker
        self._hub = hub
        self._health = health
        self._limits = limits
        self._ports = ports
        self._told = self._counts()

    async def keep(self) -> None:
        """Tell every minute, and a last time when cancelled."""
        try:
            while True:
                await asyncio.sleep(self._limits.metrics_every_s)
                self._tell()
        finally:
            self._tell()

    def _tell(self) -> None:
        counts = self._counts()
        values = {
            "LiveCalls": self._hub.calls,
            "Sockets": self._hub.sockets,
            "RtpPorts": self._ports(),
            "Taps": self._hub.taps,
            "Degraded": int(
                self._health.is_ailing or counts["LostBytes"] > self._told["LostBytes"]
            ),
            **{name: count - self._told[name] for name, count in counts.items()},
        }
        self._told = counts
        labels = {"worker": self._worker, "degraded": self._health.degraded}
        _log.info("the worker's figures", extra={**embedded(values, datetime.now(UTC)), **labels})

    def _counts(self) -> Counter[str]:
        """Count what only grows, since the worker began."""
        failures = self._health.failures
        return Counter(
            {
                "MessagesRefused": self._hub.refused,
                "TapMessagesDropped": self._hub.tap_drops,
                "JournalPutFailures": failures["journal"],
                "SegmentPutFailures": failures["segments"],
                "DatabaseFailures": failures["database"] + failures["lease"],
                "MailboxFailures": failures["mailbox"],
                "LostBytes": self._health.lost.total(),
            }
        )
