"""Log lines as JSON: a constant sentence plus keys; no payload, no token, no phone number."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""what every log record has; the rest are the line's keys"""


class JsonLines(logging.Formatter):
    """One line, one object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "said": record.getMessage(),
            "by": record.name,
        }
        line |= {key: value for key, value in vars(record).items() if key not in _OWN}
        if record.exc_info:
            line["failure"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def begin() -> None:
    """Write this process's log to standard output."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[lines])
    for noisy in ("boto3", "botocore", "urllib3", "picows", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
