"""What the Lambda functions logged, saved before the local AWS forgets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_QUICK = Config(connect_timeout=2, read_timeout=10, retries={"max_attempts": 1})

_FRAMES = ("START RequestId", "END RequestId", "REPORT RequestId")
"""what Lambda itself says around every invocation"""


def save_logs(client_options: Mapping[str, Any], file: Path) -> None:
    """Write all log events of all functions, oldest first; a local AWS that is gone has none."""
    client = boto3.client("logs", config=_QUICK, **client_options)
    try:
        lines = sorted(_lines(client), key=_instant)
    except (BotoCoreError, ClientError) as error:
        lines = [(0, f"The logs can't be read: {error}")]
    file.write_text("".join(f"{text.rstrip()}\n" for _, text in lines))


def _lines(client: Any) -> Iterator[tuple[int, str]]:
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            short = name.rsplit("/", 1)[-1]
            for events in client.get_paginator("filter_log_events").paginate(logGroupName=name):
                for event in events["events"]:
                    if not event["message"].startswith(_FRAMES):
                        yield event["timestamp"], f"{short}  {event['message']}"


def _instant(line: tuple[int, str]) -> int:
    return line[0]
