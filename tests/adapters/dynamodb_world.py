"""The row ports over real tables: what a contract test runs against beside the fake."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib.adapters.dynamodb.accounts import DynamoApiKeys, DynamoProfiles
from chalicelib.adapters.dynamodb.calls import DynamoCallLife, DynamoCalls, DynamoLiveStreams
from chalicelib.adapters.dynamodb.inbox import DynamoInbox
from chalicelib.adapters.dynamodb.leases import DynamoLeases
from chalicelib.adapters.dynamodb.mailbox import DynamoMailbox
from chalicelib.adapters.dynamodb.outbox import DynamoDueWork, DynamoOutbox, DynamoReceivers
from chalicelib.adapters.dynamodb.port_claims import DynamoPortClaims
from chalicelib.adapters.dynamodb.recordings import DynamoHistory, DynamoRecordings
from chalicelib.adapters.dynamodb.retaps import DynamoRetaps
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.adapters.dynamodb.taps import DynamoTaps

INDEXES = (("by_call", "gsi1"), ("by_account", "gsi2"), ("due", "due"))


class DynamoCore:
    """The same attributes as FakeCore's, over tables of their own."""

    def __init__(self, client: Any, suffix: str, now: Callable[[], datetime]) -> None:
        core = Table(client, create_table(client, f"core-{suffix}", INDEXES))
        hot = Table(client, create_table(client, f"hot-{suffix}", ()))
        self.core = core
        self.recordings = DynamoRecordings(core, now)
        self.taps = DynamoTaps(core)
        self.history = DynamoHistory(core)
        self.outbox = DynamoOutbox(core)
        self.receivers = DynamoReceivers(core)
        self.calls = DynamoCalls(core, now)
        self.call_life = DynamoCallLife(core, hot)
        self.live_streams = DynamoLiveStreams(self.calls, hot)
        self.due_work = DynamoDueWork(core)
        self.inbox = DynamoInbox(core)
        self.profiles = DynamoProfiles(core)
        self.api_keys = DynamoApiKeys(core)
        self.leases = DynamoLeases(hot)
        self.retaps = DynamoRetaps(hot)
        self.mailbox = DynamoMailbox(hot)
        self.port_claims = DynamoPortClaims(hot)


def create_table(client: Any, name: str, indexes: tuple[tuple[str, str], ...]) -> str:
    keys = ["pk", "sk", *(f"{prefix}{key}" for _, prefix in indexes for key in ("pk", "sk"))]
    more: dict[str, Any] = {}
    if indexes:
        more["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index,
                "KeySchema": _schema(f"{prefix}pk", f"{prefix}sk"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, prefix in indexes
        ]
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=_schema("pk", "sk"),
        **more,
    )
    return name


def _schema(pk: str, sk: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": pk, "KeyType": "HASH"},
        {"AttributeName": sk, "KeyType": "RANGE"},
    ]
