"""A table whose other end answers in parts, or meets another transaction."""

from __future__ import annotations

from dataclasses import MISSING, field, fields, make_dataclass, replace
from typing import Any, get_type_hints

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.dynamodb.row_codec import from_row, marshal, to_row, unmarshal
from chalicelib.adapters.dynamodb.table import NEW, Table, Where
from chalicelib.errors import PreconditionFailed, TapedeckError, Unavailable
from chalicelib.recording.model import Ending, Recording, Stream
from tests.samples import a_recording, a_stream


class Client:
    """A DynamoDB client that answers as it is told, one answer after the other."""

    def __init__(self, *answers: Any) -> None:
        self.requests: list[dict[str, Any]] = []
        self._answers = list(answers)

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self.requests.append(request)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def cancelled(*reasons: str) -> ClientError:
    """Return the answer to a transaction that was cancelled."""
    return ClientError(
        {
            "Error": {"Code": "TransactionCanceledException", "Message": "m"},
            "CancellationReasons": [{"Code": reason} for reason in reasons],
        },
        "TransactWriteItems",
    )


def test_a_transaction_that_met_another_one_is_written_again() -> None:
    """Two that touch one row at once: the later one waits a round trip, and nobody hears of it."""

    client = Client(cancelled("None", "TransactionConflict"), {})
    table = Table(client, "core")

    table.write([table.putting({"pk": "a", "sk": "b"}, NEW)])

    assert 2 == len(client.requests)


def test_a_transaction_that_always_meets_another_one_is_unavailable() -> None:
    """There is an end to trying."""

    client = Client(cancelled("TransactionConflict"))

    with pytest.raises(Unavailable):
        Table(client, "core").write([])
    assert 5 == len(client.requests)


def test_a_transaction_that_lost_is_not_written_again() -> None:
    """A condition that fails beside a conflict is a lost race."""

    client = Client(cancelled("TransactionConflict", "ConditionalCheckFailed"))

    with pytest.raises(PreconditionFailed):
        Table(client, "core").write([])
    assert 1 == len(client.requests)


def test_rows_that_were_left_out_are_read_again() -> None:
    """A batch that the table answers in part is read until it is whole."""

    one, two = marshal({"pk": "1", "sk": "x"}), marshal({"pk": "2", "sk": "x"})
    client = Client(
        {"Responses": {"core": [one]}, "UnprocessedKeys": {"core": {"Keys": [two]}}},
        {"Responses": {"core": [two]}},
    )

    found = Table(client, "core").get_all([("1", "x"), ("2", "x")])

    assert {("1", "x"), ("2", "x")} == set(found)
    assert [two] == client.requests[1]["RequestItems"]["core"]["Keys"]


def test_rows_that_are_always_left_out_are_unavailable() -> None:
    """A table that reads nothing of a batch doesn't answer."""

    key = marshal({"pk": "1", "sk": "x"})
    client = Client({"Responses": {}, "UnprocessedKeys": {"core": {"Keys": [key]}}})

    with pytest.raises(Unavailable):
        Table(client, "core").get_all([("1", "x")])


def test_a_long_partition_is_read_page_by_page() -> None:
    """A query goes on where its last page ended."""

    row = marshal({"pk": "1", "sk": "x"})
    client = Client({"Items": [row], "LastEvaluatedKey": row}, {"Items": [row]})

    assert 2 == len(list(Table(client, "core").query("1", "a", "z")))
    assert row == client.requests[1]["ExclusiveStartKey"]


def test_an_index_is_read_whole() -> None:
    """A scan goes on where its last page ended."""

    row = marshal({"pk": "1", "sk": "x"})
    client = Client({"Items": [row], "LastEvaluatedKey": row}, {"Items": [row]})
    where = Where(text="begins_with(#pk, :first)", values={"first": "1"})

    assert 2 == len(list(Table(client, "core").scan_index("by_account", where)))
    assert row == client.requests[1]["ExclusiveStartKey"]


def test_rows_are_read_as_they_are_now() -> None:
    """A row, a partition and a batch are each read consistently; only an index can't be."""

    client = Client({"Items": [], "Responses": {}})
    table = Table(client, "core")

    table.get("1", "x")
    list(table.query("1", "a", "z"))
    table.get_all([("1", "x")])
    list(table.query_index("due", Where(text="#duepk = :pk", values={"pk": "DUE#1"}), limit=1))

    row, partition, batch, index = client.requests
    asked = [one.get("ConsistentRead") for one in (row, partition, *batch["RequestItems"].values())]
    assert [True, True, True] == asked
    assert "ConsistentRead" not in index


def test_more_rows_than_a_batch_holds_are_read_in_several() -> None:
    """DynamoDB reads 100 rows at once: the 101st comes with the second request."""

    keys = [(str(number), "x") for number in range(101)]
    client = Client({"Responses": {}})

    Table(client, "core").get_all(keys)

    sizes = [len(one["RequestItems"]["core"]["Keys"]) for one in client.requests]
    assert [100, 1] == sizes


def test_numbers_texts_and_lists_survive_their_types() -> None:
    """DynamoDB's typed attributes give back what they were given."""

    row = {"a": None, "b": True, "c": 1, "d": 1.5, "e": 1e-7, "f": "", "g": [1, {"h": "x"}]}

    assert row == unmarshal(marshal(row))


def test_defaults_are_not_stored() -> None:
    """A row is as long as what its value says; a missing field is its default."""

    row = to_row(a_recording())

    assert {"continues", "gaps", "quality", "due_at"}.isdisjoint(row)
    assert a_recording() == from_row(row, Recording)
    with pytest.raises(TypeError):
        to_row("text")


def test_a_version_that_lacks_a_field_reads_the_rest() -> None:
    """Workers and functions of two versions live beside each other: a stream's reason is new."""
    types = get_type_hints(Stream)
    older = make_dataclass(
        "Stream",
        [
            (one.name, types[one.name])
            if one.default is MISSING
            else (one.name, types[one.name], field(default=one.default))
            for one in fields(Stream)
            if one.name != "reason"
        ],
        frozen=True,
        kw_only=True,
    )
    stream = a_stream(ending=Ending.BROKEN, reason="stream_too_long")

    read = from_row(to_row(stream), older)

    assert {one.name: getattr(stream, one.name) for one in fields(older)} == {
        one.name: getattr(read, one.name) for one in fields(older)
    }
    assert stream == from_row(to_row(stream), Stream)
    assert "" == from_row(to_row(replace(stream, reason="")), Stream).reason


def test_a_row_of_another_version_is_told_and_fails_alone() -> None:
    """A word that we don't know yet is one of our own errors: a sweep counts it and goes on."""

    row = to_row(a_recording()) | {"pk": "REC#1", "sk": "RECORD", "state": "dreaming"}

    with pytest.raises(TapedeckError, match="REC#1 RECORD is no Recording") as caught:
        from_row(row, Recording)
    assert "bad_row" == caught.value.code
