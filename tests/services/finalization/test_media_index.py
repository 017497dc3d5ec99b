"""Which objects finalization reads of a call, and what it finds in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.capture.container import INDEX_HEAD_BYTES
from chalicelib.capture.events import Track
from chalicelib.errors import NotFound
from chalicelib.recording import keys as naming
from chalicelib.services.finalization.media_index import Holdings, read_holdings
from tests.captured import CALL, Tape, two_tracks
from tests.fakes_media import FakeMediaStore


def _seconds(holdings: Holdings) -> float:
    """Return how much sound of the inbound track is there, each sample once."""
    samples: set[int] = set()
    for entry in holdings.entries:
        if entry.record.track is Track.INBOUND:
            first = entry.record.first_sample
            samples.update(range(first, first + entry.record.samples))
    return len(samples) / 8000


def test_segments_hold_a_complete_stream() -> None:
    """The journal of a stream that says complete isn't read."""

    media = FakeMediaStore()
    tape = Tape(media=media)
    two_tracks(tape, 4)
    tape.close_segment()

    holdings = read_holdings(CALL.key, [tape.row()], media)

    assert 4.0 == _seconds(holdings)
    assert {naming.segment_key(CALL.key, "w1", 0)} == set(media.reads)


def two_segments() -> tuple[Tape, FakeMediaStore]:
    """Return a stream of four seconds in two segments."""
    media = FakeMediaStore()
    tape = Tape(media=media)
    for second in (0, 2):
        two_tracks(tape, 2, from_s=second)
        tape.close_segment()
    return tape, media


def test_segments_that_a_stream_names_are_not_listed() -> None:
    """Their keys follow from the numbers that the streams' rows tell."""

    tape, media = two_segments()
    rows = [replace(tape.row(), segments=(0, 1)), replace(tape.row(), segments=(0, 2))]

    assert 4.0 == _seconds(read_holdings(CALL.key, rows, media))
    assert [] == media.listed


@pytest.mark.parametrize(
    "row",
    [
        {"complete": False, "segments": (0, 2)},
        {"complete": True, "segments": None},
    ],
)
def test_one_stream_that_names_none_lets_all_be_listed(row: dict[str, Any]) -> None:
    """Who knows what it stored before it died."""

    tape, media = two_segments()
    rows = [replace(tape.row(), segments=(0, 1)), replace(tape.row(), **row)]

    assert 4.0 == _seconds(read_holdings(CALL.key, rows, media))
    assert naming.segments_prefix(CALL.key) in media.listed


def test_a_named_segment_that_was_redacted_lets_all_be_listed() -> None:
    """What stands in its place has another name."""

    tape, media = two_segments()
    key = naming.segment_key(CALL.key, "w1", 1)
    media.objects[naming.redacted_key(key, 7)] = media.objects.pop(key)

    rows = [replace(tape.row(), segments=(0, 2))]

    assert 4.0 == _seconds(read_holdings(CALL.key, rows, media))


def test_the_journal_holds_what_no_segment_covers() -> None:
    """A dead worker's journal is read from where its last segment ends."""

    media = FakeMediaStore()
    tape = Tape(media=media, number=7)
    two_tracks(tape, 3)
    tape.close_segment()
    two_tracks(tape, 2, from_s=3)

    holdings = read_holdings(CALL.key, [tape.row(complete=False)], media)

    assert 5.0 == _seconds(holdings)
    assert naming.journal_key("w1", 9) not in media.reads
    assert naming.journal_key("w1", 10) in media.reads


def test_missing_numbers_hide_nothing() -> None:
    """Puts that never arrived don't hide those that did, however many are missing in a row."""

    media = FakeMediaStore()
    tape = Tape(media=media)
    two_tracks(tape, 12)
    media.delete([naming.journal_key("w1", number) for number in (1, 2, 3, 4, 6, 7, 8, 9, 10)])

    holdings = read_holdings(CALL.key, [tape.row(complete=False)], media)

    assert 3.0 == _seconds(holdings)


def test_a_call_that_was_silent_for_minutes_is_found_in_the_journal() -> None:
    """It covered nothing meanwhile, and the sweeper deleted what held other calls' media only."""

    media = FakeMediaStore()
    tape = Tape(media=media)
    two_tracks(tape, 2)
    tape.close_segment()
    tape.number = 300
    two_tracks(tape, 3, from_s=300)
    media.delete([naming.journal_key("w1", number) for number in range(300)])

    holdings = read_holdings(CALL.key, [tape.row(complete=False)], media)

    assert 5.0 == _seconds(holdings)


@dataclass
class ListedStore(FakeMediaStore):
    """A bucket that still lists what was deleted meanwhile."""

    gone: set[str] = field(default_factory=set)

    def get(self, key: str) -> bytes:
        if key in self.gone:
            raise NotFound(key)
        return super().get(key)


def test_what_goes_while_it_is_listed_is_covered() -> None:
    """A living worker's journal shrinks while it is read; what follows is read all the same."""

    media = ListedStore()
    tape = Tape(media=media)
    two_tracks(tape, 9)
    media.gone = {naming.journal_key("w1", number) for number in range(8)}

    holdings = read_holdings(CALL.key, [tape.row(complete=False)], media)

    assert 1.0 == _seconds(holdings)


def test_another_round_is_left_out() -> None:
    """Streams of an earlier round of the call lie under the same prefix and aren't this round's."""

    media = FakeMediaStore()
    earlier, later = Tape(media=media, stream_key="s0"), Tape(media=media, number=2)
    two_tracks(earlier, 2)
    earlier.close_segment()
    later.segments = 1
    two_tracks(later, 3)
    later.close_segment()

    holdings = read_holdings(CALL.key, [later.row()], media)

    assert 3.0 == _seconds(holdings)
    assert {"s1"} == {head.stream_key for head in holdings.heads}


def test_a_long_index_is_read_to_its_end() -> None:
    """An index beyond the first read is read again, whole."""

    media = FakeMediaStore()
    tape = Tape(media=media)
    for second in range(400):
        two_tracks(tape, 1, from_s=second)
    key = tape.close_segment()

    holdings = read_holdings(CALL.key, [tape.row()], media)

    assert 400.0 == _seconds(holdings)
    assert [key, key] == media.reads
    assert len(media.objects[key]) > INDEX_HEAD_BYTES


def test_a_broken_segment_is_looked_for_in_the_journal() -> None:
    """Where a segment's index is broken, the journal that it covered is read again."""

    media = FakeMediaStore()
    tape = Tape(media=media)
    keys = []
    for minute in range(3):
        two_tracks(tape, 2, from_s=2 * minute)
        keys.append(tape.close_segment())
    media.objects[keys[1]] = b"TDK1 but nothing else"

    holdings = read_holdings(CALL.key, [tape.row()], media)

    assert 6.0 == _seconds(holdings)
    assert (keys[1],) == holdings.broken
    assert naming.journal_key("w1", 1) not in media.reads


def test_the_first_of_several_broken_segments_counts() -> None:
    """The sound one between them covers its own part of the journal, not what lies before."""

    media = FakeMediaStore()
    tape = Tape(media=media)
    keys = []
    for minute in range(3):
        two_tracks(tape, 2, from_s=2 * minute)
        keys.append(tape.close_segment())
    media.objects[keys[0]] = media.objects[keys[2]] = b"TDK1 but nothing else"

    assert 6.0 == _seconds(read_holdings(CALL.key, [tape.row()], media))


def test_a_worker_s_journal_is_read_from_where_its_first_stream_began() -> None:
    """A later stream of the same call begins further on in it."""

    media = FakeMediaStore()
    first = Tape(media=media)
    two_tracks(first, 2)
    second = Tape(media=media, stream_key="s2", number=first.number)
    two_tracks(second, 2, from_s=2)

    rows = [first.row(complete=False), second.row(complete=False)]
    holdings = read_holdings(CALL.key, rows, media)

    assert {"s1", "s2"} == {entry.record.stream_key for entry in holdings.entries}


def test_a_broken_journal_object_is_told_and_passed() -> None:
    """What comes after it is kept."""

    media = FakeMediaStore()
    tape = Tape(media=media)
    two_tracks(tape, 3)
    media.objects[naming.journal_key("w1", 1)] = b""

    holdings = read_holdings(CALL.key, [tape.row(complete=False)], media)

    assert 2.0 == _seconds(holdings)
    assert (naming.journal_key("w1", 1),) == holdings.broken


def test_nothing_stored_is_no_error() -> None:
    """A call without media holds nothing."""

    media = FakeMediaStore()
    tape = Tape(media=media)

    assert Holdings(heads=(), entries=(), broken=()) == read_holdings(
        CALL.key, [tape.row(complete=False)], media
    )
