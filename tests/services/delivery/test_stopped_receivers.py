"""Receivers that want nothing any more, or take nothing for days: what becomes of callbacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.ports.values import HttpReply, SendFault
from chalicelib.recording.outbox import OutboxRow
from chalicelib.services.delivery.deliver import Delivered, GivenUp, Postponed
from tests.services.delivery_desk import FIRST, NOON, SECOND, Desk

OK, BUSY, GONE = HttpReply(status=200), HttpReply(status=503), HttpReply(status=410)
ELSEWHERE = replace(SECOND, url="https://example.org/status")
ANOTHERS = replace(SECOND, account="another")


def owed(number: int, at_hours: float) -> OutboxRow:
    """Return another recording's only callback, owed at an hour."""
    return replace(
        FIRST,
        recording_id=f"r-{number}",
        webhook_id=f"msg_r-{number}_1",
        created_at=NOON + timedelta(hours=at_hours),
    )


def failing_for(hours: int, *, last: OutboxRow | None = None) -> Desk:
    """Return a desk whose receiver failed every hour, each time with a callback of its own."""
    rows = [owed(hour, hour) for hour in range(hours + 1)]
    desk = Desk([*rows, *([last] if last else [])], replies=[BUSY] * len(rows))
    for row in rows:
        desk.pass_s((row.created_at - desk.now()).total_seconds())
        desk.attempt(row)
    return desk


def test_410_stops_the_url() -> None:
    """What is owed to the same URL after a 410 isn't sent; its event is out all the same."""

    desk = Desk([FIRST, SECOND], replies=[GONE])
    desk.attempt(FIRST)

    assert GivenUp(reason="gone") == desk.attempt(SECOND)
    assert [FIRST.webhook_id] == desk.sent_ids()
    assert [FIRST.webhook_id, SECOND.webhook_id] == desk.published_ids()
    assert ["callback_failed", "callback_skipped"] == desk.told()
    assert "gone" == desk.facts(1)["given_up"]


def test_410_stops_no_other() -> None:
    """Another URL, and another account's callbacks to the same one, go on."""

    for other in (ELSEWHERE, ANOTHERS):
        desk = Desk([FIRST, other], replies=[GONE, OK])
        desk.attempt(FIRST)

        assert Delivered() == desk.attempt(other)


def test_is_disabled_after_120_hours() -> None:
    """The failure that completes 120 hours is the last: nothing more is sent there."""

    before, after = failing_for(119), failing_for(120, last=owed(999, 120))
    after.pass_s(1)

    assert "" == before.row(owed(119, 119)).given_up
    assert "disabled" == after.row(owed(120, 120)).given_up
    assert GivenUp(reason="disabled") == after.attempt(owed(999, 120))
    assert 121 == len(after.sent)


def test_retries_find_it_disabled_too() -> None:
    """A callback that waited for its next attempt is given up instead."""

    desk = failing_for(120)
    desk.pass_s(300)

    assert GivenUp(reason="disabled") == desk.attempt(owed(119, 119))
    assert ("disabled", "http_503") == (
        desk.row(owed(119, 119)).given_up,
        desk.row(owed(119, 119)).last_error,
    )


def test_one_yes_begins_anew() -> None:
    """A receiver that took something in between has 120 hours again."""

    rows = [owed(hour, hour) for hour in (0, 20, 40, 60, 61, 85, 110, 130)]
    desk = Desk(rows, replies=[BUSY, BUSY, BUSY, OK, BUSY, BUSY, BUSY, BUSY])
    for row in rows:
        desk.pass_s((row.created_at - desk.now()).total_seconds())
        desk.attempt(row)

    assert [""] * len(rows) == [desk.row(row).given_up for row in rows]


def test_a_refused_url_is_nobodys_failure() -> None:
    """Where the guard refuses the URL, nobody was asked: the receiver isn't counted as failing."""

    desk = Desk([FIRST], replies=[HttpReply(fault=SendFault.URL)])
    desk.attempt(FIRST)

    assert desk.receiver(FIRST) is None


def test_a_redelivery_tries_it_again() -> None:
    """Who asks for one says that the receiver is well: what it then takes starts it again."""

    desk = Desk([FIRST, SECOND], replies=[GONE, OK, OK])
    desk.attempt(FIRST)
    desk.attempt(SECOND)
    desk.redeliver(SECOND)

    assert Delivered() == desk.attempt(SECOND)
    desk.redeliver(FIRST)
    assert Delivered() == desk.attempt(FIRST)
    assert desk.receiver(FIRST) is None


def test_a_redelivery_may_find_it_gone_again() -> None:
    """A receiver that still answers 410 is stopped again at once."""

    desk = Desk([FIRST, SECOND], replies=[GONE, GONE])
    desk.attempt(FIRST)
    desk.redeliver(FIRST)

    assert GivenUp(reason="gone") == desk.attempt(FIRST)
    assert GivenUp(reason="gone") == desk.attempt(SECOND)
    assert 2 == len(desk.sent)


def test_a_month_later_it_is_tried_again() -> None:
    """A stop isn't for ever: after thirty days the next callback asks."""

    late = owed(9, 24 * 31)
    desk = Desk([FIRST, late], replies=[GONE, OK])
    desk.attempt(FIRST)
    desk.pass_s((late.created_at - desk.now()).total_seconds())

    assert Delivered() == desk.attempt(late)


def test_who_answers_late_starts_nobody_again() -> None:
    """While one callback's attempt fails slowly, another one's is answered 410: it stays stopped,
    and the slow one finds that at its next attempt."""

    desk = Desk([FIRST, owed(2, 0)], replies=[GONE, BUSY])

    def answered_meanwhile() -> None:
        desk.during_send = lambda: None
        desk.attempt(owed(2, 0))

    desk.during_send = answered_meanwhile
    first = desk.attempt(FIRST)
    desk.pass_s(5)

    assert Postponed(wait_seconds=5.0) == first
    assert GivenUp(reason="gone") == desk.attempt(FIRST)


@pytest.mark.parametrize("call", range(1, 14))
@pytest.mark.parametrize("acts", [False, True], ids=["before", "after"])
def test_dying_at_any_call_lets_nothing_through(call: int, acts: bool) -> None:
    """Whichever call of a port kills the function, what is owed after a 410 is never sent."""

    desk = Desk([FIRST, SECOND], replies=[GONE] * 3)
    (desk.faults.after if acts else desk.faults.before)(call)

    outcomes = [desk.run_to_the_end(row) for row in (FIRST, SECOND)]

    assert [GivenUp(reason="gone")] * 2 == outcomes
    assert {FIRST.webhook_id} == set(desk.sent_ids())
    assert [FIRST.webhook_id, SECOND.webhook_id] == list(dict.fromkeys(desk.published_ids()))
