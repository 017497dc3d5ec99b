"""Deletes journal objects once segments cover them: they mix calls, and must not be kept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile

from chalicelib.ports.aws import MediaStore
from chalicelib.ports.values import Lease
from chalicelib.recording import keys as naming

_BATCH = 1_000
LARGEST_DELETION = 5_000
"""objects of one worker in one sweep: a worker writes 60 a minute"""


def delete_covered(lease: Lease, media: MediaStore) -> int:
    """Delete the journal objects that a living worker reports as covered; return their number."""
    if not lease.journal_safe_below:
        return 0
    end = naming.journal_key(lease.worker, lease.journal_safe_below)
    keys = takewhile(lambda key: key < end, media.keys(naming.journal_prefix(lease.worker)))
    return _delete(keys, media)


def delete_journal(worker: str, media: MediaStore) -> int:
    """Delete the whole journal of a worker that is over; return the number of objects."""
    return _delete(iter(media.keys(naming.journal_prefix(worker))), media)


def _delete(keys: Iterator[str], media: MediaStore) -> int:
    deleted = 0
    bounded = islice(keys, LARGEST_DELETION)
    while batch := list(islice(bounded, _BATCH)):
        media.delete(batch)
        deleted += len(batch)
    return deleted
