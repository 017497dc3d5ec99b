"""Logs the worker's metrics once a minute, in CloudWatch's embedded metric format.

Such a line is a JSON object whose `_aws` member says which of the other members are metrics
(CloudWatch user guide, "Embedded metric format specification"); the log's own keys can stay.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from chalicelib.sink.call_registry import CallRegistry
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits

NAMESPACE = "Tapedeck"
DIMENSIONS = {"Service": "sink"}
"""the same for all workers: every further dimension is a further metric to pay for"""

OF_GENERATION = ("LiveCalls", "Degraded")
"""also logged with the dimension Generation: one generation drains while another grows"""

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
"""every metric; infra scales on LiveCalls and alarms on Degraded"""

_log = logging.getLogger(__name__)


def embedded(values: Mapping[str, int], at: datetime, generation: int = 0) -> dict[str, object]:
    """Return a log line's keys for these metrics."""
    directives = [_directive(values, DIMENSIONS)]
    dimensions = dict(DIMENSIONS)
    if generation:
        dimensions["Generation"] = str(generation)
        directives.append(_directive(OF_GENERATION, dimensions))
    metadata = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": directives}
    return {"_aws": metadata, **dimensions, **values}


def _directive(names: Iterable[str], dimensions: Iterable[str]) -> dict[str, object]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in names],
    }


class Metrics:
    """Logs what there is now, and what was counted since the previous line."""

    def __init__(
        self,
        worker: str,
        call_registry: CallRegistry,
        health: Health,
        limits: Limits,
        ports: Callable[[], int] = lambda: 0,
        generation: int = 0,
    ) -> None:
        self._worker = worker
        self._generation = generation
        self._call_registry = call_registry
        self._health = health
        self._limits = limits
        self._ports = ports
        self._logged = self._counts()

    async def keep(self) -> None:
        """Log every minute, and once more when cancelled."""
        try:
            while True:
                await asyncio.sleep(self._limits.metrics_every_s)
                self._write()
        finally:
            self._write()

    def _write(self) -> None:
        counts = self._counts()
        values = {
            "LiveCalls": self._call_registry.live_calls,
            "Sockets": self._call_registry.sockets,
            "RtpPorts": self._ports(),
            "Taps": self._call_registry.taps,
            "WaitingBytes": self._call_registry.waiting_bytes,
            "Degraded": int(
                self._health.is_any_degraded or counts["LostBytes"] > self._logged["LostBytes"]
            ),
            **{name: count - self._logged[name] for name, count in counts.items()},
        }
        self._logged = counts
        labels = {"worker": self._worker, "degraded": self._health.degraded}
        figures = embedded(values, datetime.now(UTC), self._generation)
        _log.info("the worker's figures", extra={**figures, **labels})

    def _counts(self) -> Counter[str]:
        """Return the counters that only grow."""
        failures = self._health.failures
        return Counter(
            {
                "MessagesRefused": self._call_registry.refused,
                "StreamsCut": self._call_registry.cut,
                "TapMessagesDropped": self._call_registry.tap_drops,
                "JournalPutFailures": failures["journal"],
                "SegmentPutFailures": failures["segments"],
                "DatabaseFailures": failures["database"] + failures["lease"],
                "MailboxFailures": failures["mailbox"],
                "LostBytes": self._health.lost.total(),
            }
        )
