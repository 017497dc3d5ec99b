"""Claims of RTP ports: rows of the Hot table, one for the port and one for the call it is for."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb.row_codec import Row, from_row, to_row
from chalicelib.adapters.dynamodb.table import Part, Table, Where
from chalicelib.errors import PreconditionFailed
from chalicelib.recording.rtp_endpoint import PortClaim

_KEPT = timedelta(hours=13)
"""a net: a worker releases its ports, and no stream is longer than 12 hours"""


class DynamoPortClaims:
    """Implements the port PortClaims."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, claim: PortClaim) -> None:
        """Write a claim. It races with other claims of the port, and of the call's control id."""
        free = Where(
            text="attribute_not_exists(#pk) OR #expires_at < :now",
            values={"now": int(claim.claimed_at.timestamp())},
        )
        expiry = {"expires_at": int((claim.claimed_at + _KEPT).timestamp())}
        self._table.write(
            [
                self._table.putting(_port_row(claim) | expiry, free),
                self._table.putting(_call_row(claim) | expiry, free),
            ]
        )

    def of_call(self, call_key: str) -> list[PortClaim]:
        """Read a call's claims, consistently."""
        pointers = list(self._table.query(layout.endpoint_pk(call_key), " ", layout.END))
        rows = self._table.get_all([_port_key(row["host"], row["port"]) for row in pointers])
        claims = [from_row(row, PortClaim) for row in rows.values()]
        known = {row["claim_id"] for row in pointers}
        return [claim for claim in claims if claim.claim_id in known]

    def at(self, host: str, port: int) -> PortClaim | None:
        """Read the claim of a port, consistently."""
        row = self._table.get(*_port_key(host, port))
        return from_row(row, PortClaim) if row else None

    def open(self, claim: PortClaim) -> None:
        """Say that a port is heard. It races with nobody but the claim's expiry."""
        change = Where(text="SET #is_open = :true", values={"true": True})
        self._table.update(*_port_key(claim.host, claim.port), change, _of(claim))

    def release(self, claim: PortClaim) -> None:
        """Free a port and its call's control id. It races with a later claim, which stays."""
        for part in (
            self._table.deleting(*_port_key(claim.host, claim.port), _of(claim)),
            self._table.deleting(*_call_key(claim), _of(claim)),
        ):
            self._release(part)

    def _release(self, part: Part) -> None:
        try:
            self._table.write([part])
        except PreconditionFailed:
            return


def _of(claim: PortClaim) -> Where:
    return Where(text="#claim_id = :claim_id", values={"claim_id": claim.claim_id})


def _port_row(claim: PortClaim) -> Row:
    pk, sk = _port_key(claim.host, claim.port)
    return {"pk": pk, "sk": sk} | to_row(claim)


def _call_row(claim: PortClaim) -> Row:
    pk, sk = _call_key(claim)
    return {
        "pk": pk,
        "sk": sk,
        "claim_id": claim.claim_id,
        "host": claim.host,
        "port": claim.port,
    }


def _port_key(host: str, port: int) -> tuple[str, str]:
    return layout.rtp_pk(host), f"{port:05d}"


def _call_key(claim: PortClaim) -> tuple[str, str]:
    return layout.endpoint_pk(claim.call.key), claim.control_id
