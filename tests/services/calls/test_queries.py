from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.ports.values import Page, RecordingFilter
from chalicelib.recording.model import CallRef, Recording
from chalicelib.services.calls.queries import (
    describe_call,
    find_call,
    find_recording,
    list_calls,
    list_recordings,
)
from tests.fakes import FakeCore
from tests.samples import CALL, a_call, a_recording, a_stream, an_event


class Asked:
    """Recordings that note what they are asked for."""

    wanted = RecordingFilter()
    limit = 0
    cursor = ""

    def listing(
        self, account: str, wanted: RecordingFilter, limit: int, cursor: str
    ) -> Page[Recording]:
        self.wanted, self.limit, self.cursor = wanted, limit, cursor
        return Page(rows=())


def asked(**query: str) -> Asked:
    recordings = Asked()
    list_recordings(recordings, "main", {k.replace("__", "."): v for k, v in query.items()})  # type: ignore[arg-type]  # half a port
    return recordings


def test_no_filter_asks_for_everything() -> None:
    """Fifty of them, from the newest on."""

    nothing = asked()

    assert (RecordingFilter(), 50, "") == (nothing.wanted, nothing.limit, nothing.cursor)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("0001-01-01T00:00:00+14:00", 1),
        ("0001-01-01T00:00:00+23:59", 1),
        ("9999-12-31T23:59:59-14:00", 9999),
        ("9999-12-31T23:59:59.999999-23:59", 9999),
    ],
)
def test_a_time_beyond_the_calendar_is_its_end(text: str, year: int) -> None:
    """In UTC there is no such time; what was meant is plain."""

    found = asked(**{"from": text, "to": text})

    assert (UTC, year) == (found.wanted.since.tzinfo, found.wanted.since.year)  # type: ignore[union-attr]  # there
    assert found.wanted.since == found.wanted.until
    assert found.wanted.since in (
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    )


def test_filters_are_parsed() -> None:
    """Texts become what they mean."""

    found = asked(
        call_id="c",
        state="paused",
        label__tag="vip",
        **{"from": "2026-03-01T13:00:00+01:00", "to": "2026-03-02"},
        limit="200",
        cursor="x",
    )

    assert (
        RecordingFilter(
            call_id="c",
            state="paused",
            label=("tag", "vip"),
            since=datetime(2026, 3, 1, 12, tzinfo=UTC),
            until=datetime(2026, 3, 2, tzinfo=UTC),
        )
        == found.wanted
    )
    assert (200, "x") == (found.limit, found.cursor)


def test_a_plus_that_wasn_t_encoded_is_a_plus() -> None:
    """`+01:00` arrives as ` 01:00`."""

    assert datetime(2026, 3, 1, 12, tzinfo=UTC) == (
        asked(**{"from": "2026-03-01T13:00:00 01:00"}).wanted.since
    )


def test_another_account_s_recording_isn_t_there() -> None:
    """Its id alone opens nothing."""

    core = FakeCore()
    stored = core.recordings.create(a_recording(), an_event(a_recording()), None)

    assert stored == find_recording(core.recordings, "main", stored.recording_id)
    with pytest.raises(NotFound):
        find_recording(core.recordings, "other", stored.recording_id)


def test_a_call_is_found_by_the_carrier_s_id() -> None:
    """None where there is none; the carrier only where it is needed."""

    core = FakeCore()
    core.calls.ensure(a_call())

    assert find_call(core.calls, "main", "nothing") is None
    assert find_call(core.calls, "main", CALL.call_id, "signalwire") is None
    assert a_call() == find_call(core.calls, "main", CALL.call_id)
    core.calls.ensure(a_call(ref=CallRef(account="main", carrier="x", call_id=CALL.call_id)))
    with pytest.raises(InvalidRequest, match="bandwidth, x"):
        find_call(core.calls, "main", CALL.call_id)


def test_a_call_is_described_with_what_belongs_to_it() -> None:
    """Its streams and recordings."""

    core = FakeCore()
    core.call_life.join(a_call(), a_stream())
    stored = core.recordings.create(a_recording(), an_event(a_recording()), None)

    known = describe_call(core.calls, core.recordings, core.taps, "main", CALL.call_id, "")

    assert ((a_stream(),), (stored,)) == (known.streams, known.recordings)
    with pytest.raises(NotFound):
        describe_call(core.calls, core.recordings, core.taps, "other", CALL.call_id, "")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "", "99999999999999999999"])
def test_a_limit_is_a_number_from_1_to_200(limit: str) -> None:
    """Anything else is refused."""

    with pytest.raises(InvalidRequest, match="limit"):
        list_calls(FakeCore().calls, "main", {"limit": limit})
