"""`rtp_endpoint`, as callers see it."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from chalicelib import wiring
from chalicelib.recording.commands import CommandKind
from tests.api.conftest import Api, error_of
from tests.carriers.samples import sample
from tests.samples import a_call, a_profile
from tests.services.calls.test_rtp_endpoints import HOST, a_lease

PATH = "/v1/calls/c-1/rtp_endpoint"


@pytest.fixture
def ready(api: Api) -> Api:
    """An account with a profile, and a worker that takes RTP."""
    api.core.profiles.create(a_profile())
    api.core.leases.renew(replace(a_lease("worker-1"), renewed_at=wiring.ports().endpoints.now()))
    return api


def test_a_port_is_heard_when_it_is_answered(ready: Api) -> None:
    """An even port of the worker's; the same request again gives the same one."""

    first = ready.send("POST", PATH, {"direction": "listen"})
    again = ready.send("POST", PATH, {"direction": "listen"})
    other = ready.send("POST", PATH)

    claim, second = ready.core.port_claims.of_call("main/bandwidth/c-1")
    assert claim.is_open
    assert (201, {"uri": claim.uri, "control_id": "rtp-listen"}) == (
        first.status_code,
        first.json_body,
    )
    assert (f"rtp://{HOST}:{claim.port}", 0) == (claim.uri, claim.port % 2)
    assert first.json_body == again.json_body
    assert {"uri": second.uri, "control_id": "rtp-speak"} == other.json_body


def test_a_port_that_nobody_hears_yet_is_202(ready: Api) -> None:
    """After 2 s; asked again when the worker has opened it, it is 201."""

    ready.worker.is_deaf = True
    first = ready.send("POST", PATH)
    waited_s = ready.worker.waited_s
    ready.worker.is_deaf = False
    again = ready.send("POST", PATH)

    assert (202, 2.0) == (first.status_code, round(waited_s, 3))
    assert (201, first.json_body) == (again.status_code, again.json_body)


def test_other_options_under_the_same_control_id_are_a_conflict(ready: Api) -> None:
    """And a known call's own profile is used without naming it."""

    ready.core.profiles.create(a_profile(name="other"))
    ready.core.calls.ensure(a_call())
    ready.send("POST", PATH, {"control_id": "mine"})

    refused = ready.send("POST", PATH, {"control_id": "mine", "codec": "PCMA"})

    assert (409, "control_id_taken") == error_of(refused)


def test_the_profile_is_chosen_as_for_record_call(ready: Api) -> None:
    """By name where there are several and the call isn't known."""

    ready.core.profiles.create(a_profile(name="other"))

    assert (400, "profile_needed") == error_of(ready.send("POST", PATH))
    assert 201 == ready.send("POST", PATH + "?profile=other").status_code


def test_without_a_worker_for_rtp_there_is_no_port(api: Api) -> None:
    """503: try again later, or set one up."""

    api.core.profiles.create(a_profile())

    assert (503, "no_rtp") == error_of(api.send("POST", PATH))


@pytest.mark.parametrize("call_id", ["%24%7Bcall.call_id%7D", "a%20b"])
def test_a_call_id_that_names_nothing_is_refused(ready: Api, call_id: str) -> None:
    """A variable that nobody filled in among them."""

    assert 400 == ready.send("POST", f"/v1/calls/{call_id}/rtp_endpoint").status_code


def test_a_claim_tells_its_worker_everything(ready: Api) -> None:
    """The command carries the claim."""

    ready.worker.is_deaf = True
    ready.send("POST", PATH)

    (command,) = ready.core.mailbox.waiting("worker-1")

    assert CommandKind.OPEN_PORT is command.kind
    assert ready.core.port_claims.of_call("main/bandwidth/c-1") == [command.claim]


def test_a_webhook_joins_an_rtp_tap_by_address_and_port(ready: Api) -> None:
    """The documented event, and Relay's end of it with its port as a string, tell our call."""

    profile = a_profile(name="sw", dialect="signalwire-tap", carrier="signalwire")
    hook = ready.hook(profile)
    path = PATH + "?profile=sw"
    uri = ready.send("POST", path).json_body["uri"]
    claim = ready.core.port_claims.at(HOST, int(uri.rpartition(":")[2]))
    assert claim is not None

    tapping = copy.deepcopy(sample("signalwire", "tap-tapping-rtp"))
    tapping["params"]["device"]["params"] |= {"addr": HOST, "port": claim.port}
    finished = copy.deepcopy(sample("signalwire", "tap-finished-relay"))
    finished["params"]["device"]["params"] |= {"addr": HOST, "port": str(claim.port)}
    answers = [ready.post_hook(hook, event).status_code for event in (tapping, finished, finished)]

    assert [200, 200, 200] == answers
    (said,) = ready.core.inbox.carrier_reports("main/signalwire/c-1")
    assert claim.claim_id == said.carrier_stream_id
    assert said.ended
    assert {"2e1e66e5-5d07-413d-9668-55542992eec0", "call-id"} >= {said.facts.carrier_call_id}
    told = ready.core.mailbox.waiting("worker-1")
    assert {(CommandKind.END_PORT, claim)} == {(one.kind, one.claim) for one in told}
    assert 1 == len({one.command_id for one in told})
