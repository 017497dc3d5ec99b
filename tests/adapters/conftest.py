"""The worlds that the contract tests of the row ports run in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from tests.adapters.dynamodb_world import DynamoCore
from tests.conftest import MINISTACK
from tests.fakes import FakeCore
from tests.samples import later


@pytest.fixture(params=["fake", "moto", MINISTACK])
def core(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A database of its own for each test: in memory, and as tables of two emulators."""
    if request.param == "fake":
        yield FakeCore()
    elif request.param == "moto":
        with mock_aws():
            yield DynamoCore(_client(""), "moto", _now)
    else:
        endpoint = request.getfixturevalue("cloud").endpoint
        yield DynamoCore(_client(endpoint), str(uuid4()), _now)


@cache
def _client(endpoint: str) -> Any:
    # Making one takes longer than a test. Moto answers every client made after its import.
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint or None,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    # Both emulators always answer with the latest rows, so the requests are what can be wrong.
    for operation in ("GetItem", "BatchGetItem", "Query", "TransactGetItems", "Scan"):
        client.meta.events.register(
            f"before-parameter-build.dynamodb.{operation}", _refuse_old_reads
        )
    return client


def _refuse_old_reads(params: dict[str, Any], **_: Any) -> None:
    """Raise AssertionError for a read that may be old, unless it is an index's."""
    reads = params.get("RequestItems", {"": params}).values()
    assert all("IndexName" in read or read.get("ConsistentRead") for read in reads), params


def _now() -> datetime:
    return later(3600)
