"""The worker's degraded parts, for the load balancer, the lease and the log."""

from __future__ import annotations

import logging
from collections import Counter

_log = logging.getLogger(__name__)


class Health:
    """The degraded parts and their reasons; each is logged when it begins and when it ends."""

    def __init__(self) -> None:
        self._degraded_parts: dict[str, str] = {}
        self.lost: Counter[str] = Counter()
        """bytes dropped, by reason; they only grow"""
        self.failures: Counter[str] = Counter()
        """failed requests, by part; they only grow"""

    def degrade(self, part: str, reason: str) -> None:
        """Note that a part failed, and why."""
        self.failures[part] += 1
        if self._degraded_parts.get(part) != reason:
            self._degraded_parts[part] = reason
            _log.warning("a part of the worker is degraded", extra={"part": part, "reason": reason})

    def recover(self, part: str) -> None:
        """Note that a part works again."""
        if self._degraded_parts.pop(part, None) is not None:
            _log.info("a part of the worker has recovered", extra={"part": part})

    def lose(self, reason: str, size: int) -> None:
        """Count bytes of media that had to be dropped."""
        self.lost[reason] += size
        _log.error("media was dropped", extra={"reason": reason, "bytes": size})

    def is_degraded(self, part: str) -> bool:
        """Whether a part is degraded now."""
        return part in self._degraded_parts

    @property
    def is_any_degraded(self) -> bool:
        """Whether any part is degraded now."""
        return bool(self._degraded_parts)

    @property
    def degraded(self) -> str:
        """Return what is degraded, and what was lost; empty if nothing is."""
        reasons = [f"{part}: {reason}" for part, reason in self._degraded_parts.items()]
        reasons += [f"dropped {size} bytes: {reason}" for reason, size in self.lost.items()]
        return "; ".join(reasons)
