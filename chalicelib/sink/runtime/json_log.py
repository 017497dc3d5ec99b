"""Writes log lines as JSON: a constant sentence and keys; no payload, token or phone number.

By hand: Powertools' Logger belongs to Lambda's context, and the sink's image holds no AWS Lambda
code.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from traceback import extract_tb

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""the attributes of every log record; all others are the line's own keys"""


class JsonLines(logging.Formatter):
    """Formats a record as one line with one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "said": record.getMessage(),
            "by": record.name,
        }
        line |= {key: value for key, value in vars(record).items() if key not in _OWN}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _failure(record.exc_info[1])
        return json.dumps(line, default=str)


def _failure(error: BaseException) -> dict[str, object]:
    """Return an error's class and where it was raised; its message may quote what a peer sent."""
    places = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
    return {"failure": type(error).__name__, "place": places}


def begin() -> None:
    """Log to standard output from now on."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[lines])
    for noisy in ("boto3", "botocore", "urllib3", "picows", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
