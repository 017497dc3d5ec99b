"""Bodies as documents: refusals with a name, redaction, and times that carriers write."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.carriers.contract import json_body
from chalicelib.errors import InvalidRequest

TOKEN = "AbCdEf0123456789-_" * 5


class Inner(msgspec.Struct):
    id: json_body.CarrierId


class Wanted(msgspec.Struct):
    inner: Inner
    size: json_body.Count = 0


def refusal(body: bytes) -> tuple[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        json_body.parse(body).convert(Wanted)
    return refused.value.code, refused.value.message.partition(":")[0]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ("not_json", "body")),
        (b"\xff\xfe", ("not_json", "body")),
        (b"call_id=1&state=x", ("not_json", "body")),
        (b'{"inner":', ("not_json", "body")),
        (b"[" * 60_000, ("not_json", "body")),
        (b"[" * 600 + b"]" * 600, ("not_json", "body")),
        (b'{"x":1e999}', ("not_json", "body")),
        (b"[]", ("wrong_type", "body")),
        (b"null", ("wrong_type", "body")),
        (b"{}", ("missing_field", "inner")),
        (b'{"inner":{}}', ("missing_field", "inner.id")),
        (b'{"inner":[]}', ("wrong_type", "inner")),
        (b'{"inner":{"id":7}}', ("wrong_type", "inner.id")),
        (b'{"inner":{"id":"a\\n"}}', ("wrong_type", "inner.id")),
        (b'{"inner":{"id":"a"},"size":"big"}', ("wrong_type", "size")),
        (b'{"inner":{"id":"a"},"size":-1}', ("wrong_type", "size")),
    ],
)
def test_a_refusal_names_its_field(body: bytes, expected: tuple[str, str]) -> None:
    """Each way to be wrong has a stable code and says where."""

    assert expected == refusal(body)


def test_a_document_that_is_no_struct_at_all_is_refused() -> None:
    """A refusal without a field names the body."""

    class Tagged(msgspec.Struct, array_like=True):
        x: int

    with pytest.raises(InvalidRequest, match=r"^body: ") as refused:
        json_body.parse(b"{}").convert(Tagged)

    assert "wrong_type" == refused.value.code


def test_text_must_be_there_and_text() -> None:
    """The field that says what an event is is asked for by name."""

    parsed = json_body.parse(b'{"a":"x","b":5}')

    assert "x" == parsed.text("a")
    with pytest.raises(InvalidRequest, match=r"^b: "):
        parsed.text("b")
    with pytest.raises(InvalidRequest, match=r"^c: missing"):
        parsed.text("c")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("wss://sink.example/bandwidth/tok", "wss://sink.example/bandwidth/[redacted]"),
        (
            "wss://sink.example/signalwire-tap/tok/call-1/speak",
            "wss://sink.example/signalwire-tap/[redacted]/call-1/speak",
        ),
        ("cannot reach ws://a/bandwidth/tok now", "cannot reach ws://a/bandwidth/[redacted] now"),
        ("wss://user:pass@a.example/x", "wss://[redacted]@a.example/x"),
        ("https://user@a.example/x", "https://[redacted]@a.example/x"),
        ("wss://a.example/tap?t=abc", "wss://a.example/tap?[redacted]"),
        ("WSS://a.example/tap?t=abc", "WSS://a.example/tap?[redacted]"),
        (f"https://a/hooks/signalwire/{TOKEN}", "https://a/hooks/signalwire/[redacted]"),
        (TOKEN, "[redacted]"),
        ("https://a.example/r?X-Amz-Signature=1", "https://a.example/r?[redacted]"),
        ("https://a.example/r.wav", "https://a.example/r.wav"),
        ("someone@example.com", "someone@example.com"),
        (
            "c-95ac912f-68aacdd7-4a8e-4223-a7fd-020e02fa6bf2",
            "c-95ac912f-68aacdd7-4a8e-4223-a7fd-020e02fa6bf2",
        ),
    ],
)
def test_what_opens_doors_is_redacted(text: str, redacted: str) -> None:
    """Tokens, credentials and queries of URLs go; ids and plain URLs stay."""

    assert redacted == json_body.redact_text(text)


def test_redaction_reaches_names_and_depths() -> None:
    """No token hides in a list, under a name, or behind escaped slashes."""

    body = (
        f'{{"a":[{{"{TOKEN}":"{TOKEN}"}}],"b":"wss:\\/\\/s\\/bandwidth\\/tok","n":[1,null,true]}}'
    )
    stored = json.loads(json_body.parse(body.encode()).stored)

    assert {
        "a": [{"[redacted]": "[redacted]"}],
        "b": "wss://s/bandwidth/[redacted]",
        "n": [1, None, True],
    } == stored


def test_redaction_stays_quick_on_hostile_text() -> None:
    """64 KB of almost-URLs are redacted like any other text, and nothing of them is a token."""

    hostile = "ws://" * 13_000

    assert hostile == json_body.redact_text(hostile)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2022-06-30T18:55:02.489Z", datetime(2022, 6, 30, 18, 55, 2, 489000, UTC)),
        ("2022-06-30T18:55:02.123456789Z", datetime(2022, 6, 30, 18, 55, 2, 123456, UTC)),
        ("2022-06-30T20:55:02+02:00", datetime(2022, 6, 30, 18, 55, 2, 0, UTC)),
        ("2019-09-13T16:49:40.500", datetime(2019, 9, 13, 16, 49, 40, 500000, UTC)),
        ("2019-09-13-16:48:27.198Z", datetime(2019, 9, 13, 16, 48, 27, 198000, UTC)),
        ("yesterday", None),
        ("", None),
        ("9999-12-31T23:59:59-23:00", None),
        (None, None),
    ],
)
def test_times_are_read_as_carriers_write_them(text: str | None, time: datetime | None) -> None:
    """Nine digits, no zone, a dash for the T: read; what is no time is None."""

    assert time == json_body.iso_time(text)


@pytest.mark.parametrize(
    ("seconds", "time"),
    [
        (1640000000.5, datetime(2021, 12, 20, 11, 33, 20, 500000, UTC)),
        (0.0, datetime(1970, 1, 1, 0, 0, 0, 0, UTC)),
        (1e300, None),
        (1e12, None),
        (None, None),
    ],
)
def test_unix_times(seconds: float | None, time: datetime | None) -> None:
    """Seconds since 1970; beyond the calendar there is no time."""

    assert time == json_body.unix_time(seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1M52.217257456S", 112.217257),
        ("PT3.5S", 3.5),
        ("PT20.056S", 20.056),
        ("P1DT1H", 90000.0),
        ("soon", None),
        ("P1Y", None),
        (None, None),
    ],
)
def test_durations(text: str | None, seconds: float | None) -> None:
    """ISO 8601 with nine digits is read to the microsecond."""

    assert seconds == json_body.iso_duration_s(text)


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    """No text breaks the reading of a time or a duration."""

    assert isinstance(json_body.iso_time(text), datetime | None)
    assert isinstance(json_body.iso_duration_s(text), float | None)


@given(st.binary())
def test_any_bytes_are_a_document_or_refused(body: bytes) -> None:
    """What can't be read is refused with a code; what can is stored as JSON."""

    try:
        stored = json_body.parse(body).stored
    except InvalidRequest as error:
        stored = json.dumps(error.code)

    assert isinstance(json.loads(stored), dict | str)
