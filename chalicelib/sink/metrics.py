"""The worker's figures, once a minute: a log line that CloudWatch reads as embedded metrics.

Such a line is any JSON object with an `_aws` member that says which of the others are metrics
(CloudWatch user guide, "Embedded metric format specification"), so the log's own keys may stay.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from chalicelib.sink.call_registry import Hub
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits

NAMESPACE = "Tapedeck"
DIMENSIONS = {"Service": "sink"}
"""one for all workers: each more is a metric more to pay for"""

OF_GENERATION = ("LiveCalls", "Degraded")
"""told once more with the dimension Generation: one that drains says nothing of one that grows"""

UNITS = {
    "LiveCalls": "Count",
    "Sockets": "Count",
    "RtpPorts": "Count",
    "Taps": "Count",
    "Degraded": "Count",
    "MessagesRefused": "Count",
    "StreamsCut": "Count",
    "TapMessagesDropped": "Count",
    "JournalPutFailures": "Count",
    "SegmentPutFailures": "Count",
    "DatabaseFailures": "Count",
    "MailboxFailures": "Count",
    "LostBytes": "Bytes",
    "WaitingBytes": "Bytes",
}
"""every figure; infra scales on LiveCalls and wakes somebody up for Degraded"""

_log = logging.getLogger(__name__)


def embedded(values: Mapping[str, int], at: datetime, generation: int = 0) -> dict[str, object]:
    """Return a log line's keys for these metrics."""
    directives = [_directive(values, DIMENSIONS)]
    dimensions = dict(DIMENSIONS)
    if generation:
        dimensions["Generation"] = str(generation)
        directives.append(_directive(OF_GENERATION, dimensions))
    told = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": directives}
    return {"_aws": told, **dimensions, **values}


def _directive(names: Iterable[str], dimensions: Iterable[str]) -> dict[str, object]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in names],
    }


class Metrics:
    """Tells what there is now, and what was counted since the last time."""

    def __init__(
        self,
        worker: str,
        hub: Hub,
        health: Health,
        limits: Limits,
        ports: Callable[[], int] = lambda: 0,
        generation: int = 0,
    ) -> None:
        self._worker = worker
        self._generation = generation
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
            "LiveCalls": self._hub.live_calls,
            "Sockets": self._hub.sockets,
            "RtpPorts": self._ports(),
            "Taps": self._hub.taps,
            "WaitingBytes": self._hub.waiting_bytes,
            "Degraded": int(
                self._health.is_any_degraded or counts["LostBytes"] > self._told["LostBytes"]
            ),
            **{name: count - self._told[name] for name, count in counts.items()},
        }
        self._told = counts
        labels = {"worker": self._worker, "degraded": self._health.degraded}
        figures = embedded(values, datetime.now(UTC), self._generation)
        _log.info("the worker's figures", extra={**figures, **labels})

    def _counts(self) -> Counter[str]:
        """Count what only grows, since the worker began."""
        failures = self._health.failures
        return Counter(
            {
                "MessagesRefused": self._hub.refused,
                "StreamsCut": self._hub.cut,
                "TapMessagesDropped": self._hub.tap_drops,
                "JournalPutFailures": failures["journal"],
                "SegmentPutFailures": failures["segments"],
                "DatabaseFailures": failures["database"] + failures["lease"],
                "MailboxFailures": failures["mailbox"],
                "LostBytes": self._health.lost.total(),
            }
        )
