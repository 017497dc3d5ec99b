"""A fake of PortClaims."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chalicelib.errors import PreconditionFailed
from chalicelib.recording.rtp_endpoint import PortClaim
from tests.fake_store import Store

KEPT = timedelta(hours=13)


class FakePortClaims:
    """The port PortClaims, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, claim: PortClaim) -> None:
        """Write a new claim. Raises PreconditionFailed."""
        for place, other in list(self._store.claims.items()):
            if other.claimed_at + KEPT < claim.claimed_at:
                continue
            if place == _place(claim) or _owner(other) == _owner(claim):
                raise PreconditionFailed(f"{claim.uri} or its control id is claimed")
        self._store.claims[_place(claim)] = claim

    def of_call(self, call_key: str) -> list[PortClaim]:
        """Read a call's claims."""
        return [one for one in list(self._store.claims.values()) if one.call.key == call_key]

    def at(self, host: str, port: int) -> PortClaim | None:
        """Read the claim of a port."""
        return self._store.claims.get((host, port))

    def open(self, claim: PortClaim) -> None:
        """Say that a port is heard. Raises PreconditionFailed."""
        if not self._is_there(claim):
            raise PreconditionFailed(f"{claim.uri} is claimed no more")
        self._store.claims[_place(claim)] = replace(claim, is_open=True)

    def release(self, claim: PortClaim) -> None:
        """Free a port."""
        if self._is_there(claim):
            del self._store.claims[_place(claim)]

    def _is_there(self, claim: PortClaim) -> bool:
        stored = self._store.claims.get(_place(claim))
        return stored is not None and stored.claim_id == claim.claim_id


def _place(claim: PortClaim) -> tuple[str, int]:
    return claim.host, claim.port


def _owner(claim: PortClaim) -> tuple[str, str]:
    return claim.call.key, claim.control_id
