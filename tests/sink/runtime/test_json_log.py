"""What the sink's log lines hold."""

from __future__ import annotations

import json
import logging
import sys

from chalicelib.sink.runtime.json_log import JsonLines


def told(**changes: object) -> dict[str, object]:
    record = logging.makeLogRecord(
        {"name": "a", "levelname": "ERROR", "msg": "it failed", **changes}
    )
    line: dict[str, object] = json.loads(JsonLines().format(record))
    return line


def test_a_line_is_its_sentence_and_its_keys() -> None:
    """One object a line."""

    line = told(code="bad", created=0.5)

    assert {
        "at": "1970-01-01T00:00:00.500+00:00",
        "level": "error",
        "said": "it failed",
        "by": "a",
        "code": "bad",
    } == line


def test_a_failure_is_its_class_and_its_place() -> None:
    """Its message may quote what a peer sent, and a traceback's lines quote nothing."""

    try:
        int("tel:+15551112222")
    except ValueError:
        line = told(exc_info=sys.exc_info())

    assert "ValueError" == line["failure"]
    assert "test_json_log.py:" in str(line["place"])
    assert "5551112222" not in json.dumps(line)


def test_nothing_is_said_of_no_failure() -> None:
    """`exc_info` without an exception."""

    assert "failure" not in told(exc_info=(None, None, None))
