"""The rows of the two tables, and their keys.

Core (point-in-time recovery; `expires_at` is its TTL):

| row | pk | sk | indexes |
|---|---|---|---|
| recording | `REC#{recording id}` | `RECORD` | by_call `REC#{account}#{call id}`, by_account `REC#{account}#{month}`, both sorted by `{created}#{recording id}`; due |
| what happened to it, but for its first moves (`told` in its row) | `REC#{recording id}` | `EVENT#{at}#{version or name}` | |
| callback it owes | `REC#{recording id}` | `OUTBOX#{number}` | due |
| call | `CALL#{call key}` | `CALL` | by_call `CALL#{account}#{call id}`, by_account `CALL#{account}#{month}`, both sorted by `{opened}#{call key}`; due |
| recording of a call | `CALL#{call key}` | `REC#{created}#{recording id}` | |
| stream | `CALL#{call key}` | `STREAM#{stream key}` | |
| webhooks' report on a stream | `CALL#{call key}` | `STREAM-SAID#{carrier stream id}` | |
| tap of a call | `CALL#{call key}` | `TAP#{tap id}` | |
| what happened to a tap, callback it owes | `REC#{tap id}` | as a recording's | as a recording's |
| inbound event of a call | `CALL#{call key}` | `WEBHOOK#{event key}` | |
| inbound event of none | `WEBHOOK#{account}#{event key}` | `WEBHOOK` | |
| receiver that doesn't take callbacks | `RECEIVER#{account}#{SHA-256 of its URL}` | `RECEIVER` | |
| profile | `ACCOUNT#{account}` | `PROFILE#{name}` | |
| API key | `KEY#{key id}` | `KEY` | by_account `KEY#{account}`, sorted by `{created}#{key id}` |

What belongs to a call lies in the call's partition, so that one consistent query reads it; a
control id needs no row of its own, because the recording's id is derived from it. `due` is sparse:
`DUE#{shard}`, sorted by `{due}#{pk}#{sk}`; a row that isn't due has neither key.

Hot (`expires_at` is its TTL):

| row | pk | sk |
|---|---|---|
| lease | `LEASES` | worker |
| live stream | `WORKER#{worker}` | `STREAM#{stream key}` |
| command to a live call | `MAILBOX#{worker}` | `{at}#{command id}` |
| stream asked to be tapped again | `RETAP#{call key}` | `{stream key}` |
| claim of an RTP port | `RTP#{address}` | `{port}` |
| the same, for its call | `ENDPOINT#{call key}` | `{control id}` |
"""  # noqa: E501  # a table's row is one line

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from zlib import crc32

from chalicelib.adapters.dynamodb.row_codec import Row, month, sortable
from chalicelib.ports.values import Due, DueKind
from chalicelib.recording.model import Call, Recording
from chalicelib.recording.outbox import OutboxRow

RECORD, CALL, KEY, WEBHOOK, RECEIVER = "RECORD", "CALL", "KEY", "WEBHOOK", "RECEIVER"
REC_PREFIX, STREAM_PREFIX, SAID_PREFIX = "REC#", "STREAM#", "STREAM-SAID#"
EVENT_PREFIX, OUTBOX_PREFIX, WEBHOOK_PREFIX = "EVENT#", "OUTBOX#", "WEBHOOK#"
PROFILE_PREFIX, TAP_PREFIX = "PROFILE#", "TAP#"
LEASES = "LEASES"
END = "\U0010ffff"
"""sorts after every text that continues a prefix"""

DUE_SHARDS = 8

CALLBACK_GRACE = timedelta(seconds=60)
"""An execution that waits for `next_at` is a minute late before the sweeper looks after it."""

WEBHOOK_DAYS = 30


def recording_pk(recording_id: str) -> str:
    """Return the partition of a recording, its events and its callbacks; of a tap's events and
    callbacks, too: its id is as unique as a recording's."""
    return f"REC#{recording_id}"


def call_pk(call_key: str) -> str:
    """Return the partition of a call and what belongs to it."""
    return f"CALL#{call_key}"


def account_pk(account: str) -> str:
    """Return the partition of an account's profiles."""
    return f"ACCOUNT#{account}"


def key_pk(key_id: str) -> str:
    """Return the partition of an API key."""
    return f"KEY#{key_id}"


def worker_pk(worker: str) -> str:
    """Return the Hot partition of a worker's live streams."""
    return f"WORKER#{worker}"


def mailbox_pk(worker: str) -> str:
    """Return the Hot partition of the commands to a worker's calls."""
    return f"MAILBOX#{worker}"


def retap_pk(call_key: str) -> str:
    """Return the Hot partition of a call's streams that carriers were asked to tap again."""
    return f"RETAP#{call_key}"


def rtp_pk(host: str) -> str:
    """Return the Hot partition of the claims of an address's ports."""
    return f"RTP#{host}"


def endpoint_pk(call_key: str) -> str:
    """Return the Hot partition of the claims that a call has, by control id."""
    return f"ENDPOINT#{call_key}"


def receiver_pk(account: str, url: str) -> str:
    """Return the partition of an account's status URL, which is too long for a key."""
    return f"RECEIVER#{account}#{sha256(url.encode()).hexdigest()}"


def outbox_sk(number: int) -> str:
    """Return the sort key of a recording's n-th callback."""
    return f"{OUTBOX_PREFIX}{number:06d}"


def dated(at: datetime, key: str) -> str:
    """Return a sort key that goes by time."""
    return f"{sortable(at)}#{key}"


def recording_index(recording: Recording) -> Row:
    """Return a recording's keys in by_call and by_account, and in due where it is."""
    ref, sk = recording.call, dated(recording.created_at, recording.recording_id)
    keys: Row = {
        "gsi1pk": f"REC#{ref.account}#{ref.call_id}",
        "gsi1sk": sk,
        "gsi2pk": f"REC#{ref.account}#{month(recording.created_at)}",
        "gsi2sk": sk,
    }
    return keys | due_index(recording.due_at, recording_pk(recording.recording_id), RECORD)


def call_index(call: Call) -> Row:
    """Return a call's keys in by_call and by_account, and in due where it is."""
    sk = dated(call.opened_at, call.ref.key)
    keys: Row = {
        "gsi1pk": f"CALL#{call.ref.account}#{call.ref.call_id}",
        "gsi1sk": sk,
        "gsi2pk": f"CALL#{call.ref.account}#{month(call.opened_at)}",
        "gsi2sk": sk,
    }
    return keys | due_index(call.due_at, call_pk(call.ref.key), CALL)


def outbox_index(row: OutboxRow) -> Row:
    """Return a callback's keys in due, until it is delivered or given up."""
    if row.delivered_at is not None or row.given_up:
        return {}
    due_at = (row.next_at or row.created_at) + CALLBACK_GRACE
    return due_index(due_at, recording_pk(row.recording_id), outbox_sk(row.number))


def due_index(due_at: datetime | None, pk: str, sk: str) -> Row:
    """Return a row's keys in the sparse index of what is due; none where nothing is."""
    if due_at is None:
        return {}
    return {
        "duepk": f"DUE#{crc32(pk.encode()) % DUE_SHARDS}",
        "duesk": f"{sortable(due_at)}#{pk}#{sk}",
    }


def due(keys: Row) -> Due:
    """Return what the keys of a row in the index of due work say."""
    due_at = datetime.fromisoformat(keys["duesk"].partition("#")[0])
    kind, _, key = keys["pk"].partition("#")
    if kind == "CALL":
        return Due(kind=DueKind.CALL, key=key, number=0, due_at=due_at)
    if keys["sk"] == RECORD:
        return Due(kind=DueKind.RECORDING, key=key, number=0, due_at=due_at)
    number = int(keys["sk"].removeprefix(OUTBOX_PREFIX))
    return Due(kind=DueKind.CALLBACK, key=key, number=number, due_at=due_at)
