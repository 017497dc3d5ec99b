"""The worlds that the contract tests of the row ports run in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.adapters.dynamodb_world import DynamoCore
from tests.fakes import FakeCore
from tests.samples import later


@pytest.fixture(scope="session")
def moto_client() -> Iterator[Any]:
    """A DynamoDB client whose far end is moto."""
    with mock_aws():
        yield boto3.client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@pytest.fixture(params=["fake", "moto"])
def core(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A database of its own for each test, once in memory and once as tables."""
    if request.param == "fake":
        yield FakeCore()
        return
    client = request.getfixturevalue("moto_client")
    world = DynamoCore(client, str(abs(hash(request.node.name))), lambda: later(3600))
    yield world
    for name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)
