"""Counts every request that the AWS SDK sends, and what each is charged as.

It stands where botocore hands a request to the network, and answers with moto instead. DynamoDB's
units are computed from the items that really lie there before and after.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.backends import get_backend
from moto.core.models import botocore_stubber

from bench import prices
from bench.cost_units import Item, index_units, read_units, size_of, write_units

REGION = "us-east-1"
INDEXES: Mapping[str, tuple[str, str]] = {
    "by_call": ("gsi1pk", "gsi1sk"),
    "by_account": ("gsi2pk", "gsi2sk"),
    "due": ("duepk", "duesk"),
}
CALL = "call"
"""the phase in which calls are played"""

_ACCOUNT = "123456789012"
"""moto's own"""

_PARTITIONS = {"LEASES": "lease", "MAILBOX": "mailbox", "WORKER": "live stream"}
_PARTITIONS |= {
    "ACCOUNT": "profile",
    "WEBHOOK": "webhook",
    "ENDPOINT": "port",
    "RTP": "port",
    "RECEIVER": "receiver",
}
_SORTED = {"RECORD": "recording", "CALL": "call", "EVENT": "history", "OUTBOX": "callback"}
_SORTED |= {"STREAM": "stream", "STREAM-SAID": "announcement", "REC": "recording of a call"}
_SORTED |= {"WEBHOOK": "webhook", "TAP": "tap"}


class Charge(NamedTuple):
    """What is charged for, and what it is about."""

    phase: str
    price: str
    part: str


class Meter:
    """Counts from `running` on; `counts` are units of a price."""

    def __init__(self) -> None:
        self.counts: defaultdict[Charge, float] = defaultdict(float)
        self._lock = threading.RLock()
        self._here = threading.local()
        self._phase = CALL

    def watch(self, session: Any) -> None:
        """Count what clients of a botocore session send."""
        events = session.get_component("event_emitter")
        # All handlers are called, not only the first that answers: moto's own would write twice.
        events.unregister("before-send", botocore_stubber)
        events.register("before-send", self._answer)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count what is sent under a phase's name."""
        self._phase = name
        try:
            yield
        finally:
            self._phase = CALL

    @contextmanager
    def phase_here(self, name: str) -> Iterator[None]:
        """Count what this thread sends under a phase's name."""
        self._here.phase = name
        try:
            yield
        finally:
            del self._here.phase

    def add(self, price: str, part: str, count: float = 1) -> None:
        """Count something that no SDK sends."""
        with self._lock:
            phase = getattr(self._here, "phase", self._phase)
            self.counts[Charge(phase, price, part)] += count

    def stand_in_s(self) -> float:
        """Return the CPU seconds that answering took on this thread: it is no part of ours."""
        return getattr(self._here, "stand_in_s", 0.0)

    def _answer(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        service, operation = event_name.split(".")[1:]
        begun = time.thread_time()
        with self._lock:
            count = {"dynamodb": self._dynamodb, "s3": self._s3}.get(service, self._other)
            answer = count(operation, request)
        self._here.stand_in_s = self.stand_in_s() + time.thread_time() - begun
        return answer

    def _other(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        if operation == "Sign":  # the public key is asked for once in a process
            self.add(prices.SIGNATURE, operation)
        if operation == "PutEvents":
            self.add(prices.EVENT, "callback")
        return _asked(request)

    # --- S3

    def _s3(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        url = urlsplit(request.url)
        query = parse_qs(url.query)
        part = unquote(query.get("prefix", [url.path.lstrip("/")])[0])
        part = part.partition("/")[0]
        if part == "recordings" and operation != "ListObjectVersions":
            part = url.path.rpartition("/")[2].replace("recording.", "rendition.")
        if operation.startswith(("Put", "Create", "Upload", "Complete", "List")):
            self.add(prices.S3_WRITE, f"{part} {'list' if operation[0] == 'L' else 'put'}")
        elif not operation.startswith(("Delete", "Abort")):
            self.add(prices.S3_READ, f"{part} {'head' if operation[0] == 'H' else 'get'}")
        return _asked(request)

    # --- DynamoDB

    def _dynamodb(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        asked = json.loads(request.body)
        written = _written(operation, asked)
        before = [_stored(table, key) for table, key in written]
        answer = _asked(request)
        if written:
            in_transaction = operation == "TransactWriteItems"
            for (table, key), was in zip(written, before, strict=True):
                self._count_write(key, was, _stored(table, key), in_transaction)
        elif operation in ("GetItem", "BatchGetItem", "Query"):
            self._count_reads(operation, asked, json.loads(answer.content))
        return answer

    def _count_write(
        self, key: Item, before: Item | None, after: Item | None, transacted: bool
    ) -> None:
        part = _part(key)
        units = write_units(before, after, in_transaction=transacted)
        self.add(prices.WRITE_UNIT, f"{part} row", units)
        for name, keys in INDEXES.items():
            if units := index_units(keys, before, after):
                self.add(prices.WRITE_UNIT, f"{part} in {name}", units)

    def _count_reads(self, operation: str, asked: Any, found: Any) -> None:
        if operation == "BatchGetItem":
            ((table, wanted),) = asked["RequestItems"].items()
            sizes = [size_of(item) for item in found["Responses"].get(table, [])]
            sizes += [0] * (len(wanted["Keys"]) - len(sizes))
            part = _part(wanted["Keys"][0])
        elif operation == "Query":
            wanted = asked
            sizes = [sum(size_of(item) for item in found["Items"])]
            values = asked["ExpressionAttributeValues"]
            index = asked.get("IndexName")
            sort = values.get(":first", {"S": ""})
            part = f"index {index}" if index else _part({"pk": values[":pk"], "sk": sort})
        else:
            sizes, wanted = [size_of(found.get("Item", {}))], asked
            part = _part(asked["Key"])
        is_consistent = wanted.get("ConsistentRead", False)
        units = sum(read_units(size, is_consistent=is_consistent) for size in sizes)
        self.add(prices.READ_UNIT, f"{part} {'query' if operation == 'Query' else 'get'}", units)


def _asked(request: AWSPreparedRequest) -> AWSResponse:
    answer = botocore_stubber("before-send", request)
    assert answer is not None, request.url
    return answer


def _written(operation: str, asked: Any) -> list[tuple[str, Item]]:
    """Return table and key of each item that a request writes."""
    if operation == "TransactWriteItems":
        parts = [next(iter(part.values())) for part in asked["TransactItems"]]
    elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
        parts = [asked]
    else:
        return []
    found = [(part["TableName"], part.get("Key") or part["Item"]) for part in parts]
    return [(table, {"pk": item["pk"], "sk": item["sk"]}) for table, item in found]


def _stored(table: str, key: Item) -> Item | None:
    backend = get_backend("dynamodb")[_ACCOUNT][REGION]
    item = backend.get_item(table, dict(key))
    return item.to_json()["Attributes"] if item is not None else None


def _part(key: Item) -> str:
    """Return what a row is, by its key."""
    partition = key["pk"]["S"].partition("#")[0]
    sort = key["sk"]["S"].partition("#")[0]
    return _PARTITIONS.get(partition) or _SORTED.get(sort) or f"{partition} {sort}"
