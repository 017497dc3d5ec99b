"""How an outgoing tap lives: its moves, its callbacks, its end with its call."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import NotFound, Unavailable
from chalicelib.ports.values import JoinResult
from chalicelib.recording import keys
from chalicelib.recording.lifecycle import Writer
from chalicelib.recording.model import Ending
from chalicelib.services.calls.tap_control import failed_at_once
from chalicelib.tapping.lifecycle import TapCause
from chalicelib.tapping.model import Tap, TapOptions, TapQuality, TapRequest, TapState
from tests.samples import CALL, STATUS_URL, a_call, a_joining, a_profile, a_stream, later
from tests.services.core_desk import Desk
from tests.services.recovery.test_sweep import World
from tests.services.written_first import a_desk

QUALITY = TapQuality(messages_sent=500, messages_dropped=2)


@pytest.fixture
def desk() -> Desk:
    """A live call of a profile that calls back."""
    made = Desk()
    made.core.call_life.join(a_call(), a_stream())
    return made


def a_request(**changes: Any) -> TapRequest:
    request = TapRequest(
        call=CALL,
        control_id="tap-1",
        options=TapOptions(uri="rtp://8.8.8.8:12345"),
        worker="worker-1",
        at=later(1),
    )
    return replace(request, **changes)


def begun(desk: Desk, **changes: Any) -> Tap:
    return desk.taps.begin(a_request(**changes), "10.0.0.7", 20_000)


def bodies(desk: Desk) -> list[dict[str, Any]]:
    rows = desk.core.outbox.rows(keys.tap_id(CALL.key, "tap-1"))
    return [json.loads(row.body) for row in rows]


def events(desk: Desk) -> list[str]:
    return [event.event for event in desk.core.history.events(keys.tap_id(CALL.key, "tap-1"))]


def test_a_tap_that_begins_tells_it(desk: Desk) -> None:
    """Row, history and callback in one write; its delivery is started."""

    tap = begun(desk)

    assert (TapState.TAPPING, "10.0.0.7", 20_000, 1) == (
        tap.state,
        tap.source_address,
        tap.source_port,
        tap.round,
    )
    (body,) = bodies(desk)
    assert ("calling.call.tap", "tapping") == (body["event_type"], body["params"]["state"])
    assert "tapedeck-worker-1" == body["params"]["node_id"]
    assert ["tapping"] == events(desk)
    assert [(tap.tap_id, f"msg_{tap.tap_id}_1", 1)] == desk.workflows.deliveries


def test_a_tap_that_ends_tells_it_with_its_counts(desk: Desk) -> None:
    """Why it ended, and what was dropped, stand in the row and in the history."""

    tap = desk.taps.end(begun(desk), TapCause.UNREACHABLE, "hung_up", QUALITY, later(9))

    assert (TapState.FINISHED, "hung_up", QUALITY, later(9)) == (
        tap.state,
        tap.reason,
        tap.quality,
        tap.ended_at,
    )
    assert ["tapping", "finished"] == [body["params"]["state"] for body in bodies(desk)]
    (_, told) = desk.core.history.events(tap.tap_id)
    assert ("unreachable", "hung_up", 2) == (
        told.detail["cause"],
        told.detail["reason"],
        told.detail["messages_dropped"],
    )
    assert not failed_at_once(tap)


def test_a_tap_that_ends_again_stays_as_it_ended(desk: Desk) -> None:
    """The first word counts; no second callback."""

    first = desk.taps.end(begun(desk), TapCause.STOP, "stop", QUALITY, later(9))

    assert first == desk.taps.end(first, TapCause.CALL_CLOSED, "x", TapQuality(), later(10))
    assert 2 == len(bodies(desk))


def test_a_destination_that_never_took_it_is_told(desk: Desk) -> None:
    """One callback, `finished`; nothing tapped."""

    tap = desk.taps.refuse(a_request(), "unreachable", later(3))

    assert (TapState.FINISHED, "unreachable", later(3)) == (tap.state, tap.reason, tap.ended_at)
    assert failed_at_once(tap)
    assert ["finished"] == [body["params"]["state"] for body in bodies(desk)]


def test_a_control_id_is_one_tap(desk: Desk) -> None:
    """A repetition, of whatever came of it, is the tap that exists."""

    tap = begun(desk)

    assert tap == desk.taps.begin(a_request(at=later(5)), "10.0.0.8", 1)
    assert tap == desk.taps.refuse(a_request(), "unreachable", later(5))
    assert 1 == len(bodies(desk))


def test_a_taps_own_status_url_comes_first(desk: Desk) -> None:
    """Then the profile's; without either nothing is told."""

    own = TapOptions(uri="wss://example.com/a", status_url="https://example.org/own")
    assert "https://example.org/own" == begun(desk, options=own).status_url
    assert STATUS_URL == begun(desk, control_id="b").status_url
    desk.core.profiles.replace(a_profile(status_url=""))
    assert "" == begun(desk, control_id="c").status_url
    desk.core.profiles.delete("main", "front")
    assert "" == begun(desk, control_id="d").status_url
    assert [1, 1, 0, 0] == sorted(
        (tap.callbacks for tap in desk.core.taps.of_call(CALL.key)), reverse=True
    )


def test_a_tap_of_no_call_is_none(desk: Desk) -> None:
    """The caller hears it."""

    nobody = replace(CALL, call_id="c-2")
    with pytest.raises(NotFound):
        begun(desk, call=nobody)


def test_a_delivery_that_does_not_start_is_left_to_the_sweeper(desk: Desk) -> None:
    """The callback's row is due."""

    desk.core.faults.after(5)
    begun(desk)

    assert [] != desk.core.due_work.due(later(600), 10)


def ended_call(desk: Desk, writer: Writer) -> None:
    control = desk.control_of(writer)
    control.end_stream(CALL, "stream-1", Ending.STOPPED, later(5))
    control.close_call(CALL, 1, later(6))


def test_a_taps_deliveries_start_when_their_rows_are_there() -> None:
    """One that began before would find no callback, and its name would be used up."""

    desk, workflows = a_desk()
    desk.core.call_life.join(a_call(), a_stream())

    tap = begun(desk)
    desk.taps.end(tap, TapCause.STOP, "stop", QUALITY, later(9))

    assert 2 == len(workflows.deliveries)
    assert [] == workflows.early


@pytest.mark.parametrize("writer", [Writer.OWNER, Writer.SWEEPER])
def test_a_closed_calls_taps_are_finished(desk: Desk, writer: Writer) -> None:
    """By whoever closes it: the owner, or the sweeper in a dead one's place."""

    tap = begun(desk)
    ended_call(desk, writer)

    ended = desk.core.taps.get(CALL.key, tap.tap_id)
    assert (TapState.FINISHED, "call_closed", None) == (ended.state, ended.reason, ended.quality)
    assert ["tapping", "finished"] == [body["params"]["state"] for body in bodies(desk)]


def test_the_quality_of_a_tap_that_ended_with_its_call_comes_after(desk: Desk) -> None:
    """The owner notes it once; no further callback."""

    tap = begun(desk)
    ended_call(desk, Writer.OWNER)
    for _ in range(2):
        ended = desk.taps.end(tap, TapCause.CALL_CLOSED, "call_closed", QUALITY, later(7))
        assert QUALITY == ended.quality
    assert ["tapping", "finished", "quality"] == events(desk)
    assert 2 == len(bodies(desk))


def test_a_tap_of_the_next_round_goes_on(desk: Desk) -> None:
    """The late end of a round that closed is nothing to it."""

    tap = begun(desk)
    desk.taps.end_round(a_call(), 0, Writer.SWEEPER, later(9))

    assert tap == desk.core.taps.get(CALL.key, tap.tap_id)


def test_a_close_that_dies_anywhere_finishes_the_taps_when_it_is_repeated() -> None:
    """After any call of any port: once finished, one callback of each state."""

    for n in range(1, 40):
        desk = Desk(a_profile(record_call=None))
        desk.core.call_life.join(a_call(), a_stream())
        begun(desk)
        desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(5))
        desk.core.faults.after(n)
        try:
            desk.control.close_call(CALL, 1, later(6))
        except Unavailable:
            desk.control.close_call(CALL, 1, later(7))
        desk.core.faults.up()
        assert ["tapping", "finished"] == [body["params"]["state"] for body in bodies(desk)]


def test_two_who_finish_a_tap_at_once_finish_it_once(desk: Desk) -> None:
    """The sweeper's write between the owner's read and write is the one that counts."""

    tap = begun(desk)
    desk.core.faults.meanwhile(
        3, lambda: desk.taps.end_round(a_call(), 1, Writer.SWEEPER, later(8))
    )
    ended = desk.taps.end(tap, TapCause.STOP, "stop", QUALITY, later(9))

    assert ("call_closed", QUALITY) == (ended.reason, ended.quality)
    assert 2 == len(bodies(desk))


def test_one_that_ends_while_its_round_is_closed_is_left_alone(desk: Desk) -> None:
    """The owner's write between the sweeper's reads counts."""

    tap = begun(desk)
    desk.core.faults.meanwhile(
        2, lambda: desk.taps.end(tap, TapCause.STOP, "stop", QUALITY, later(8))
    )
    desk.taps.end_round(a_call(), 1, Writer.SWEEPER, later(9))

    assert "stop" == desk.core.taps.get(CALL.key, tap.tap_id).reason
    assert 2 == len(bodies(desk))


def an_owned_call(desk: Desk, owner: str) -> None:
    call = desk.core.store.calls[CALL.key]
    desk.core.store.calls[CALL.key] = replace(call, owner=owner, epoch=2)


def test_the_next_owner_of_a_call_has_its_taps_left_to_it(desk: Desk) -> None:
    """What others send, as long as it owns the call; not its own, and not what is over."""

    tap = begun(desk)
    own = begun(desk, control_id="own", worker="worker-2")
    over = begun(desk, control_id="over")
    desk.taps.end(over, TapCause.STOP, "stop", QUALITY, later(2))
    an_owned_call(desk, "worker-2")
    call = desk.core.calls.get(CALL.key)

    assert (tap,) == desk.taps.left_to(call, "worker-2")
    assert () == desk.taps.left_to(call, "worker-1")
    assert own.worker == "worker-2"


def test_a_tap_that_is_taken_over_goes_on(desk: Desk) -> None:
    """No callback: for its customer it never ended. Its history says who sends now."""

    tap = begun(desk)
    for _ in range(2):
        taken = desk.taps.take_over(tap, "worker-2", "10.0.0.9", 30_000)
        assert ("worker-2", "10.0.0.9", 30_000, TapState.TAPPING) == (
            taken.worker,
            taken.source_address,
            taken.source_port,
            taken.state,
        )
    assert ["tapping", "taken_over"] == events(desk)
    assert 1 == len(bodies(desk))


def test_whoever_sent_a_tap_before_does_not_end_it(desk: Desk) -> None:
    """A worker that leaves, while another one has taken the tap over, changes nothing."""

    tap = begun(desk)
    taken = desk.taps.take_over(tap, "worker-2", "10.0.0.9", 30_000)

    assert taken == desk.taps.end(tap, TapCause.CALL_CLOSED, "call_closed", QUALITY, later(9))
    assert TapState.FINISHED is desk.taps.end(taken, TapCause.STOP, "stop", QUALITY, later(9)).state


def test_what_is_over_is_not_taken_over(desk: Desk) -> None:
    """It stays as it ended."""

    ended = desk.taps.end(begun(desk), TapCause.STOP, "stop", QUALITY, later(9))

    assert ended == desk.taps.take_over(ended, "worker-2", "10.0.0.9", 30_000)


def test_a_tap_that_nobody_sends_can_be_stopped(desk: Desk) -> None:
    """Once; its counts are gone with its worker."""

    tap = begun(desk)
    first = desk.taps.abandon(CALL.key, tap.tap_id, later(9))

    assert (TapState.FINISHED, "stop", None) == (first.state, first.reason, first.quality)
    assert first == desk.taps.abandon(CALL.key, tap.tap_id, later(10))
    assert 2 == len(bodies(desk))


def test_a_stream_that_joins_a_new_owner_brings_the_taps(desk: Desk) -> None:
    """The first stream of a call asks for none."""

    tap = begun(desk)
    joined = desk.control.join_call(
        a_joining(stream_key="stream-2", worker="worker-2", claims_over_epoch=99)
    )

    assert isinstance(joined, JoinResult)
    assert (tap,) == joined.taps


def test_a_dead_workers_taps_end_with_their_call() -> None:
    """The sweeper that finds it dead says so to whoever waits for the tap's end."""

    world = World()
    world.streaming()
    tap = begun(world.desk)
    assert {"dead_workers": 1, "deliveries_started": 1} == world.sweep(later(90))

    ended = world.desk.core.taps.get(CALL.key, tap.tap_id)
    assert (TapState.FINISHED, "call_closed") == (ended.state, ended.reason)
    assert ["tapping", "finished"] == [body["params"]["state"] for body in bodies(world.desk)]
    assert {2} == {
        int(webhook_id[-1])
        for owner, webhook_id, _ in world.desk.workflows.deliveries[-1:]
        if owner == tap.tap_id
    }
