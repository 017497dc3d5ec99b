"""Who owns a call: the first worker that learns of it, until that one is out of reach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.ports.values import JoinResult, OwnedElsewhere
from chalicelib.recording.model import Call, Ending, Stream
from tests.samples import CALL, a_joining, later
from tests.services.core_desk import Desk

SECOND = a_joining(stream_key="stream-2", worker="worker-2", address="10.0.0.2:8081")


def owned(desk: Desk) -> Call:
    """Let a first worker own the call; return it."""
    assert isinstance(desk.control.join_call(a_joining(address="10.0.0.1:8081")), JoinResult)
    return desk.core.calls.get(CALL.key)


def owner(desk: Desk) -> tuple[str, str, int]:
    """Return who owns the call."""
    call = desk.core.calls.get(CALL.key)
    return call.owner, call.owner_address, call.epoch


def test_the_first_worker_owns_the_call() -> None:
    """The stream that opens a call claims it for its worker."""

    desk = Desk()
    owned(desk)
    assert ("worker-1", "10.0.0.1:8081", 1) == owner(desk)


def test_another_worker_is_told_the_owner() -> None:
    """A stream of another worker joins nothing: it belongs to the owner."""

    desk = Desk()
    owned(desk)
    told = desk.control.join_call(SECOND)
    assert OwnedElsewhere(owner="worker-1", owner_epoch=1, address="10.0.0.1:8081") == told
    assert ["stream-1"] == [one.stream_key for one in desk.core.calls.streams(CALL.key)]


def test_the_owner_joins_what_was_passed_on() -> None:
    """A stream that another worker's socket brings is the owner's stream."""

    desk = Desk()
    owned(desk)
    desk.control.join_call(replace(SECOND, worker="worker-1"))
    assert ["worker-1"] * 2 == [one.worker for one in desk.core.calls.streams(CALL.key)]
    assert ("worker-1", "10.0.0.1:8081", 1) == owner(desk)


@pytest.mark.parametrize(("claims_over_epoch", "owns"), [(0, False), (1, True), (2, True)])
def test_an_owner_out_of_reach_is_followed_by_the_next(claims_over_epoch: int, owns: bool) -> None:
    """Who couldn't reach the owner of an epoch claims the next one, and no newer owner's."""

    desk = Desk()
    owned(desk)
    told = desk.control.join_call(replace(SECOND, claims_over_epoch=claims_over_epoch))
    assert owns == isinstance(told, JoinResult)
    assert owner(desk) == (
        ("worker-2", "10.0.0.2:8081", 2) if owns else ("worker-1", "10.0.0.1:8081", 1)
    )


def test_of_two_who_claim_the_second_follows_the_first() -> None:
    """A claim of an epoch that is over already leads to its owner."""

    desk = Desk()
    owned(desk)
    desk.control.join_call(replace(SECOND, claims_over_epoch=1))
    third = a_joining(stream_key="stream-3", worker="worker-3", claims_over_epoch=1)
    told = desk.control.join_call(third)
    assert OwnedElsewhere(owner="worker-2", owner_epoch=2, address="10.0.0.2:8081") == told


def test_what_is_captured_alone_joins_beside_the_owner() -> None:
    """A worker that captured already joins its stream, and the call stays the owner's."""

    desk = Desk()
    owned(desk)
    assert isinstance(desk.control.join_call(replace(SECOND, is_captured=True)), JoinResult)
    assert ("worker-1", "10.0.0.1:8081", 1) == owner(desk)
    assert ["worker-1", "worker-2"] == [one.worker for one in desk.core.calls.streams(CALL.key)]


def test_a_call_that_opens_again_is_free() -> None:
    """Who joins the next round first owns that."""

    desk = Desk()
    owned(desk)
    desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))
    desk.control.close_call(CALL, 1, later(10))
    joined = desk.control.join_call(replace(SECOND, opened_at=later(60)))
    assert isinstance(joined, JoinResult)
    assert ("worker-2", "10.0.0.2:8081", 2) == owner(desk)


def test_a_call_of_an_older_version_is_free() -> None:
    """A row without an owner is claimed by the next stream that joins."""

    desk = Desk()
    call = owned(desk)
    older = replace(call, owner="", owner_address="", epoch=0)
    desk.core.store.calls[CALL.key] = older
    assert isinstance(desk.control.join_call(SECOND), JoinResult)
    assert ("worker-2", "10.0.0.2:8081", 1) == owner(desk)


def test_of_two_that_come_at_once_one_owns() -> None:
    """The row's generation lets one write; the other reads again, and learns who was first."""

    desk = Desk()
    told: list[JoinResult | OwnedElsewhere] = []
    slow = replace(desk.control, calls=_Overtaken(desk, told))
    told.append(slow.join_call(a_joining(address="10.0.0.1:8081")))
    assert [JoinResult, OwnedElsewhere] == [type(one) for one in told]
    assert "worker-2" == owner(desk)[0]


def test_a_stream_of_a_dead_owner_ends_without_being_complete() -> None:
    """Who goes on with a stream may end the dead owner's part; the journal is still read for it."""

    desk = Desk()
    owned(desk)
    desk.control.join_call(replace(SECOND, claims_over_epoch=1))
    desk.control.end_stream(CALL, "stream-1", Ending.DEAD, later(5))
    first, second = desk.core.calls.streams(CALL.key)
    assert (Ending.DEAD, later(5), False) == (first.ending, first.ended_at, first.complete)
    assert second.ended_at is None


class _Overtaken:
    """Calls between whose first two answers another worker's stream joins."""

    def __init__(self, desk: Desk, told: list[JoinResult | OwnedElsewhere]) -> None:
        self._calls = desk.core.calls
        self._overtakers = [lambda: told.append(desk.control.join_call(SECOND))]

    def streams(self, call_key: str) -> list[Stream]:
        """Read the call's streams."""
        return self._calls.streams(call_key)

    def get(self, call_key: str) -> Call:
        """Read the call; the first to ask is overtaken then."""
        overtakers, self._overtakers = self._overtakers, []
        try:
            return self._calls.get(call_key)
        finally:
            for overtake in overtakers:
                overtake()
