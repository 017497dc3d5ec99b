"""How a webhook finds the call of an RTP tap."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.capture.events import Encoding
from chalicelib.carriers.contract.webhook import RtpDevice, StreamState, UnknownEvent
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.rtp_endpoint import EndpointOptions, PortClaim
from chalicelib.services.intake.rtp_reports import find_claim, joined, tell_end
from tests.fakes import FakeCore
from tests.samples import CALL, T0, a_profile, later
from tests.services.intake.test_intake import STARTED, STOPPED, take

CLAIM = PortClaim(
    claim_id="claim-1",
    worker="w-1",
    host="198.51.100.7",
    port=20_002,
    call=CALL,
    profile="front",
    control_id="rtp-speak",
    options=EndpointOptions(),
    claimed_at=T0,
)
DEVICE = RtpDevice(address=CLAIM.host, port=CLAIM.port, ptime_ms=20)
ELSE = replace(STARTED.facts, call_id="other-id", carrier_call_id="other-id")
TAPPING = replace(STARTED, facts=ELSE, carrier_stream_id="", device=DEVICE, encoding=Encoding.PCMA)
FINISHED = replace(STOPPED, carrier_stream_id="", device=DEVICE)


class Unasked:
    """Claims that mustn't be asked: a store fails for what is too long."""


def core() -> FakeCore:
    made = FakeCore()
    made.port_claims.claim(CLAIM)
    return made


def test_an_event_is_of_the_call_that_claimed_the_port() -> None:
    """Whatever call id it names; that one is noted beside it, and its codec is the stream's."""

    made = core()
    claim = find_claim(TAPPING, a_profile(), made.port_claims)
    assert CLAIM == claim
    take(made, joined(TAPPING, CLAIM))

    ((_, said),) = made.store.announcements.items()
    assert (CALL, "claim-1", "other-id", Encoding.PCMA) == (
        said.call,
        said.carrier_stream_id,
        said.facts.carrier_call_id,
        said.facts.encoding,
    )
    assert "other-id" == made.calls.get(CALL.key).carrier_call_id


def test_what_is_sent_elsewhere_is_nobody_s() -> None:
    """Another port, another account's, another carrier's, a websocket, no tap at all."""

    made, profile = core(), a_profile()
    elsewhere = replace(TAPPING, device=replace(DEVICE, port=20_004))
    nowhere = replace(TAPPING, device=replace(DEVICE, address="\U0001f600" * 254))

    found = [
        find_claim(elsewhere, profile, made.port_claims),
        find_claim(nowhere, profile, Unasked()),  # type: ignore[arg-type]  # no port
        find_claim(TAPPING, replace(profile, account="other"), made.port_claims),
        find_claim(TAPPING, replace(profile, carrier="signalwire"), made.port_claims),
        find_claim(STARTED, profile, made.port_claims),
        find_claim(UnknownEvent(facts=STARTED.facts), profile, made.port_claims),
    ]

    assert [None] * 6 == found


def test_an_end_is_told_to_the_port_s_worker_once() -> None:
    """By the event's own key, however often the carrier repeats it; a start tells nothing."""

    made = core()

    for event in (TAPPING, FINISHED, FINISHED):
        tell_end(event, CLAIM, made.mailbox, later(70))

    (command,) = made.mailbox.waiting("w-1")
    assert (CommandKind.END_PORT, CLAIM, later(60)) == (command.kind, command.claim, command.at)
    assert StreamState.STOPPED is FINISHED.state
