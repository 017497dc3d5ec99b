"""Which port a call gets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from chalicelib.errors import Conflict, Unavailable
from chalicelib.ports.values import Lease
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.rtp_endpoint import EndpointOptions, PortClaim
from chalicelib.services.calls.rtp_endpoints import TRIES, EndpointRequest, PortClaimer
from tests.fakes import FakeCore
from tests.samples import CALL, a_call, a_profile, a_stream, later

HOST = "198.51.100.7"
NOW = later(100)
REQUEST = EndpointRequest(
    profile=a_profile(), call_id="c-1", control_id="rtp-speak", options=EndpointOptions()
)


def a_lease(worker: str, **changed: object) -> Lease:
    """Return the lease of a worker that takes RTP and renewed just now."""
    lease = Lease(
        worker=worker,
        started_at=later(0),
        renewals=1,
        calls=0,
        journal_safe_below=0,
        renewed_at=NOW,
        rtp_host=HOST,
        rtp_first=20_001,
        rtp_last=20_009,
    )
    return replace(lease, **changed)  # type: ignore[arg-type]  # fields by name


class Desk:
    """Claims over a database in memory, and workers that open what they are told to."""

    def __init__(self, *leases: Lease) -> None:
        self.core = FakeCore()
        for lease in leases:
            self.core.leases.renew(lease)
        self.taken: set[int] = set()
        """ports that no worker can open"""
        self.is_deaf = False
        self.meanwhile: Callable[[], None] = lambda: None
        ids = count(1)
        self.endpoints = PortClaimer(
            claims=self.core.port_claims,
            calls=self.core.calls,
            leases=self.core.leases,
            mailbox=self.core.mailbox,
            now=lambda: NOW,
            wait=self._wait,
            new_id=lambda: f"claim-{next(ids)}",
            choose=self._choose,
        )
        self._draws: dict[int, count[int]] = defaultdict(count)
        """in order, by how many there are to choose from"""

    def request(self, **changed: object) -> PortClaim:
        """Ask for an endpoint."""
        return self.endpoints.request(replace(REQUEST, **changed))  # type: ignore[arg-type]  # by name

    def _choose(self, below: int) -> int:
        self.meanwhile()
        return next(self._draws[below]) % below

    def _wait(self, _seconds: float) -> None:
        for worker in [] if self.is_deaf else ["w-1", "w-2"]:
            for command in self.core.mailbox.waiting(worker):
                assert CommandKind.OPEN_PORT is command.kind
                assert command.claim is not None
                if command.claim.port in self.taken:
                    self.core.port_claims.release(command.claim)
                else:
                    self.core.port_claims.open(command.claim)
                self.core.mailbox.remove(command)


def test_a_call_gets_an_even_port_of_the_range() -> None:
    """Both ends of the range are odd here."""

    desk = Desk(a_lease("w-1"))

    ports = {desk.request(control_id=f"c-{number}").port for number in range(4)}

    assert {20_002, 20_004, 20_006, 20_008} == ports


def test_a_port_that_the_worker_can_t_open_is_another_s() -> None:
    """It gives the claim back, and the next one is tried."""

    desk = Desk(a_lease("w-1"))
    desk.taken = {20_002, 20_004, 20_006}

    claim = desk.request()

    assert (20_008, True) == (claim.port, claim.is_open)
    assert 1 == len(desk.core.store.claims)


def test_the_search_for_a_port_ends() -> None:
    """Where every one that was tried is taken."""

    desk = Desk(a_lease("w-1"))
    desk.taken = set(range(65_536))

    with pytest.raises(Unavailable) as refusal:
        desk.request()

    assert "no_free_port" == refusal.value.code
    assert {} == desk.core.store.claims
    assert [] == desk.core.mailbox.waiting("w-1")
    assert TRIES == 8


def test_the_owner_of_the_call_is_chosen() -> None:
    """So that its streams meet on one worker; else the worker with the fewest calls is."""

    owned = Desk(a_lease("w-1", calls=9), a_lease("w-2", calls=1))
    owned.core.call_life.join(a_call(owner="w-1"), a_stream(worker="w-1"))
    closed = Desk(a_lease("w-1", calls=1, rtp_open=8), a_lease("w-2", calls=2, rtp_open=3))
    closed.core.calls.ensure(a_call(owner="w-1", open=False))

    assert ("w-1", "w-2") == (owned.request().worker, closed.request().worker)


def test_a_call_s_ports_are_on_one_worker() -> None:
    """Speak and listen meet there, whoever has fewer calls by then."""

    desk = Desk(a_lease("w-1"), a_lease("w-2", calls=1))
    first = desk.request()
    desk.core.leases.renew(a_lease("w-1", renewals=2, calls=9))

    assert ("w-1", "w-1") == (first.worker, desk.request(control_id="rtp-listen").worker)


@pytest.mark.parametrize(
    "changed",
    [
        {"over": True},
        {"rtp_host": ""},
        {"renewed_at": None},
        {"renewed_at": later(93)},
    ],
)
def test_a_worker_that_may_not_hear_gets_no_call(changed: dict[str, object]) -> None:
    """One that is over, takes no RTP, or didn't renew its lease for 6 s."""

    assert "w-2" == Desk(a_lease("w-1", **changed), a_lease("w-2", calls=9)).request().worker
    with pytest.raises(Unavailable):
        Desk(a_lease("w-1", **changed)).request()


def test_the_endpoint_of_a_dead_worker_is_replaced() -> None:
    """The same request gives a port of a living one."""

    desk = Desk(a_lease("w-1"))
    first = desk.request()
    desk.core.leases.release("w-1")
    desk.core.leases.renew(a_lease("w-2"))

    second = desk.request()

    assert ("w-1", "w-2") == (first.worker, second.worker)
    assert [second] == list(desk.core.store.claims.values())


def test_two_requests_at_once_get_one_endpoint() -> None:
    """The slower one finds the quicker one's claim."""

    desk = Desk(a_lease("w-1"))
    found: list[PortClaim] = []

    def hurry() -> None:
        desk.meanwhile = lambda: None
        found.append(desk.request())

    desk.meanwhile = hurry

    assert [desk.request()] == found


def test_a_known_endpoint_is_told_again_until_it_is_open() -> None:
    """A worker that didn't hear of it in time hears of it by the next request."""

    desk = Desk(a_lease("w-1"))
    desk.is_deaf = True
    first = desk.request()
    desk.is_deaf = False
    second = desk.request()

    assert (False, True) == (first.is_open, second.is_open)
    assert replace(first, is_open=True) == second
    assert CALL == second.call


def test_another_profile_is_another_endpoint() -> None:
    """What the first one's media would become isn't what the second asks for."""

    desk = Desk(a_lease("w-1"))
    desk.request()

    with pytest.raises(Conflict):
        desk.request(profile=a_profile(name="other"))


def test_a_crash_between_claim_and_command_is_mended_by_the_next_request() -> None:
    """Every step may die and run again."""

    for at in range(1, 7):
        desk = Desk(a_lease("w-1"))
        desk.core.faults.before(at)
        with pytest.raises(Unavailable):
            desk.request()

        assert desk.request().is_open
        assert 1 == len(desk.core.store.claims)


def test_new_calls_are_the_newest_generations() -> None:
    """A worker of the one before, idle as it may be, is to have fewer calls, not more."""
    old, young = a_lease("w-1", generation=1), a_lease("w-2", generation=2, calls=30)

    assert "w-2" == Desk(old, young).request().worker


def test_a_call_stays_in_its_generation() -> None:
    """The port of its other side is where its owner is."""
    old, young = a_lease("w-1", generation=1), a_lease("w-2", generation=2)
    desk = Desk(old)
    desk.request()
    desk.core.leases.renew(young)

    assert "w-1" == desk.request(control_id="rtp-listen").worker


def test_a_generation_on_trial_gets_no_ports() -> None:
    """Unless there is no other."""
    old, young = a_lease("w-1", generation=1), a_lease("w-2", generation=2)
    both, alone = Desk(old, young), Desk(young)
    both.endpoints = replace(both.endpoints, newest=1)
    alone.endpoints = replace(alone.endpoints, newest=1)

    assert ("w-1", "w-2") == (both.request().worker, alone.request().worker)
