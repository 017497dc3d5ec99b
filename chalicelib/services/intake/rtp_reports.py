"""Joins carriers' webhooks about RTP taps with our ports, by address and port.

Nothing on the wire names the call of an RTP stream, and only the device in a webhook names our
port. So the claim of the port decides which call and stream an event is about; the event's own call
id is kept beside it, as with a websocket's path.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.carriers.contract.webhook import StreamAnnounced, StreamState, WebhookEvent
from chalicelib.ports.rows import Mailbox, PortClaims
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import Profile
from chalicelib.recording.rtp_endpoint import PortClaim

_LONGEST_ADDRESS = 253
"""characters of any host name (RFC 1035)"""


def find_claim(event: WebhookEvent, profile: Profile, claims: PortClaims) -> PortClaim | None:
    """Return the claim of the port that an event is about; None where it is none of ours, or
    another account's."""
    if not isinstance(event, StreamAnnounced) or event.device is None:
        return None
    if len(event.device.address) > _LONGEST_ADDRESS:
        return None  # the store refuses longer keys
    claim = claims.at(event.device.address, event.device.port)
    owner = (profile.account, profile.carrier)
    return claim if claim and (claim.call.account, claim.call.carrier) == owner else None


def joined(event: WebhookEvent, claim: PortClaim) -> WebhookEvent:
    """Return an event with the claim's call and stream."""
    assert isinstance(event, StreamAnnounced)
    facts = replace(event.facts, call_id=claim.call.call_id)
    return replace(event, facts=facts, carrier_stream_id=claim.claim_id)


def tell_end(event: WebhookEvent, claim: PortClaim, mailbox: Mailbox, at: datetime) -> None:
    """Tell a port's worker that its stream is over, if the event says so. Repeating is harmless."""
    assert isinstance(event, StreamAnnounced)
    if event.state is StreamState.STARTED:
        return
    mailbox.send(
        Command(
            command_id=f"end-{event.facts.dedupe_key}",
            kind=CommandKind.END_PORT,
            worker=claim.worker,
            call_key=claim.call.key,
            recording_id="",
            at=event.facts.event_time or at,
            claim=claim,
        )
    )
