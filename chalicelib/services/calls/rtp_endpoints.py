"""Claims a port of a living worker for a call (`rtp_endpoint`), before any media is sent there.

The claim is a row, so no port has two calls. The worker reads it from its mailbox, opens the socket
and marks the claim. Repeating the request finds the same claim while its worker lives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.carriers.contract.stream import holds_variable, is_carrier_id
from chalicelib.errors import Conflict, InvalidRequest, NotFound, PreconditionFailed, Unavailable
from chalicelib.ports.rows import Calls, Leases, Mailbox, PortClaims
from chalicelib.ports.values import Lease
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.liveness import is_alive
from chalicelib.recording.model import CallRef, Profile
from chalicelib.recording.rtp_endpoint import EndpointOptions, PortClaim

LOOK_EVERY_S = 0.05
LOOKS = 40
"""2 s in all; after that the answer is 202"""

TRIES = 8
"""ports to try: if half of all are taken, none of 8 is free once in 256 times"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRequest:
    """One `rtp_endpoint`."""

    profile: Profile
    call_id: str
    control_id: str
    options: EndpointOptions

    @property
    def ref(self) -> CallRef:
        """Return the call that it is for."""
        account, carrier = self.profile.account, self.profile.carrier
        return CallRef(account=account, carrier=carrier, call_id=self.call_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortClaimer:
    """Claims ports for calls."""

    claims: PortClaims
    calls: Calls
    leases: Leases
    mailbox: Mailbox
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    new_id: Callable[[], str]
    choose: Callable[[int], int]
    """returns a random number below another"""
    newest: int = 0
    """the generation that takes new calls; later ones are on trial. 0: there is no trial"""

    def request(self, asked: EndpointRequest) -> PortClaim:
        """Return a call's claim. If its `is_open` is False, the worker hasn't opened the port
        within 2 s: send the same request again to learn the result.

        Raises InvalidRequest for a call id that names nothing, Conflict `control_id_taken` where
        the control id has other options, Unavailable `no_rtp` where no living worker takes RTP,
        `no_free_port` where none of the ports that were tried is free.
        """
        _verify(asked.call_id)
        for _ in range(TRIES):
            claim = self._claim(asked)
            heard = self._heard(claim) if claim else None
            if heard is not None:
                return heard
        raise Unavailable(f"none of {TRIES} ports is free", code="no_free_port")

    def _claim(self, asked: EndpointRequest) -> PortClaim | None:
        """Return the call's claim, the known or a new one; None if another claim was faster."""
        workers = {lease.worker: lease for lease in self.leases.all() if self._takes_rtp(lease)}
        claims = self.claims.of_call(asked.ref.key)
        for known in claims:
            if known.control_id == asked.control_id:
                if known.worker in workers:
                    return _same(known, asked)
                self.claims.release(known)
        nearby = {self._owner(asked.ref), *(claim.worker for claim in claims)}
        claim = self._new_claim(asked, self._chosen(list(workers.values()), nearby))
        try:
            self.claims.claim(claim)
        except PreconditionFailed:
            return None
        return claim

    def _takes_rtp(self, lease: Lease) -> bool:
        return bool(lease.rtp_host) and is_alive(lease, self.now())

    def _chosen(self, workers: Sequence[Lease], nearby: Collection[str]) -> Lease:
        """Return the call's owner, or a worker that has a port of the call, if it takes RTP; else
        one of those with the fewest calls and ports in the newest generation."""
        if not workers:
            raise Unavailable("no living worker takes RTP", code="no_rtp")
        near = [lease for lease in workers if lease.worker in nearby]
        young = self._newest(workers)
        least = min(map(_load, young))
        chosen = near or [lease for lease in young if _load(lease) == least]
        return chosen[self.choose(len(chosen))]

    def _newest(self, workers: Sequence[Lease]) -> list[Lease]:
        """Return the workers of the newest generation; one on trial counts if it is alone."""
        taking = [lease for lease in workers if lease.generation <= (self.newest or math.inf)]
        newest = max(lease.generation for lease in taking or workers)
        return [lease for lease in workers if lease.generation == newest]

    def _owner(self, ref: CallRef) -> str:
        try:
            call = self.calls.get(ref.key)
        except NotFound:
            return ""
        return call.owner if call.open else ""

    def _new_claim(self, asked: EndpointRequest, lease: Lease) -> PortClaim:
        ports = range(lease.rtp_first + lease.rtp_first % 2, lease.rtp_last + 1, 2)
        return PortClaim(
            claim_id=self.new_id(),
            worker=lease.worker,
            host=lease.rtp_host,
            port=ports[self.choose(len(ports))],
            call=asked.ref,
            profile=asked.profile.name,
            control_id=asked.control_id,
            options=asked.options,
            claimed_at=self.now(),
        )

    def _heard(self, claim: PortClaim) -> PortClaim | None:
        """Return the claim once its port is open, or as it is after 2 s; None if the worker
        released it."""
        if claim.is_open:
            return claim
        self.mailbox.send(
            Command(
                command_id=f"open-{claim.claim_id}",
                kind=CommandKind.OPEN_PORT,
                worker=claim.worker,
                call_key=claim.call.key,
                recording_id="",
                at=claim.claimed_at,
                claim=claim,
            )
        )
        for _ in range(LOOKS):
            self.wait(LOOK_EVERY_S)
            stored = self.claims.at(claim.host, claim.port)
            if stored is None or stored.claim_id != claim.claim_id:
                return None
            if stored.is_open:
                return stored
        return claim


def _load(lease: Lease) -> int:
    return lease.calls + lease.rtp_open


def _same(known: PortClaim, asked: EndpointRequest) -> PortClaim:
    if (known.options, known.profile) != (asked.options, asked.profile.name):
        fact = f"control_id {asked.control_id} has other options"
        raise Conflict(fact, code="control_id_taken")
    return known


def _verify(call_id: str) -> None:
    if holds_variable(call_id):
        raise InvalidRequest("call_id is not filled in", code="unresolved_variable")
    if not is_carrier_id(call_id):
        raise InvalidRequest("call_id: not 1 to 128 visible ASCII characters", code="bad_call_id")
