"""Everything that a deployment logged, and everything that must not be in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import boto3

from infra.local.logs import save_logs
from tests.e2e.stage import Stage, Worker

PATTERNS: Mapping[str, re.Pattern[bytes]] = {
    "API key": re.compile(rb"tdk_[0-9a-f]{12}_[0-9a-f]{64}"),
    "webhook secret": re.compile(rb"whsec_[A-Za-z0-9+/=]{16,}"),
    "phone number": re.compile(rb"(?<![\w.])\+[1-9]\d{7,14}(?!\d)"),
    "digit's key": re.compile(rb'"(digit|digits|dtmf)":', re.IGNORECASE),
    "presigned URL": re.compile(rb"X-Amz-Signature="),
    "token": re.compile(rb"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{100,400}(?![A-Za-z0-9_-])"),
}
"""of what isn't seeded: anybody's, in the logs of a whole run"""

SPEAKS = ("Audit", "A webhook was taken in", "A task failed", "Swept")
"""sentences of the functions' log of which a run must have some: an empty log has no leak"""


def functions_log(stage: Stage, folder: Path) -> bytes:
    """Return what all Lambda functions said since the stage was deployed."""
    file = folder / "functions.log"
    save_logs(stage.aws.client_options, file)
    return file.read_bytes()


def logs(stage: Stage, worker: Worker, folder: Path) -> dict[str, bytes]:
    """Return every log by its name."""
    return {
        "the sink's log": worker.log.read_bytes(),
        "a function's log": functions_log(stage, folder),
    }


def executions(stage: Stage) -> bytes:
    """Return all that Step Functions keeps of executions: no log, but as easily read."""
    client = boto3.client("stepfunctions", **stage.aws.client_options)
    told = []
    for machine in client.list_state_machines()["stateMachines"]:
        for page in client.get_paginator("list_executions").paginate(
            stateMachineArn=machine["stateMachineArn"]
        ):
            for execution in page["executions"]:
                history = client.get_execution_history(executionArn=execution["executionArn"])
                told.append(history["events"])
    return json.dumps(told, default=str).encode()


def matches(texts: Mapping[str, bytes]) -> list[str]:
    """Return what looks like anybody's secret or number."""
    return [
        f"{what} in {name}: {match.group().decode(errors='replace')[:80]}"
        for name, text in texts.items()
        for what, pattern in PATTERNS.items()
        for match in pattern.finditer(text)
    ]
