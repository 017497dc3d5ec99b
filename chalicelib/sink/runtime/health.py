"""What the worker suffers from, for the load balancer, the lease and the log."""

from __future__ import annotations

import logging
from collections import Counter

_log = logging.getLogger(__name__)


class Health:
    """Ailments by part; the log hears of each when it comes and when it goes."""

    def __init__(self) -> None:
        self._degraded_parts: dict[str, str] = {}
        self.lost: Counter[str] = Counter()
        """bytes dropped, by reason; never forgotten"""
        self.failures: Counter[str] = Counter()
        """answers that a part didn't get; never forgotten"""

    def degrade(self, part: str, reason: str) -> None:
        """Note that a part suffers."""
        self.failures[part] += 1
        if self._degraded_parts.get(part) != reason:
            self._degraded_parts[part] = reason
            _log.warning("a part of the worker suffers", extra={"part": part, "reason": reason})

    def recover(self, part: str) -> None:
        """Note that a part is well again."""
        if self._degraded_parts.pop(part, None) is not None:
            _log.info("a part of the worker is well again", extra={"part": part})

    def lose(self, reason: str, size: int) -> None:
        """Count bytes of media that had to be dropped."""
        self.lost[reason] += size
        _log.error("media was dropped", extra={"reason": reason, "bytes": size})

    def is_degraded(self, part: str) -> bool:
        """Tell whether a part suffers now."""
        return part in self._degraded_parts

    @property
    def is_any_degraded(self) -> bool:
        """Tell whether a part suffers now."""
        return bool(self._degraded_parts)

    @property
    def degraded(self) -> str:
        """Say what suffers, or what was lost; empty when all is well."""
        reasons = [f"{part}: {reason}" for part, reason in self._degraded_parts.items()]
        reasons += [f"dropped {size} bytes: {reason}" for reason, size in self.lost.items()]
        return "; ".join(reasons)
