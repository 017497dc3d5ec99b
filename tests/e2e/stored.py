"""Everything that a deployment holds: every version of every object, every row, a worker's log."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import boto3

from tests.e2e.stage import Stage, Worker


def objects(stage: Stage) -> Iterator[tuple[str, bytes]]:
    """Yield the key and the body of every version of every object in every bucket."""
    client = boto3.client("s3", **stage.aws.client_options)
    for bucket in client.list_buckets()["Buckets"]:
        name = bucket["Name"]
        for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
            for version in page.get("Versions", ()):
                where = {"Bucket": name, "Key": version["Key"]}
                known = {"VersionId": version["VersionId"]} if version["VersionId"] else {}
                try:
                    answer = client.get_object(**where, **known)
                except client.exceptions.NoSuchKey:
                    continue  # it goes while we look
                yield version["Key"], answer["Body"].read()


def rows(stage: Stage) -> Iterator[dict[str, Any]]:
    """Yield every row of every table, typed as DynamoDB has it."""
    client = boto3.client("dynamodb", **stage.aws.client_options)
    for table in client.list_tables()["TableNames"]:
        for page in client.get_paginator("scan").paginate(TableName=table):
            yield from page["Items"]


def holding(stage: Stage, worker: Worker, frames: Iterable[bytes]) -> list[str]:
    """Return the names of what holds any of these frames: objects as they are, rows and the log in
    base64."""
    wanted = list(frames)
    spelled = [base64.b64encode(frame) for frame in wanted]
    texts = {
        "rows": json.dumps(list(rows(stage)), default=repr).encode(),
        "log": worker.log.read_bytes(),
    }
    return [
        *(name for name, body in objects(stage) if any(one in body for one in wanted)),
        *(name for name, text in texts.items() if any(one in text for one in spelled)),
    ]


def erased_at(stage: Stage, call_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return of each recording of these calls that is erased when that was asked for, and when it
    was done."""
    found = {}
    for row in rows(stage):
        told = row.get("erasure", {}).get("M", {})
        if told and row["call"]["M"]["call_id"]["S"] in call_ids:
            done = told.get("ended_at", {}).get("S", "")
            found[row["recording_id"]["S"]] = (told["asked_at"]["S"], done)
    return found
