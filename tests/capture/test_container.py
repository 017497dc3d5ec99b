"""The stored format: whatever was sealed is read, whatever is broken is told."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.capture.container import (
    INDEX_HEAD_BYTES,
    decode,
    decode_index,
    encode,
    index_size,
    read_payload,
)
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Clock, Encoding, Track
from chalicelib.capture.records import Record
from chalicelib.errors import CorruptContainer, NewerForm
from tests.capture.facts import head, record
from tests.capture.resealed import ENCODING, ENTRIES, HEADS, TRACK, place_in_head, resealed

RECORDS = st.lists(
    st.builds(
        Record,
        stream_key=st.sampled_from(["s1", "s2"]),
        track=st.sampled_from(Track),
        encoding=st.sampled_from(Encoding),
        first_sample=st.integers(-(2**40), 2**40),
        samples=st.integers(0, 2**20),
        arrived_at_us=st.integers(-(2**50), 2**50),
        least_lateness_us=st.integers(-(2**50), 2**50),
        sequence=st.none() | st.integers(-(2**63), 2**63 - 1),
        last_sequence=st.none() | st.integers(-(2**63), 2**63 - 1),
        messages=st.integers(0, 2**20),
        payload=st.binary(max_size=50),
        source=st.integers(0, 2**20),
    ),
    max_size=6,
)


def seal(*records: Record) -> bytes:
    """Return a segment of two streams."""
    return encode(
        [head("s1"), head("s2")], records, kind=Kind.SEGMENT, worker="w1", journal_through=7
    )


def payload_of(number: int) -> Record:
    """Return a record with a payload of its own."""
    return msgspec.structs.replace(record(number * 8000, 80), payload=bytes([number]) * 80)


def newer_entry(stream: int) -> list[object]:
    """Return an entry of an index in an encoding of the future."""
    return [stream, "inbound", "OPUS", 0, 0, 0, 0, None, None, 1, 0, 0]


def renamed(body: bytes, word: str) -> bytes:
    """Return a container of which the second stream has a word of the future."""

    def change(index: list[Any]) -> None:
        if word == "clock":
            index[HEADS][1][place_in_head("clock")] = "sundial"
        else:
            index[ENTRIES][1][{"track": TRACK, "encoding": ENCODING}[word]] = "future"

    return resealed(body, change)


def with_index(index: object) -> bytes:
    """Return a container whose seals are right and whose index is anything."""
    return sealed(msgspec.msgpack.encode(index))


def sealed(packed: bytes) -> bytes:
    """Return a container whose seals are right, whatever its index is made of."""
    header = struct.pack(">4sII", b"TDK1", len(packed), zlib.crc32(packed))
    return header + packed + struct.pack(">I", zlib.crc32(packed, zlib.crc32(header)))


@settings(deadline=None)
@given(records=RECORDS)
def test_gives_back_what_was_sealed(records: list[Record]) -> None:
    """Every record comes back whole, with the heads and what the object says of itself."""
    container = decode(seal(*records))

    assert tuple(records) == container.records
    assert (head("s1"), head("s2")) == container.heads
    assert (Kind.SEGMENT, "w1", 7, ()) == (
        container.kind,
        container.worker,
        container.journal_through,
        container.broken,
    )


@settings(deadline=None)
@given(records=RECORDS)
def test_reads_an_index_from_the_first_bytes(records: list[Record]) -> None:
    """The index needs `index_size` bytes, tells every fact, and says where each payload lies."""
    body = seal(*records)

    index = decode_index(body[: index_size(body[:12])], "segments/a")

    assert [msgspec.structs.replace(r, payload=b"") for r in records] == [
        entry.record for entry in index.entries
    ]
    assert [r.payload for r in records] == [read_payload(body, entry) for entry in index.entries]
    assert ("segments/a",) * len(records) == tuple(entry.object_key for entry in index.entries)


@settings(deadline=None)
@given(body=st.binary(max_size=200) | st.binary(max_size=80).map(lambda rest: b"TDK1" + rest))
def test_any_bytes_decode_or_raise(body: bytes) -> None:
    """Bytes that nobody sealed are CorruptContainer, never another error."""
    with pytest.raises(CorruptContainer):
        decode(body)


@settings(deadline=None)
@given(records=RECORDS, place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_broken_byte_never_goes_unseen(records: list[Record], place: int, flip: int) -> None:
    """Wherever one byte is wrong, the object is refused or exactly the broken record is missing."""
    body = bytearray(seal(*records))
    body[place % len(body)] ^= flip
    try:
        container = decode(bytes(body))
    except (CorruptContainer, NewerForm):  # the form's digit may be the broken byte
        return

    assert len(records) - 1 == len(container.records)
    assert 1 == len(container.broken)
    assert all(one in records for one in container.records)


def test_a_broken_payload_takes_only_its_record() -> None:
    """The record is named; its neighbours are given."""
    body = bytearray(seal(payload_of(0), payload_of(1), payload_of(2)))
    body[-4 - 80 - 40] ^= 1

    container = decode(bytes(body), "segments/a")

    assert [0, 16000] == [one.first_sample for one in container.records]
    assert (
        "segments/a: stream s1, inbound, samples from 8000: the payload fails its CRC",
    ) == container.broken


def test_reading_a_broken_payload_raises() -> None:
    """A single payload is verified before it is given, also where its object ends early."""
    body = seal(payload_of(0), payload_of(1))
    entries = decode_index(body, "segments/a").entries

    assert payload_of(1).payload == read_payload(body, entries[1])
    with pytest.raises(CorruptContainer, match="samples from 8000"):
        read_payload(body[:-50], entries[1])


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (b"TDK2" + bytes(20), "a container of form b'TDK2': this code knows b'TDK1'"),
        (with_index(["segment", "w1"]), "only newer code knows this index"),
        (with_index(["photo", "w1", -1, [], []]), "only newer code knows this index"),
        (with_index(["segment", "w1", -1, ["head"], []]), "only newer code knows this index"),
        (with_index(["segment", "w1", -1, [], [newer_entry(0)]]), "only newer code knows"),
        (sealed(b"\x92\xa7segment\xa2\xff\xff"), "only newer code knows this index"),
    ],
)
def test_a_form_that_is_not_known_is_left_to_newer_code(body: bytes, fact: str) -> None:
    """Its seals are right, so it isn't broken: whoever wrote it can read it."""
    with pytest.raises(NewerForm, match=fact):
        decode_index(body, "segments/a")


@pytest.mark.parametrize("word", ["encoding", "track", "clock"])
def test_a_word_that_is_not_known_concerns_its_stream_alone(word: str) -> None:
    """The other streams of the object are read, each payload at its place; the one is named."""
    records = [
        payload_of(0),
        msgspec.structs.replace(payload_of(1), stream_key="s2"),
        payload_of(2),
    ]
    body = renamed(seal(*records), word)

    index = decode_index(body, "journal/a")

    assert frozenset({"s2"}) == index.unknown
    assert ["s1"] == [head.stream_key for head in index.heads]
    assert [records[0].payload, records[2].payload] == [
        read_payload(body, entry) for entry in index.entries
    ]
    with pytest.raises(NewerForm, match=r"only newer code reads streams \['s2'\]"):
        decode(body, "journal/a")


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (b"TDK1", "4 bytes are no container"),
        (b"TDX1" + bytes(20), "begins with b'TDK1', not b'TDX1'"),
        (b"TDK1\xff\xff\xff\xff" + bytes(20), "longer than"),
        (b"TDK1\x00\x00\x00\x09" + bytes(8), "4 of 9 index bytes are there"),
        (b"TDK1\x00\x00\x00\x04" + bytes(8), "the index fails its CRC"),
        (with_index(["segment", "w1", -1, [], []])[:-1], "the trailer fails its CRC"),
        (with_index(["segment", "w1", -1, [], []]) + b"x", "the trailer fails its CRC"),
        (
            with_index(
                ["segment", "w1", -1, [], [[0, "inbound", "PCMU", 0, 0, 0, 0, None, None, 1, 0, 0]]]
            ),
            "an entry names stream 0",
        ),
    ],
)
def test_says_what_is_broken(body: bytes, fact: str) -> None:
    """Each way to be no container has its own sentence."""
    with pytest.raises(CorruptContainer, match=fact):
        decode(body)


def test_a_later_writers_fields_are_left_out() -> None:
    """An index with more fields than we know reads as far as we know it."""
    entry = [0, "inbound", "PCMU", 5, 0, 1, 2, None, None, 3, 0, 0, 0, "new"]
    stream = ["s1", "main/carrier/call", "carrier-s1", "synthetic", 8000, 1, *[0] * 6, "rtp", "new"]

    container = decode(with_index(["segment", "w1", -1, [stream], [entry], "new"]))

    assert [5] == [one.first_sample for one in container.records]


def test_an_earlier_writers_streams_are_on_the_arrival_clock() -> None:
    """An index from before streams told their clock reads as what all streams were then."""
    entry = [0, "inbound", "PCMU", 5, 0, 1, 2, None, None, 3, 0, 0]
    stream = ["s1", "main/carrier/call", "carrier-s1", "synthetic", 8000, 1, *[0] * 6]

    container = decode(with_index(["segment", "w1", -1, [stream], [entry]]))

    assert (Clock.ARRIVAL, 0) == (container.heads[0].clock, container.records[0].source)


def test_a_minute_of_two_tracks_fits_the_usual_head() -> None:
    """120 records of two tracks, and half as many again for pauses, need one read."""
    records = [
        record(8000 * second, track=track, late_ms=1e9, sequence=10**9)
        for second in range(90)
        for track in (Track.INBOUND, Track.OUTBOUND)
    ]

    assert INDEX_HEAD_BYTES >= index_size(seal(*records))
