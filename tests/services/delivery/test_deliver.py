"""Delivery of status callbacks: one attempt, and whole lives of callbacks on a fake clock."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import Unavailable
from chalicelib.ports.values import HttpReply, SendFault
from chalicelib.services.delivery.deliver import Delivered, GivenUp, Postponed
from tests.services.delivery_desk import FIRST, NOON, SECOND, SECRET, SEND_S, Desk

OK = HttpReply(status=200)
BUSY = HttpReply(status=503)
REPLIES = st.sampled_from(
    [OK, BUSY, HttpReply(status=410), HttpReply(status=301), HttpReply(fault=SendFault.DEADLINE)]
)


def test_delivers_at_once() -> None:
    """A receiver that says yes has it: the row is done, the history tells, the event is out."""

    desk = Desk([FIRST], replies=[HttpReply(status=204)])

    outcome = desk.attempt(FIRST)

    assert Delivered() == outcome
    assert replace(
        FIRST, attempts=1, first_ended_at=desk.now(), delivered_at=desk.now()
    ) == desk.row(FIRST)
    assert ["callback_delivered"] == desk.told()
    assert [FIRST.webhook_id] == desk.published_ids()


def test_sends_the_stored_text_signed() -> None:
    """The body is the row's, to the byte, as JSON, and its signature verifies."""

    desk = Desk([FIRST], replies=[OK])

    desk.attempt(FIRST)

    url, body, headers = desk.sent[0]
    assert (FIRST.url, FIRST.body.encode()) == (url, body)
    assert "application/json" == headers["Content-Type"]
    assert FIRST.webhook_id == headers["webhook-id"]
    assert str(int(NOON.timestamp())) == headers["webhook-timestamp"]
    assert headers["webhook-signature"].startswith("v1,")


def test_follows_the_schedule_to_its_end() -> None:
    """A receiver that never says yes is tried ten times in about 75 hours, under one id."""

    desk = Desk([FIRST], replies=[BUSY] * 11)

    outcome = desk.run_to_the_end(FIRST)

    assert GivenUp(reason="exhausted") == outcome
    assert 10 == len(desk.sent)
    assert {FIRST.webhook_id} == {headers["webhook-id"] for _, _, headers in desk.sent}
    assert 10 == len({headers["webhook-timestamp"] for _, _, headers in desk.sent})
    assert timedelta(hours=75) < desk.now() - NOON < timedelta(hours=76)
    assert (10, "exhausted", "http_503") == (
        desk.row(FIRST).attempts,
        desk.row(FIRST).given_up,
        desk.row(FIRST).last_error,
    )
    assert ["callback_failed"] * 10 == desk.told()


@pytest.mark.parametrize(("jitter", "part"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_tries_at_the_promised_times(jitter: float, part: float) -> None:
    """At once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h after the end of the
    attempt before, a fifth earlier or later; the workflow wakes up at just those times."""

    desk = Desk([FIRST], replies=[BUSY] * 10)
    desk.jitter = jitter
    desk.run_to_the_end(FIRST)

    waits = [later - earlier for earlier, later in pairwise(desk.sent_at)]
    hours = [5 / 3600, 1 / 12, 0.5, 2, 5, 10, 14, 20, 24]
    assert NOON == desk.sent_at[0]
    assert [round(3600 * hour * part + SEND_S, 3) for hour in hours] == [
        round(wait.total_seconds(), 3) for wait in waits
    ]


def test_waits_for_a_date() -> None:
    """Retry-After may be a date; one that is more than a day ahead counts as a day."""

    for days, seconds in ((0.25, 6 * 3600), (3, 24 * 3600)):
        until = format_datetime(NOON + timedelta(days=days, seconds=SEND_S), usegmt=True)
        desk = Desk([FIRST], replies=[HttpReply(status=503, retry_after=until)])

        outcome = desk.attempt(FIRST)

        assert isinstance(outcome, Postponed)
        assert abs(outcome.wait_seconds - seconds) < 1


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_takes_every_2xx_for_a_yes(status: int) -> None:
    """Any status of the 2xx class is success."""

    assert Delivered() == Desk([FIRST], replies=[HttpReply(status=status)]).attempt(FIRST)


@pytest.mark.parametrize("status", [100, 199, 300, 301, 302, 304, 307, 400, 401, 404, 429, 500])
def test_tries_again_after_any_other_status(status: int) -> None:
    """Everything else, redirects too, is a failure that a later attempt may mend."""

    desk = Desk([FIRST], replies=[HttpReply(status=status)])

    assert Postponed(wait_seconds=5.0) == desk.attempt(FIRST)
    assert f"http_{status}" == desk.row(FIRST).last_error


@pytest.mark.parametrize("fault", [fault for fault in SendFault if fault is not SendFault.URL])
def test_tries_again_after_a_fault(fault: SendFault) -> None:
    """A name that resolves wrongly today, a dead or slow receiver may be well tomorrow."""

    desk = Desk([FIRST], replies=[HttpReply(fault=fault, detail="the reason")])

    assert Postponed(wait_seconds=5.0) == desk.attempt(FIRST)
    assert str(fault) == desk.row(FIRST).last_error
    assert "the reason" == desk.facts()["detail"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(HttpReply(status=410), "gone"), (HttpReply(fault=SendFault.URL), "refused")],
)
def test_gives_up_where_no_attempt_can_help(reply: HttpReply, reason: str) -> None:
    """A receiver that is gone and a URL that the guard refuses are tried once."""

    desk = Desk([FIRST], replies=[reply])

    assert GivenUp(reason=reason) == desk.attempt(FIRST)
    assert GivenUp(reason=reason) == desk.attempt(FIRST)
    assert 1 == len(desk.sent)
    assert reason == desk.facts()["given_up"]


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("120", 120.0), ("1", 5.0), ("999999", 86_400.0)]
)
def test_waits_as_long_as_it_is_asked_to(retry_after: str, seconds: float) -> None:
    """Retry-After lengthens a wait up to a day and never shortens it."""

    desk = Desk([FIRST], replies=[HttpReply(status=429, retry_after=retry_after)])

    assert Postponed(wait_seconds=seconds) == desk.attempt(FIRST)
    assert desk.now() + timedelta(seconds=seconds) == desk.row(FIRST).next_at


def test_scales_its_own_waits_only() -> None:
    """A scaled schedule is for tests; what the receiver asks for stays in seconds."""

    desk = Desk([FIRST], replies=[BUSY, HttpReply(status=503, retry_after="60")], wait_scale=0.01)

    first = desk.attempt(FIRST)
    desk.pass_s(0.05)

    assert Postponed(wait_seconds=0.05) == first
    assert Postponed(wait_seconds=60.0) == desk.attempt(FIRST)


def test_does_nothing_before_its_time() -> None:
    """A second start while the first waits sends nothing and says how long is left."""

    desk = Desk([FIRST], replies=[BUSY])
    desk.attempt(FIRST)
    desk.pass_s(2)

    assert Postponed(wait_seconds=3.0) == desk.attempt(FIRST)
    assert 1 == len(desk.sent)


def test_does_nothing_once_delivered() -> None:
    """Started again, a delivered callback is delivered, and not sent again."""

    desk = Desk([FIRST], replies=[OK])
    desk.attempt(FIRST)

    assert Delivered() == desk.attempt(FIRST)
    assert 1 == len(desk.sent)


def test_has_nothing_to_do_for_a_deleted_recording() -> None:
    """A row that is gone with its recording ends the execution quietly."""

    desk = Desk([])

    assert GivenUp(reason="deleted") == desk.attempt(FIRST)
    assert [] == desk.sent


def test_keeps_the_states_in_order() -> None:
    """`finished` isn't sent before the first attempt at `recording` has ended, and right after."""

    desk = Desk([FIRST, SECOND], replies=[BUSY, OK])

    before = desk.attempt(SECOND)
    desk.attempt(FIRST)

    assert Postponed(wait_seconds=1.0) == before
    assert Delivered() == desk.attempt(SECOND)
    assert [FIRST.webhook_id, SECOND.webhook_id] == desk.sent_ids()


def test_drops_old_news() -> None:
    """When `finished` has been delivered, a retry of `recording` isn't sent any more."""

    desk = Desk([FIRST, SECOND], replies=[BUSY, OK])
    desk.attempt(FIRST)
    desk.attempt(SECOND)
    desk.pass_s(5)

    assert GivenUp(reason="superseded") == desk.attempt(FIRST)
    assert [FIRST.webhook_id, SECOND.webhook_id] == desk.sent_ids()
    assert ["callback_failed", "callback_delivered", "callback_skipped"] == desk.told()


def test_redelivers_what_was_delivered() -> None:
    """A new round sends the same message under the same id, old news or not, without an event."""

    desk = Desk([FIRST, SECOND], replies=[OK, OK, OK])
    desk.attempt(FIRST)
    desk.attempt(SECOND)
    desk.redeliver(FIRST)

    assert Delivered() == desk.attempt(FIRST)
    assert [FIRST.webhook_id, SECOND.webhook_id, FIRST.webhook_id] == desk.sent_ids()
    assert 2 == len(desk.published_ids())


def test_redelivers_on_a_schedule_of_its_own() -> None:
    """After the schedule was exhausted, a new round has all of its attempts again."""

    desk = Desk([FIRST], replies=[BUSY] * 12 + [OK])
    desk.run_to_the_end(FIRST)
    desk.redeliver(FIRST)

    assert Delivered() == desk.run_to_the_end(FIRST)
    assert (2, 3, 13) == (desk.row(FIRST).round, desk.row(FIRST).attempts, len(desk.sent))


def test_publishes_the_event_once() -> None:
    """Retries of the callback publish no further events."""

    desk = Desk([FIRST], replies=[BUSY, BUSY, OK])

    desk.run_to_the_end(FIRST)

    assert 1 == len(desk.published_ids())


def test_waits_a_moment_for_a_silent_bus() -> None:
    """A bus that doesn't answer postpones the first attempt by seconds; both go out then."""

    desk = Desk([FIRST], replies=[OK])
    desk.bus_failures = 1

    first = desk.attempt(FIRST)
    desk.pass_s(2)

    assert Postponed(wait_seconds=2.0) == first
    assert Delivered() == desk.attempt(FIRST)
    assert 1 == len(desk.published_ids())


def test_goes_without_its_event_when_the_bus_stays_silent() -> None:
    """After a minute the callback matters more than its event, and the history says so."""

    desk = Desk([FIRST], replies=[OK])
    desk.bus_failures = 999

    assert Delivered() == desk.run_to_the_end(FIRST)
    assert timedelta(seconds=60 + SEND_S) == desk.now() - NOON
    assert ["event_not_published", "callback_delivered"] == desk.told()


def test_believes_the_faster_one() -> None:
    """Where another execution recorded its attempt first, its word counts: here, delivered."""

    desk = Desk([FIRST], replies=[BUSY])
    desk.during_send = lambda: desk.overtake(FIRST, delivered_at=desk.now())

    assert Delivered() == desk.attempt(FIRST)
    assert 1 == desk.row(FIRST).attempts


def test_waits_with_the_faster_one() -> None:
    """Where the faster execution failed, both wait for the same next time, or look again soon."""

    desk = Desk([FIRST], replies=[BUSY, OK])
    desk.during_send = lambda: desk.overtake(
        FIRST, next_at=desk.now() + timedelta(seconds=4), first_ended_at=desk.now()
    )
    first = desk.attempt(FIRST)
    desk.pass_s(4)
    desk.during_send = lambda: desk.overtake(FIRST, next_at=None)

    assert Postponed(wait_seconds=4.0) == first
    assert Postponed(wait_seconds=1.0) == desk.attempt(FIRST)


def test_keeps_what_the_receiver_said() -> None:
    """The history has status, duration and the answer's beginning, in printable characters."""

    answer = "Nein,\n\x1b[31mdanke\x00 ✓ ".encode() + b"\xff"
    desk = Desk([FIRST], replies=[HttpReply(status=500, body_head=answer)])
    desk.during_send = lambda: desk.pass_s(1.25)

    desk.attempt(FIRST)

    assert {
        "webhook_id": FIRST.webhook_id,
        "state": "recording",
        "attempt": 1,
        "status": 500,
        "took_ms": 1350,
        "answer": "Nein,  [31mdanke  ✓ \ufffd",
        "error": "http_500",
        "next_at": (desk.now() + timedelta(seconds=5)).isoformat(),
    } == desk.facts()


@pytest.mark.parametrize("call", range(1, 16))
@pytest.mark.parametrize("acts", [False, True], ids=["before", "after"])
def test_survives_dying_at_any_call(call: int, acts: bool) -> None:
    """Whichever call of a port kills the function, before or after it took effect, running again
    ends the same: both delivered, in order, each at least once, under its own id."""

    desk = Desk([FIRST, SECOND], replies=[BUSY] + [OK] * 9)
    if acts:
        desk.faults.after(call)
    else:
        desk.faults.before(call)

    outcomes = [desk.run_to_the_end(row) for row in (FIRST, SECOND)]

    assert [Delivered()] * 2 == outcomes
    assert all(desk.row(row).delivered_at is not None for row in (FIRST, SECOND))
    assert [FIRST.webhook_id, SECOND.webhook_id] == list(dict.fromkeys(desk.sent_ids()))
    assert [FIRST.webhook_id, SECOND.webhook_id] == list(dict.fromkeys(desk.published_ids()))
    assert len(desk.sent) <= 4


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 12), REPLIES), max_size=25))
def test_keeps_its_promises_whatever_happens(
    turns: list[tuple[bool, int, HttpReply]],
) -> None:
    """Two executions in any order, deaths anywhere, any answers: nothing is sent that isn't owed,
    first attempts come in order, what is delivered was accepted, and all comes to an end."""

    desk = Desk([FIRST, SECOND], replies=[reply for _, _, reply in turns] + [OK] * 100)
    for is_first, fault_at, _ in turns:
        desk.faults.before(fault_at)
        with suppress(Unavailable):
            desk.attempt(FIRST if is_first else SECOND)
        desk.pass_s(100)
    desk.faults.up()

    outcomes = [desk.run_to_the_end(row) for row in (FIRST, SECOND)]

    is_stopped = GivenUp(reason="gone") == outcomes[0] and SECOND.webhook_id not in desk.sent_ids()
    sent = [FIRST.webhook_id, *([] if is_stopped else [SECOND.webhook_id])]
    assert sent == list(dict.fromkeys(desk.sent_ids()))
    for row, outcome in zip((FIRST, SECOND), outcomes, strict=True):
        assert (outcome == Delivered()) is (desk.row(row).delivered_at is not None)
        assert {row.body.encode()} == {body for _, body, _ in desk.sent}


def test_lets_a_store_that_is_away_be_told() -> None:
    """An outage of the store is raised: the workflow tries again with its own patience."""

    desk = Desk([FIRST], replies=[OK])
    desk.faults.before(1)

    with pytest.raises(Unavailable):
        desk.attempt(FIRST)

    assert [] == desk.sent


def test_signs_with_both_secrets_during_a_rotation() -> None:
    """Every configured secret has its signature."""

    desk = Desk([FIRST], replies=[OK])
    desk.secrets = [SECRET, "whsec_b3RoZXI="]

    desk.attempt(FIRST)

    assert 2 == desk.sent[0][2]["webhook-signature"].count("v1,")
