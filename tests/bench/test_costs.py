"""What requests are charged as, and what comes of it in an hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from moto import mock_aws

from bench import cost_model, prices
from bench.cost_meter import CALL, INDEXES, REGION, Charge, Meter
from bench.cost_model import IDLE, RECHECKED, Counted
from bench.cost_units import index_units, read_units, size_of, write_units
from chalicelib.adapters.dynamodb.table import NEW, Table, Where
from chalicelib.sink.runtime.limits import Limits
from tests.adapters import dynamodb_world


def test_an_items_size_is_its_names_and_values() -> None:
    """UTF-8 bytes; a number's digits in pairs and a byte; three bytes for what holds others, and
    one for each."""

    item = {"pk": {"S": "ü"}, "n": {"N": "-123"}, "m": {"M": {"a": {"BOOL": True}}}}
    assert (2 + 2) + (1 + 3) + (1 + 3 + 1 + 1 + 1) == size_of(item)
    assert 1 + 3 + 2 + (1 + 3) == size_of({"l": {"L": [{"S": "x"}, {"B": "YWJj"}]}})


def test_a_write_is_charged_by_the_larger_item() -> None:
    """Units of a kilobyte, before or after; twice in a transaction."""

    small, large = {"a": {"S": "x" * 1023}}, {"a": {"S": "x" * 1024}}
    assert 1 == write_units(None, small, in_transaction=False)
    assert 2 == write_units(large, small, in_transaction=False)
    assert 4 == write_units(small, large, in_transaction=True)
    assert 1 == write_units(None, None, in_transaction=False)


def test_an_index_is_charged_where_its_keys_change() -> None:
    """Once for an entry that goes, once for one that comes."""

    keys = ("duepk", "duesk")
    due, later = ({"duepk": {"S": "D"}, "duesk": {"S": at}} for at in ("1", "2"))
    assert [1, 0, 2, 1, 0] == [
        index_units(keys, before, after)
        for before, after in ((None, due), (due, due), (due, later), (due, {}), ({}, None))
    ]


def test_a_read_is_charged_by_four_kilobytes() -> None:
    """Half of it where it needn't be consistent; nothing found costs as much as little."""

    sizes = (0, 4096, 4097)
    assert [1, 1, 2] == [read_units(size, is_consistent=True) for size in sizes]
    assert [0.5, 0.5, 1.0] == [read_units(size, is_consistent=False) for size in sizes]


class Counting:
    """A table and a bucket whose requests are counted."""

    def __init__(self) -> None:
        session = get_session()
        session.set_credentials("test", "test")
        session.set_config_variable("region", REGION)
        self.meter = Meter()
        self.meter.watch(session)
        aws = boto3.Session(botocore_session=session)
        client = aws.client("dynamodb")
        name = dynamodb_world.create_table(client, "core", dynamodb_world.INDEXES)
        self.s3 = aws.client("s3")
        self.s3.create_bucket(Bucket="media")
        self.table = Table(client, name)
        self.meter.counts.clear()

    def counted(self) -> dict[tuple[str, str], float]:
        """Return the units so far by price and part."""
        return {(key.price, key.part): n for key, n in self.meter.counts.items()}


@pytest.fixture
def counting() -> Iterator[Counting]:
    """Everything of its own for each test."""
    with mock_aws():
        yield Counting()


def test_counts_what_lies_there(counting: Counting) -> None:
    """A move in a transaction costs its rows twice and its index's change once; a refused write
    costs what it would have."""

    row: dict[str, Any] = {"pk": "REC#1", "sk": "RECORD", "duepk": "DUE#1", "duesk": "x"}
    with counting.meter.phase("made"):
        counting.table.put(row, NEW)
    with pytest.raises(Exception, match="put"):
        counting.table.put(row, NEW)
    moved = Where(text="SET #body = :body REMOVE #duepk, #duesk", values={"body": "x" * 1024})
    event = counting.table.putting({"pk": "REC#1", "sk": "EVENT#1"}, NEW)
    counting.table.write(
        [
            counting.table.updating(
                "REC#1", "RECORD", moved, Where(text="#pk = :p", values={"p": "REC#1"})
            ),
            event,
        ]
    )
    counting.table.get("REC#1", "RECORD")
    list(counting.table.query("REC#1", "EVENT#", "RECORD"))
    assert {
        Charge("made", prices.WRITE_UNIT, "recording row"): 1,
        Charge("made", prices.WRITE_UNIT, "recording in due"): 1,
        Charge(CALL, prices.WRITE_UNIT, "recording row"): 1 + 4,
        Charge(CALL, prices.WRITE_UNIT, "recording in due"): 1,
        Charge(CALL, prices.WRITE_UNIT, "history row"): 2,
        Charge(CALL, prices.READ_UNIT, "recording get"): 1,
        Charge(CALL, prices.READ_UNIT, "history query"): 1,
    } == counting.meter.counts


def test_counts_s3_by_class(counting: Counting) -> None:
    """Puts and lists are dear, gets and heads are cheap whether they find something or not,
    deletions are free."""

    at = {"Bucket": "media"}
    counting.s3.put_object(**at, Key="journal/w/1", Body=b"x")
    with pytest.raises(ClientError):
        counting.s3.head_object(**at, Key="segments/a/b/c/w/1")
    counting.s3.get_object(**at, Key="journal/w/1")
    counting.s3.list_objects_v2(**at, Prefix="journal/w/")
    counting.s3.delete_objects(**at, Delete={"Objects": [{"Key": "journal/w/1"}]})
    assert {
        (prices.S3_WRITE, "journal put"): 1,
        (prices.S3_READ, "segments head"): 1,
        (prices.S3_READ, "journal get"): 1,
        (prices.S3_WRITE, "journal list"): 1,
    } == counting.counted()


def test_indexes_are_the_stacks() -> None:
    """What is charged for an index goes by the keys that the table has."""

    expected = {name: (f"{key}pk", f"{key}sk") for name, key in dynamodb_world.INDEXES}
    assert expected == dict(INDEXES)


def test_an_hour_is_what_was_counted() -> None:
    """Calls times what one costs, segments as often as a call of that length has one, what goes by
    the clock times its workers, a sweep a minute."""

    def run(calls: int, segments: int) -> Counted:
        put = Charge(CALL, prices.S3_WRITE, "segments put")
        row = Charge(CALL, prices.WRITE_UNIT, "call row")
        journal = Charge(CALL, prices.S3_WRITE, "journal put")
        look = Charge(RECHECKED, prices.READ_UNIT, "call query")
        counts = {put: calls * segments, row: calls * 10, journal: 20, look: calls * 2}
        return Counted(calls=calls, seconds=10, live_s=20, counts=counts, wire_bytes=calls * 1000)

    idle = {Charge(IDLE, prices.S3_WRITE, "journal list"): 1}
    found = cost_model.model(run(2, 1), run(4, 3), idle)
    hour = found.hour(20, replace(Limits(), segment_every_s=300.0))
    assert {
        "S3 put, list segments put": 3000 * 4,
        "DynamoDB write unit call row": 3000 * 10,
        "S3 put, list journal put": 4 * 3600,
        "DynamoDB read unit call query": 3000 * 2 * 2,
        "S3 put, list journal list": 4 * 60,
    } == {f"{key.price} {key.part}": round(n, 6) for key, n in hour.items()}
    assert round(
        (12_000 + 14_400 + 240) * 5e-6 + 30_000 * 0.625e-6 + 12_000 * 0.125e-6, 9
    ) == round(cost_model.dollars(hour), 9)
    assert 100.0 == found.wire_bytes_s
