"""When a recording has run its length."""

from __future__ import annotations

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record
from chalicelib.sink.calls.stream_extent import StreamExtent, earliest_end

OPENED_US = 1_000_000_000
SECOND = 1_000_000


def record(
    first_s: float, seconds: float, lateness_us: int, arrived_us: int, source: int = 0
) -> Record:
    return Record(
        stream_key="s",
        track=Track.INBOUND,
        encoding=Encoding.PCMU,
        first_sample=int(first_s * 8000),
        samples=int(seconds * 8000),
        arrived_at_us=arrived_us,
        least_lateness_us=lateness_us,
        source=source,
    )


def clock(*records: Record) -> StreamExtent:
    made = StreamExtent(OPENED_US, 8000)
    made.note(records)
    return made


def test_nothing_ends_before_media() -> None:
    """A stream without media has no origin."""

    assert clock().end_of(SECOND, OPENED_US, OPENED_US + 99 * SECOND) is None


def test_the_end_lies_one_length_after_the_origin() -> None:
    """The origin is the least lateness of the first 2 s; later ones don't move it."""

    passed = clock(
        record(0, 1, 50_000, OPENED_US + 70_000),
        record(1, 1, 40_000, OPENED_US + 1_040_000),
        record(2, 1, 10_000, OPENED_US + 2_100_000),
    )

    assert OPENED_US + 40_000 + 3 * SECOND == passed.end_of(3 * SECOND, OPENED_US, OPENED_US)


def test_the_track_that_reaches_furthest_counts() -> None:
    """Whichever of a cut's records comes last."""

    passed = clock(record(0, 3, 0, OPENED_US), record(0, 1, 0, OPENED_US))

    assert OPENED_US + 3 * SECOND == passed.end_of(3 * SECOND, OPENED_US, OPENED_US)


def test_a_sender_that_begins_anew_goes_on_where_the_wall_clock_says() -> None:
    """Its positions count from its own first packet; the length counts from the stream's origin."""

    passed = clock(
        record(0, 2, 0, OPENED_US),
        record(0, 1, 3 * SECOND, OPENED_US + 3 * SECOND, source=1),
        record(1, 1, 3 * SECOND, OPENED_US + 4 * SECOND, source=1),
    )

    assert OPENED_US + 5 * SECOND == passed.end_of(5 * SECOND, OPENED_US, OPENED_US)
    assert passed.end_of(6 * SECOND, OPENED_US, OPENED_US) is None


@pytest.mark.parametrize(("waited_us", "is_over"), [(1_900_000, False), (2_000_000, True)])
def test_samples_that_are_missing_are_waited_for(waited_us: int, is_over: bool) -> None:
    """A stall delivers late; only after 2 s it is a hole, and the end is where it was due."""

    passed = clock(record(0, 1, 0, OPENED_US))

    end_us = passed.end_of(3 * SECOND, OPENED_US, OPENED_US + 3 * SECOND + waited_us)

    assert (OPENED_US + 3 * SECOND if is_over else None) == end_us


def test_what_another_worker_began_ends_by_the_wall_clock() -> None:
    """After a reconnect elsewhere the recording's own start counts."""

    passed = clock(record(0, 1, 0, OPENED_US))
    started_us = OPENED_US - 9 * SECOND

    assert started_us + 10 * SECOND == passed.end_of(10 * SECOND, started_us, OPENED_US)


def test_the_last_of_a_calls_streams_decides_when_it_is_known() -> None:
    """A stream that lags is waited for, one without media isn't; the earliest end counts."""

    prompt = clock(record(0, 5, 0, OPENED_US))
    lagging = clock(record(0, 1, 50_000, OPENED_US))
    at_us = OPENED_US + 3 * SECOND

    assert at_us == earliest_end([prompt, clock()], 3 * SECOND, OPENED_US, at_us)
    assert earliest_end([prompt, lagging], 3 * SECOND, OPENED_US, at_us) is None
    assert at_us == earliest_end(
        [prompt, lagging], 3 * SECOND, OPENED_US, at_us + 2 * SECOND + 50_000
    )
    assert earliest_end([clock()], 3 * SECOND, OPENED_US, at_us) is None
