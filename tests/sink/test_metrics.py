"""The worker's figures, as CloudWatch reads them from the log."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chalicelib.sink.metrics import UNITS, embedded
from chalicelib.sink.runtime.json_log import JsonLines
from tests.sink.rig import QUICK, STOP, Rig, media, run, start, until

EVERY = replace(QUICK, metrics_every_s=0.1)

NAME = {"type": "string", "minLength": 1, "maxLength": 1024}
DIRECTIVE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["Namespace", "Dimensions", "Metrics"],
    "properties": {
        "Namespace": NAME,
        "Dimensions": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "maxItems": 30, "items": NAME},
        },
        "Metrics": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["Name"],
                "properties": {"Name": NAME, "Unit": {"enum": ["Count", "Bytes"]}},
                "additionalProperties": False,
            },
        },
    },
}
SPECIFICATION = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {"type": "array", "items": DIRECTIVE},
            },
        }
    },
}
"""the embedded metric format's own schema, with the units that we use"""


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines with figures, as they stand in the log."""
    return [
        json.loads(JsonLines().format(record))
        for record in caplog.records
        if hasattr(record, "_aws")
    ]


def test_a_line_is_what_cloudwatch_takes_for_metrics(caplog: pytest.LogCaptureFixture) -> None:
    """One JSON object: every metric and dimension that it names is a member beside `_aws`."""

    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with Rig(limits=EVERY).running():
            await until(lambda: told(caplog))

    run(scenario)
    line = told(caplog)[0]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert [] == list(Draft202012Validator(SPECIFICATION).iter_errors(line))
    assert "sink" == line["Service"]
    assert {"number"} == {_type(line[metric["Name"]]) for metric in directive["Metrics"]}
    assert {"string"} == {_type(line[name]) for (name,) in directive["Dimensions"]}


def _type(value: object) -> str:
    return {int: "number", str: "string"}[type(value)]


def test_the_moment_is_in_milliseconds() -> None:
    """CloudWatch refuses a line of the wrong century."""

    line: Any = embedded({"LiveCalls": 3}, datetime(2026, 1, 2, tzinfo=UTC))

    assert (1767312000000, 3) == (line["_aws"]["Timestamp"], line["LiveCalls"])


def test_live_calls_and_sockets_are_those_of_the_moment(caplog: pytest.LogCaptureFixture) -> None:
    """A line of a worker without calls says 0, for the average over tasks."""

    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with Rig(limits=EVERY).running() as rig:
            await until(lambda: told(caplog))
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await until(lambda: told(caplog)[-1]["LiveCalls"])

    run(scenario)
    lines = told(caplog)
    assert [(0, 0), (1, 1)] == sorted({(line["LiveCalls"], line["Sockets"]) for line in lines})


def test_what_is_counted_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Sums over minutes and tasks are sums of what happened, on sockets that are gone too."""

    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with Rig(limits=EVERY).running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await socket.send("{}")
                await until(lambda: told(caplog) and told(caplog)[-1]["MessagesRefused"])
                await socket.send("{}")
            await asyncio.sleep(0.3)

    run(scenario)
    assert 2 == sum(line["MessagesRefused"] for line in told(caplog))


def test_streams_that_were_cut_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Those that this side ended, not those that their carriers did."""

    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with Rig(limits=replace(EVERY, stream_for_s=0.2)).running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await socket.send(STOP)
            async with rig.bandwidth() as socket:
                await socket.send(start("c-2"))
                await socket.wait_closed()
            await until(lambda: len(rig.control.closed) == 2)

    run(scenario)
    assert 1 == sum(line["StreamsCut"] for line in told(caplog))


def test_failed_puts_are_counted_and_degrade(caplog: pytest.LogCaptureFixture) -> None:
    """While the store is away the worker is degraded; when it is back, it isn't."""

    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        rig = Rig(limits=EVERY)
        async with rig.running(), rig.bandwidth() as socket:
            rig.store.is_away = True
            await socket.send(start())
            await socket.send(media(0))
            await until(lambda: told(caplog) and told(caplog)[-1]["Degraded"])
            rig.store.is_away = False
            await until(lambda: not told(caplog)[-1]["Degraded"])

    run(scenario)
    lines = told(caplog)
    assert sum(line["JournalPutFailures"] for line in lines) > 0
    assert "journal: slow_down" in {line["degraded"] for line in lines}


def test_what_was_lost_degrades_the_minute_of_its_loss(caplog: pytest.LogCaptureFixture) -> None:
    """An alarm that never ends would hide the next loss; the lease and /healthz still tell it."""

    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        rig = Rig(limits=EVERY)
        async with rig.running():
            rig.sink.health.lose("the store takes no segments", 160)
            await until(lambda: len(told(caplog)) > 1)

    run(scenario)
    first, second = told(caplog)[:2]
    assert (1, 160) == (first["Degraded"], first["LostBytes"])
    assert (0, 0) == (second["Degraded"], second["LostBytes"])
    assert second["degraded"]


def test_the_last_minute_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    """A worker that stops says what it counted since its last line."""

    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with Rig().running() as rig:
            rig.sink.health.lose("the store takes no segments", 160)

    run(scenario)
    assert [160] == [line["LostBytes"] for line in told(caplog)]


def test_a_generation_s_figures_are_told_apart() -> None:
    """Scaling and alarms read a generation's own; the whole sink's stay what they were."""
    line: Any = embedded(dict.fromkeys(UNITS, 1), datetime.now(UTC), generation=7)
    whole, own = line["_aws"]["CloudWatchMetrics"]

    Draft202012Validator(SPECIFICATION).validate(line)
    assert ([["Service"]], set(UNITS)) == (
        whole["Dimensions"],
        {m["Name"] for m in whole["Metrics"]},
    )
    assert [["Service", "Generation"]] == own["Dimensions"]
    assert {"LiveCalls", "Degraded"} == {metric["Name"] for metric in own["Metrics"]}
    assert ("sink", "7") == (line["Service"], line["Generation"])
