"""One table: how rows are read and written; `layout.py` says which rows there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.adapters import botocore_errors
from chalicelib.adapters.dynamodb.row_codec import Row, marshal, unmarshal
from chalicelib.errors import Unavailable

_NAME = re.compile(r"#(\w+)")
_CONFLICT_TRIES = 5
"""of a transaction that met another one: a round trip later that other one is over"""
_BATCH = 100
_BATCH_TRIES = 5

Part = dict[str, Any]
"""a transaction's item"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A condition: `#name` is an attribute, `:name` one of the values."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


NEW = Where(text="attribute_not_exists(#pk)")
THERE = Where(text="attribute_exists(#pk)")


class Table:
    """One table, spoken to in plain values. Reads of rows are consistent, those of an index not.

    Raises PreconditionFailed where a condition doesn't hold, Unavailable where no answer comes.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, pk: str, sk: str) -> Row | None:
        """Return a row, or None."""
        with botocore_errors.translated("get"):
            answer = self._client.get_item(
                TableName=self._name, Key=marshal({"pk": pk, "sk": sk}), ConsistentRead=True
            )
        return unmarshal(answer["Item"]) if "Item" in answer else None

    def get_all(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Row]:
        """Return the rows that exist, by key."""
        found: dict[tuple[str, str], Row] = {}
        for start in range(0, len(keys), _BATCH):
            for row in self._batch(keys[start : start + _BATCH]):
                found[row["pk"], row["sk"]] = row
        return found

    def query(self, pk: str, first: str, last: str) -> Iterator[Row]:
        """Yield a partition's rows from one sort key to another, both included, in order."""
        request = _expressed(
            "KeyConditionExpression",
            Where(
                text="#pk = :pk AND #sk BETWEEN :first AND :last",
                values={"pk": pk, "first": first, "last": last},
            ),
        )
        yield from self._pages(request | {"ConsistentRead": True}, limit=None)

    def query_index(
        self, index: str, where: Where, *, limit: int, newest_first: bool = False
    ) -> Iterator[Row]:
        """Yield at most `limit` rows of an index: their keys only."""
        request = _expressed("KeyConditionExpression", where)
        request |= {"IndexName": index, "ScanIndexForward": not newest_first}
        yield from self._pages(request, limit=limit)

    def scan_index(self, index: str, where: Where) -> Iterator[Row]:
        """Yield an index's rows that fit, in no order: their keys only.

        It reads the whole index, so it is for the operator's commands: no function has the right.
        """
        request = _expressed("FilterExpression", where) | {"IndexName": index}
        while True:
            with botocore_errors.translated("scan"):
                answer = self._client.scan(TableName=self._name, **request)
            yield from map(unmarshal, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def put(self, row: Row, where: Where | None = None) -> None:
        """Write a whole row; without a condition, overwrite what is there."""
        part = self.putting(row, where)["Put"]
        with botocore_errors.translated("put"):
            self._client.put_item(**part)

    def update(self, pk: str, sk: str, change: Where, where: Where) -> None:
        """Change a row's attributes; `change` is an update expression with its values."""
        part = self.updating(pk, sk, change, where)["Update"]
        with botocore_errors.translated("update"):
            self._client.update_item(**part)

    def delete(self, pk: str, sk: str, where: Where | None = None) -> None:
        """Remove a row; without a condition, one that isn't there is success."""
        part = self.deleting(pk, sk, where)["Delete"]
        with botocore_errors.translated("delete"):
            self._client.delete_item(**part)

    def write(self, parts: Sequence[Part]) -> None:
        """Write all parts or none; they may be another table's."""
        for left in reversed(range(_CONFLICT_TRIES)):
            with botocore_errors.translated("transaction"):
                try:
                    self._client.transact_write_items(TransactItems=list(parts))
                    return
                except ClientError as error:
                    if not left or not _is_conflict(error):
                        raise

    def putting(self, row: Row, where: Where | None) -> Part:
        """Return a part that writes a whole row."""
        condition = _expressed("ConditionExpression", where) if where else {}
        return {"Put": {"TableName": self._name, "Item": marshal(row)} | condition}

    def updating(self, pk: str, sk: str, change: Where, where: Where) -> Part:
        """Return a part that changes a row's attributes."""
        both = _merged(
            _expressed("UpdateExpression", change), _expressed("ConditionExpression", where)
        )
        return {"Update": {"TableName": self._name, "Key": marshal({"pk": pk, "sk": sk})} | both}

    def deleting(self, pk: str, sk: str, where: Where | None = None) -> Part:
        """Return a part that removes a row."""
        condition = _expressed("ConditionExpression", where) if where else {}
        return {
            "Delete": {"TableName": self._name, "Key": marshal({"pk": pk, "sk": sk})} | condition
        }

    def _pages(self, request: dict[str, Any], limit: int | None) -> Iterator[Row]:
        left = limit
        while left is None or left > 0:
            if left is not None:
                request["Limit"] = left
            with botocore_errors.translated("query"):
                answer = self._client.query(TableName=self._name, **request)
            yield from map(unmarshal, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            left = left - len(answer["Items"]) if left is not None else None

    def _batch(self, keys: Sequence[tuple[str, str]]) -> Iterable[Row]:
        wanted = [marshal({"pk": pk, "sk": sk}) for pk, sk in keys]
        for _ in range(_BATCH_TRIES):
            if not wanted:
                return
            with botocore_errors.translated("batch get"):
                answer = self._client.batch_get_item(
                    RequestItems={self._name: {"Keys": wanted, "ConsistentRead": True}}
                )
            yield from map(unmarshal, answer["Responses"].get(self._name, []))
            wanted = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
        if wanted:
            raise Unavailable(f"batch get: {len(wanted)} rows not read in {_BATCH_TRIES} tries")


def _is_conflict(error: ClientError) -> bool:
    found = set(botocore_errors.reasons(error))
    return "TransactionConflict" in found and "ConditionalCheckFailed" not in found


def _expressed(kind: str, where: Where) -> dict[str, Any]:
    """Return an expression with its names and values as a request's arguments."""
    request: dict[str, Any] = {kind: where.text}
    if names := {f"#{name}": name for name in _NAME.findall(where.text)}:
        request["ExpressionAttributeNames"] = names
    if where.values:
        request["ExpressionAttributeValues"] = {
            f":{name}": value for name, value in marshal(where.values).items()
        }
    return request


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = one | other
    for key in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        if both := one.get(key, {}) | other.get(key, {}):
            merged[key] = both
    return merged
