"""Whatever is asked, it is nobody's fault but the caller's: no 500, on any route.

Events come as API Gateway makes them, so that a text may be anything: Chalice's client sends none
that a URL can't hold.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import app
from tests.api.conftest import Api, an_api
from tests.api.test_about import fill

ROUTES = sorted((method, path) for path, methods in app.routes.items() for method in methods)
QUERIED = (
    *("call_id", "state", "from", "to", "label", "label.x", "label.", "cursor", "limit", "format"),
    *("document", "sides", "record_call", "carrier", "profile", "other"),
)
TIMES = (
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "0999-12-31"),
    *("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999-23:59", "2026-02-30", "2026-W01"),
    *("9999-99-99", "2026-01-01T24:00:00", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00+24:00"),
)
NUMBERS = ("0", "-1", "201", "9" * 5_000, "1e999", "NaN", "0x" + "f" * 4_000, "\u0663", "\u00b2")
TEXTS = (
    *("", " ", "\0", "\ud800", "a\nb", "%", "%ff", "%ED%A0%80", "..", "/", "${x}", ":", "a:\udfff"),
    *("a" * 512, "a" * 513, "\U0001f600" * 129, "\U0001f600" * 512, "a" * 100_000),
)
CURSORS = tuple(
    urlsafe_b64encode(place.encode()).decode().rstrip("=")
    for place in (
        *(f"{year}-01-31T00:00:00.000000Z#x" for year in ("0000", "0001", "9999")),
        "2026-03-31T00:00:00.000000Z#" + "x" * 1_024,
    )
)
ODD = (*TIMES, *NUMBERS, *TEXTS, *CURSORS)
BODIES = (
    *(b"", b"{", b"[]", b"null", b"7", b"\xff", b"\xef\xbb\xbf{}", b"\0", b" " * 70_000),
    *(b"[" * 5_000, b'{"a":' * 3_000, b'{"a":1,"a":2}', b'{"a":1e999}', b'{"a":NaN}'),
    *(b'{"a":' + b"9" * 5_000 + b"}", b'{"a":"\\ud800"}', b'{"\\ud800":1}', b"9" * 60_000),
    *(
        b"? 0x" + b"f" * 4_000 + b"\n: 1",
        b"&a [*a]",
        b"- " * 3_000,
        b"a: 9999-99-99",
        b"? .nan\n: 1",
    ),
    b'sections: {main: [{record_call: {control_id: "\\ud800"}}]}',
)
TYPES = ("application/json", "application/yaml")


def ask(
    api: Api,
    route: tuple[str, str],
    names: dict[str, str],
    query: dict[str, str],
    body: bytes = b"",
    content_type: str = "application/json",
) -> int:
    """Ask as API Gateway does, and return the status."""
    method, path = route
    event = {
        "resource": path,
        "path": path,
        "headers": {"content-type": content_type, "authorization": api.headers["Authorization"]},
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "pathParameters": names,
        "stageVariables": None,
        "requestContext": {"resourcePath": path, "httpMethod": method},
        "body": b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    answer: dict[str, Any] = app(json.loads(json.dumps(event)), None)
    json.dumps(answer).encode()
    return int(answer["statusCode"])


def named(path: str, recording_id: str) -> dict[str, str]:
    """Return good values for a path's parameters."""
    good = {"recording_id": recording_id, "call_id": "c-1", "control_id": "live", "name": "front"}
    parts = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return {part: good.get(part, "x") for part in parts}


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_no_name_in_a_path_is_our_fault(api: Api, route: tuple[str, str]) -> None:
    """However long, in whatever letters, encoded or not."""

    names = named(route[1], fill(api))

    for name in names:
        for odd in ODD:
            for written in (odd, quote(odd, safe="", errors="surrogatepass")):
                assert ask(api, route, names | {name: written}, {}) != 500, (name, written[:60])


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_no_query_is_our_fault(api: Api, route: tuple[str, str]) -> None:
    """Times, numbers, cursors and texts, wherever they are given."""

    names = named(route[1], fill(api))

    for name in QUERIED:
        for odd in ODD:
            assert ask(api, route, names, {name: odd}) != 500, (name, odd[:60])


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if one[0] in ("POST", "PATCH")], ids=" ".join
)
def test_no_body_is_our_fault(api: Api, route: tuple[str, str]) -> None:
    """JSON or YAML, or neither."""

    names = named(route[1], fill(api))

    for body in BODIES:
        for content_type in TYPES:
            assert ask(api, route, names, {}, body, content_type) != 500, (content_type, body[:60])


@given(
    st.sampled_from(["from", "to", "limit", "cursor", "label", "label.x", "call_id", "state"]),
    st.text(st.characters(), max_size=40) | st.datetimes().map(str) | st.integers().map(str),
)
def test_any_filter_is_taken_or_refused(name: str, text: str) -> None:
    """Nothing else comes of it."""

    with an_api() as api:
        assert ask(api, ("GET", "/v1/recordings"), {}, {name: text}) in (200, 400)
