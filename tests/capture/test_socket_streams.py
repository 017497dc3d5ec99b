"""Streams of one socket: what a call's owners captured of it one after the other, twice in part."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.capture.events import Track
from chalicelib.capture.placing import place
from chalicelib.capture.records import Record, StreamHead
from chalicelib.capture.timeline import Timeline
from tests.capture.facts import OPENED_US, entry, head, record

IN, OUT = Track.INBOUND, Track.OUTBOUND
LATER_US = OPENED_US + 2_040_000
"""when the message of sample 16,000 arrived, had it been as late as the first ones"""


def heir(
    begun_us: int, brought: Sequence[tuple[Track, int]], key: str = "s1~2"
) -> tuple[StreamHead, list[Record]]:
    """Return a socket's next stream: two seconds from the arrival of its first message on."""
    told = msgspec.structs.replace(head(key, opened_at_us=begun_us), brought=tuple(brought))
    late = {"late_ms": -20.0, "opened_at_us": begun_us, "stream_key": key}
    return told, [record(first, **late) for first in (0, 8000)]


def together(*streams: tuple[StreamHead, list[Record]]) -> Timeline:
    """Return the timeline of these and of the first three seconds of their socket."""
    first = (head("s1"), [record(8000 * second) for second in range(3)])
    all_streams = [first, *streams]
    return place(
        [told for told, _ in all_streams],
        [entry(one) for _, records in all_streams for one in records],
    )


def spans(of: Timeline) -> list[tuple[str, int, int, int]]:
    """Return each placement's stream, first sample of it, position and samples."""
    return [
        (
            p.stored.record.stream_key,
            p.stored.record.first_sample + p.skip,
            p.position,
            p.samples,
        )
        for p in of.tracks[IN]
    ]


def test_an_heir_goes_on_to_the_sample() -> None:
    """Its first message came 3 ms later than others: nothing sounds twice, nothing is cut."""
    heard = together(heir(LATER_US + 3000, [(IN, 16_000)]))

    assert [
        ("s1", 0, 0, 8000),
        ("s1", 8000, 8000, 8000),
        ("s1~2", 0, 16_000, 8000),
        ("s1~2", 8000, 24_000, 8000),
    ] == spans(heard)


def test_an_heirs_heir_counts_on() -> None:
    """Each has what the socket brought before it."""
    heard = together(
        heir(LATER_US + 3000, [(IN, 16_000)]),
        heir(LATER_US + 1_002_000, [(IN, 24_000)], key="s1~3"),
    )

    assert ("s1~3", 0, 24_000, 8000) == spans(heard)[-2]


def test_an_heir_that_has_all_of_it() -> None:
    """Its clock may say that it began before the first stream did, by what a network delays."""
    told, own = heir(OPENED_US + 39_000, [])

    heard = place([head("s1"), told], [entry(one) for one in (record(0), *own)])

    assert [("s1", 0, 0, 8000), ("s1~2", 8000, 8000, 8000)] == spans(heard)


def test_what_the_store_lacks_is_counted_too() -> None:
    """The dead owner's last second isn't there: its heir is no nearer for that."""
    records = [record(0), record(8000)]
    told, own = heir(LATER_US + 1_003_000, [(IN, 24_000)])

    heard = place([head("s1"), told], [entry(one) for one in (*records, *own)])

    assert ("s1~2", 0, 24_000, 8000) == spans(heard)[2]
    assert [(16_000, 8000)] == [(hole.position, hole.samples) for hole in heard.holes]


def test_a_hole_between_them_is_measured() -> None:
    """The carrier sent nothing for ten seconds: counting doesn't know that, arrival does."""
    heard = together(heir(LATER_US + 11_000_000, [(IN, 24_000)]))

    assert ("s1~2", 0, 104_000, 8000) == spans(heard)[3]


def test_another_sockets_stream_is_measured() -> None:
    """Whatever it says that it was brought; so is one that shares no track."""
    stranger = together(heir(LATER_US + 3000, [(IN, 16_000)], key="s2~2"))
    other_track = together(heir(LATER_US + 3000, [(OUT, 16_000)]))

    assert ("s2~2", 0, 16_024, 8000) == spans(stranger)[-2]
    assert ("s1~2", 0, 16_024, 8000) == spans(other_track)[-2]


def test_a_head_of_before_was_brought_nothing() -> None:
    """Objects that were stored without it still read."""
    stored = msgspec.msgpack.encode(head())
    short = msgspec.msgpack.encode(msgspec.msgpack.decode(stored)[:-1])

    assert () == msgspec.msgpack.decode(short, type=StreamHead).brought
