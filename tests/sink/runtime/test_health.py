"""What the worker says of itself."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.json_log import JsonLines


def test_an_ailment_is_told_until_it_is_mended(caplog: pytest.LogCaptureFixture) -> None:
    """A degraded part is listed once, and logged when it degrades and when it recovers."""

    caplog.set_level(logging.INFO)
    health = Health()

    health.degrade("segments", "slow_down")
    health.degrade("segments", "slow_down")
    health.degrade("lease", "unavailable")

    assert "segments: slow_down; lease: unavailable" == health.degraded
    assert (True, False) == (health.is_degraded("lease"), health.is_degraded("journal"))
    health.recover("segments")
    health.recover("segments")
    health.recover("lease")
    assert ("", 4) == (health.degraded, len(caplog.records))


def test_what_was_lost_is_never_forgotten() -> None:
    """Bytes that were dropped stay told."""

    health = Health()

    health.lose("full", 10)
    health.lose("full", 5)

    assert "dropped 15 bytes: full" == health.degraded


def test_a_log_line_is_an_object_of_a_sentence_and_keys() -> None:
    """The sentence is constant, the values are keys beside it."""

    record = logging.makeLogRecord(
        {"name": "sink", "levelname": "INFO", "msg": "a thing happened", "calls": 3}
    )

    line = json.loads(JsonLines().format(record))

    assert ("info", "a thing happened", "sink", 3) == (
        line["level"],
        line["said"],
        line["by"],
        line["calls"],
    )


def test_a_failure_is_told_with_where_it_happened() -> None:
    """An exception's class and the places that it came through are two more keys."""

    try:
        raise ValueError("a value")
    except ValueError:
        record = logging.makeLogRecord({"levelname": "ERROR", "exc_info": sys.exc_info()})

    line = json.loads(JsonLines().format(record))
    assert ("ValueError", True) == (line["failure"], "test_health" in line["place"][0])
