"""Sound is taken out of stored objects, to the sample; when it was there stays."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.container import Container, decode, decode_index, encode
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.capture.redaction import (
    Redaction,
    Span,
    is_concerned,
    is_void,
    merged,
    name_of,
    redact,
)
from chalicelib.errors import NewerForm
from chalicelib.media.codecs import bytes_per_sample, silent_payload
from chalicelib.media.codecs import decode as pcm_of
from tests.capture.resealed import ENCODING, ENTRIES, resealed

BEFORE_US = 5_000_000


def head(stream_key: str = "s1") -> StreamHead:
    return StreamHead(
        stream_key=stream_key,
        call_key="main/bandwidth/c-1",
        carrier_stream_id="x",
        dialect="bandwidth",
        rate_hz=8000,
        opened_at_us=0,
    )


def record(number: int = 0, stream_key: str = "s1", **facts: object) -> Record:
    one = Record(
        stream_key=stream_key,
        track=Track.INBOUND,
        encoding=Encoding.PCMU,
        first_sample=number * 10,
        samples=10,
        arrived_at_us=number * 1_000_000,
        least_lateness_us=7,
        payload=bytes(range(1 + number * 10, 11 + number * 10)),
    )
    return msgspec.structs.replace(one, **facts)


def stored(*records: Record) -> bytes:
    heads = [head(key) for key in sorted({one.stream_key for one in records})]
    return encode(heads, records, kind=Kind.SEGMENT, worker="w", journal_through=41)


def left(body: bytes, redaction: Redaction) -> Container:
    return decode(redact(body, "key", redaction))


def redaction(*, keeps_facts: bool = True, **shown: tuple[Span, ...]) -> Redaction:
    """Return one of stream s1; `shown` by the record's number, as in `r0`."""
    return Redaction(
        streams={"s1"},
        before_us=BEFORE_US,
        shown={name_of(record(int(name[1:]))): spans for name, spans in shown.items()},
        keeps_facts=keeps_facts,
    )


def test_what_nobody_shows_loses_its_sound_and_keeps_its_facts() -> None:
    """The clock of what is shown reads the same facts as before."""

    body = stored(record(0), record(1))

    found = left(body, redaction(r1=((0, 10),)))

    empty = msgspec.structs.replace(record(0), payload=b"")
    assert (empty, record(1)) == found.records
    assert (41, (head(),)) == (found.journal_through, found.heads)


def test_part_of_a_record_sounds_where_it_is_shown() -> None:
    """Silence of its encoding is around it."""

    found = left(stored(record(0)), redaction(r0=((2, 4), (7, 9))))

    sound = record(0).payload
    expected = b"\xff\xff" + sound[2:4] + b"\xff\xff\xff" + sound[7:9] + b"\xff"
    assert expected == found.records[0].payload


def test_where_nobody_shows_anything_the_facts_go_too() -> None:
    """With them goes the head of a stream that has none left."""

    body = stored(record(0), record(1, "s2"))

    found = left(body, redaction(keeps_facts=False))

    assert ((record(1, "s2"),), (head("s2"),)) == (found.records, found.heads)


def test_an_object_is_void_when_all_of_it_goes() -> None:
    """Then it need not be replaced; facts that are to stay keep it."""

    index = decode_index(stored(record(0), record(1)), "key")

    assert is_void(index, redaction(keeps_facts=False))
    assert not is_void(index, redaction(keeps_facts=True))
    assert not is_void(index, redaction(keeps_facts=False, r1=((0, 5),)))


def test_what_came_later_or_belongs_to_others_is_no_concern() -> None:
    """Neither another stream nor what arrived since."""

    later = record(5)
    body = stored(record(0, "s2"), later)

    assert not is_concerned(decode_index(body, "key"), redaction())
    assert body == redact(body, "key", redaction())


def test_what_was_redacted_is_not_redacted_again() -> None:
    """Facts without sound are no concern, until they may go as well."""

    once = redact(stored(record(0)), "key", redaction())

    assert not is_concerned(decode_index(once, "key"), redaction())
    assert is_void(decode_index(once, "key"), redaction(keeps_facts=False))


def test_a_broken_payload_is_left_out() -> None:
    """Nobody could read it, and a new checksum must not make it sound."""

    body = bytearray(stored(record(0), record(1)))
    body[body.index(record(0).payload)] ^= 1

    found = left(bytes(body), redaction(r0=((0, 10),)))

    assert (b"", b"") == tuple(one.payload for one in found.records)


@pytest.mark.parametrize("encoding", list(Encoding))
@given(spans=st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)).map(sorted), max_size=4))
def test_exactly_what_is_shown_sounds(encoding: Encoding, spans: list[list[int]]) -> None:
    """In every encoding each shown sample is as it was, and each other one silent."""

    payload = bytes(range(100, 100 + 10 * bytes_per_sample(encoding)))
    one = record(0, encoding=encoding, payload=payload)
    wanted = merged((begin, end) for begin, end in spans if begin < end)

    found = left(stored(one), redaction(r0=wanted)).records[0].payload

    again = redact(stored(one), "key", redaction(r0=wanted))
    assert again == redact(again, "key", redaction(r0=wanted))
    heard, silence = pcm_of(payload, encoding), pcm_of(silent_payload(10, encoding), encoding)
    left_over = pcm_of(found, encoding) or silence
    for sample in range(10):
        is_shown = any(begin <= sample < end for begin, end in wanted)
        source = heard if is_shown else silence
        assert source[2 * sample : 2 * sample + 2] == left_over[2 * sample : 2 * sample + 2]


def test_spans_that_touch_are_one() -> None:
    """What remains is in order and apart."""

    assert ((0, 4), (6, 9)) == merged([(6, 8), (2, 4), (0, 2), (7, 9), (6, 7)])


def test_what_is_not_known_is_not_left_out() -> None:
    """An object with a stream that only newer code can read isn't written again without it."""

    def change(index: list[Any]) -> None:
        index[ENTRIES][1][ENCODING] = "OPUS"

    body = encode(
        [head("s1"), head("s2")],
        [record(), record(stream_key="s2")],
        kind=Kind.JOURNAL,
        worker="w1",
    )
    with pytest.raises(NewerForm, match=r"only newer code reads streams \['s2'\]"):
        redact(resealed(body, change), "k", Redaction(streams={"s1"}, before_us=BEFORE_US))
