"""What Calls, CallLife, LiveStreams and Inbox promise, in memory and as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.adapters.dynamodb.calls import DynamoCallLife
from chalicelib.adapters.dynamodb.table import Table, Where
from chalicelib.capture.events import Encoding
from chalicelib.errors import InvalidRequest, NotFound, PreconditionFailed, Unavailable
from chalicelib.ports.values import Due, DueKind, NewRecording
from chalicelib.recording import keys
from chalicelib.recording.carrier_reports import ReportedFacts
from chalicelib.recording.model import CallRef, Ending
from tests.adapters.dynamodb.test_table import Client
from tests.adapters.dynamodb_world import DynamoCore
from tests.samples import (
    CALL,
    T0,
    a_call,
    a_recording,
    a_stream,
    an_announcement,
    an_event,
    an_inbound_event,
    later,
)

UNHEARD = a_call(open=False, round=0, generation=0)


def joined(core: Any, **stream: Any) -> Any:
    """Join a call's first stream."""
    core.call_life.join(a_call(), a_stream(**stream))
    return a_stream(**stream)


class TestCalls:
    """The port Calls."""

    def test_ensures_a_call_once(self, core: Any) -> None:
        """A call is written where none is, and left alone where one is."""

        assert UNHEARD == core.calls.ensure(UNHEARD)
        assert UNHEARD == core.calls.ensure(replace(UNHEARD, profile="other"))
        assert UNHEARD == core.calls.get(CALL.key)

    def test_knows_none_that_was_not_written(self, core: Any) -> None:
        """An unknown call is NotFound, and has no streams."""

        with pytest.raises(NotFound):
            core.calls.get(CALL.key)
        assert [] == core.calls.streams(CALL.key)

    def test_corrects_by_what_was_announced(self, core: Any) -> None:
        """Calls and streams come as the carrier's webhooks correct them."""

        joined(core)
        core.call_life.end_stream(a_stream(ended_at=later(5), ending=Ending.BROKEN, complete=True))
        facts = ReportedFacts(said_at=T0, encoding=Encoding.PCMA, labels={"tag": "vip"})
        said = an_announcement(facts=facts, ended_at=later(5))
        assert core.inbox.accept(an_inbound_event(), None, said, None)
        (stream,) = core.calls.streams(CALL.key)
        assert (Encoding.PCMA, Ending.STOPPED) == (stream.encoding, stream.ending)
        assert {"desk": "front", "tag": "vip"} == core.calls.get(CALL.key).labels

    def test_pages_through_an_account_newest_first(self, core: Any) -> None:
        """Pages follow each other without a gap or a repetition."""

        for number in range(5):
            ref = CallRef(account="main", carrier="bandwidth", call_id=f"c-{number}")
            core.calls.ensure(replace(UNHEARD, ref=ref, opened_at=later(-86_400 * 9 * number)))
        found, cursor = [], ""
        for _ in range(4):
            page = core.calls.listing("main", 2, cursor)
            found += [call.ref.call_id for call in page.rows]
            cursor = page.cursor
            if not cursor:
                break
        assert [f"c-{number}" for number in range(5)] == found
        with pytest.raises(InvalidRequest):
            core.calls.listing("main", 2, "made up")

    def test_finds_a_call_by_the_carriers_id(self, core: Any) -> None:
        """A call id alone leads to the account's calls of that id, of whatever carrier."""

        core.calls.ensure(UNHEARD)
        core.calls.ensure(replace(UNHEARD, ref=replace(CALL, carrier="signalwire")))
        core.calls.ensure(replace(UNHEARD, ref=replace(CALL, account="other")))
        found = {call.ref.carrier for call in core.calls.named("main", "c-1")}
        assert {"bandwidth", "signalwire"} == found
        assert [] == core.calls.named("main", "c-2")


class TestCallLife:
    """The port CallLife."""

    def test_joins_a_call_and_its_stream_together(self, core: Any) -> None:
        """A first stream makes its call, and is its worker's."""

        stream = joined(core)
        assert (a_call(), [stream]) == (core.calls.get(CALL.key), core.calls.streams(CALL.key))
        assert [stream] == core.live_streams.of_worker("worker-1")

    def test_joins_a_stream_once(self, core: Any) -> None:
        """The same stream again is refused, and the call doesn't count it."""

        joined(core)
        with pytest.raises(PreconditionFailed):
            core.call_life.join(a_call(generation=2), a_stream())
        assert 1 == core.calls.get(CALL.key).generation

    def test_holds_a_stream_before_it_joins(self) -> None:
        """A stream joins when its worker is known to hold it: a worker that dies in between leaves
        a stream that is found. Where that can't be noted, nothing joins."""

        throttled = ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")
        core, hot = Client({}), Client(throttled)
        life = DynamoCallLife(Table(core, "core"), Table(hot, "hot"))
        with pytest.raises(Unavailable):
            life.join(a_call(), a_stream())
        assert (1, 0) == (len(hot.requests), len(core.requests))

    def test_finds_a_dead_worker_s_streams(self, core: Any) -> None:
        """A worker's streams are those that joined, not the ones that were only held."""

        stream = joined(core)
        with pytest.raises(PreconditionFailed):
            core.call_life.join(a_call(), a_stream(stream_key="stream-2"))
        assert [stream] == core.live_streams.of_worker("worker-1")

    @pytest.mark.parametrize(
        ("stored", "joining", "fits"),
        [
            (None, a_call(), True),
            (None, a_call(generation=2), False),
            (UNHEARD, a_call(), True),
            (a_call(), a_call(generation=2), True),
            (a_call(), a_call(generation=3), False),
            (a_call(), a_call(generation=1), False),
            (a_call(), a_call(generation=2, round=2), False),
            (a_call(open=False), a_call(generation=2, round=2), True),
            (a_call(open=False), a_call(generation=2, round=3), True),
            (a_call(open=False), a_call(generation=2, round=1), False),
        ],
    )
    def test_joins_only_the_call_that_was_read(
        self, core: Any, stored: Any, joining: Any, fits: bool
    ) -> None:
        """A stream joins the round that is open, or begins one after it closed."""

        if stored is not None:
            core.calls.ensure(stored)
        if fits:
            core.call_life.join(joining, a_stream(round=joining.round))
            assert joining == core.calls.get(CALL.key)
        else:
            with pytest.raises(PreconditionFailed):
                core.call_life.join(joining, a_stream(round=joining.round))
            assert [] == core.calls.streams(CALL.key)

    def test_ends_a_stream_once(self, core: Any) -> None:
        """A stream's first end counts, with the segments that it names."""

        joined(core)
        ended = a_stream(ended_at=later(5), ending=Ending.CLOSED, complete=True, segments=(0, 3))
        core.call_life.end_stream(ended)
        with pytest.raises(PreconditionFailed):
            core.call_life.end_stream(replace(ended, ending=Ending.DEAD))
        assert [ended] == core.calls.streams(CALL.key)

    def test_leaves_an_ended_stream_with_its_worker(self, core: Any) -> None:
        """A stream stays its worker's until it is forgotten, however it ended."""

        joined(core)
        ended = a_stream(ended_at=later(5), ending=Ending.CLOSED, complete=True)
        core.call_life.end_stream(ended)
        assert [ended] == core.live_streams.of_worker("worker-1")
        core.live_streams.forget(ended)
        core.live_streams.forget(ended)
        assert [] == core.live_streams.of_worker("worker-1")

    def test_closes_the_generation_that_was_read(self, core: Any) -> None:
        """A stream that joined meanwhile keeps its call open; a second closing is refused."""

        joined(core)
        core.call_life.join(a_call(generation=2), a_stream(stream_key="stream-2"))
        with pytest.raises(PreconditionFailed):
            core.call_life.close(a_call(open=False, closed_at=later(9)))
        closed = a_call(generation=2, open=False, closed_at=later(9), due_at=later(69))
        core.call_life.close(closed)
        with pytest.raises(PreconditionFailed):
            core.call_life.close(closed)
        assert closed == core.calls.get(CALL.key)

    def test_postpones_what_did_not_change(self, core: Any) -> None:
        """A call's due time moves, or goes, unless the call changed since it was read."""

        joined(core)
        call = core.calls.get(CALL.key)
        core.call_life.postpone(replace(call, due_at=later(600)))
        due = Due(kind=DueKind.CALL, key=CALL.key, number=0, due_at=later(600))
        assert [due] == core.due_work.due(later(600), 10)
        core.call_life.postpone(replace(call, due_at=None))
        assert [] == core.due_work.due(later(600), 10)
        with pytest.raises(PreconditionFailed):
            core.call_life.postpone(replace(call, generation=2, due_at=later(1)))


def a_request() -> NewRecording:
    """Return a pending recording to create."""
    recording = a_recording(version=0, due_at=later(15))
    return NewRecording(recording=recording, event=an_event(recording, event="requested"))


class TestInbox:
    """The port Inbox."""

    def test_accepts_an_event_with_all_that_it_says(self, core: Any) -> None:
        """Event, call, announcement and recording are there after one write."""

        event, said, request = an_inbound_event(), an_announcement(), a_request()
        assert core.inbox.accept(event, UNHEARD, said, request)
        assert [replace(said, version=1)] == core.inbox.carrier_reports(CALL.key)
        assert [event] == core.inbox.events(CALL.key)
        assert "front" == core.calls.get(CALL.key).profile
        created = replace(request.recording, version=1)
        assert [created] == core.recordings.of_call(CALL.key)
        assert ["requested"] == [e.event for e in core.history.events(created.recording_id)]

    def test_accepts_an_event_once(self, core: Any) -> None:
        """A known event changes nothing, whatever comes with it."""

        assert core.inbox.accept(an_inbound_event(), None, None, None)
        assert not core.inbox.accept(an_inbound_event(), UNHEARD, an_announcement(), a_request())
        assert [] == core.inbox.carrier_reports(CALL.key)
        assert [] == core.recordings.of_call(CALL.key)

    def test_leaves_what_exists(self, core: Any) -> None:
        """A call and a recording that exist stay as they are, and the rest is written."""

        joined(core)
        stored = core.recordings.create(a_recording(), an_event(a_recording()), None)
        assert core.inbox.accept(an_inbound_event(), UNHEARD, an_announcement(), a_request())
        assert [stored] == core.recordings.of_call(CALL.key)
        assert core.calls.get(CALL.key).open
        assert 1 == len(core.inbox.carrier_reports(CALL.key))

    def test_refuses_a_stale_announcement(self, core: Any) -> None:
        """Of two webhooks that read the same announcement the second must read again."""

        said = an_announcement()
        core.inbox.accept(an_inbound_event(), None, said, None)
        with pytest.raises(PreconditionFailed):
            core.inbox.accept(an_inbound_event(event_key="cd"), UNHEARD, said, None)
        assert 1 == len(core.inbox.events(CALL.key))
        again = replace(said, version=1, ended_at=later(5))
        assert core.inbox.accept(an_inbound_event(event_key="cd"), UNHEARD, again, None)
        assert [2] == [one.version for one in core.inbox.carrier_reports(CALL.key)]

    def test_lists_events_in_order_of_occurrence(self, core: Any) -> None:
        """What carriers said comes in their order, not in that of its arrival."""

        for key, at in (("b", later(2)), ("a", later(3)), ("c", None)):
            core.inbox.accept(an_inbound_event(event_key=key, occurred_at=at), None, None, None)
        assert ["c", "b", "a"] == [one.event_key for one in core.inbox.events(CALL.key)]

    def test_stores_an_event_of_no_call(self, core: Any) -> None:
        """An event that names no call is stored, once."""

        event = an_inbound_event(call_id="", event_type="unknown", occurred_at=None)
        assert core.inbox.accept(event, None, None, None)
        assert not core.inbox.accept(event, None, None, None)
        assert [] == core.inbox.events(keys.call_key("main", "bandwidth", ""))


def test_leaves_out_a_call_that_only_newer_code_can_read() -> None:
    """Its streams aren't among a worker's, so that the others' calls end; it is named instead."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        core = DynamoCore(client, "newer", lambda: later(0))
        joined(core)
        newer = replace(CALL, call_id="c-2")
        core.call_life.join(a_call(ref=newer), a_stream(call=newer, stream_key="stream-2"))
        key = {"pk": f"CALL#{newer.key}", "sk": "STREAM#stream-2"}
        stored = core.core.get(key["pk"], key["sk"])
        core.core.put({**stored, "encoding": "OPUS"}, Where(text="attribute_exists(#pk)"))

        assert [a_stream()] == core.live_streams.of_worker("worker-1")
        assert [newer.key] == core.live_streams.unreadable("worker-1")
