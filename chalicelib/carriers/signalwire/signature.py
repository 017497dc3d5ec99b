"""Names the headers in which SignalWire signs its status callbacks: HMAC over URL and body."""

from __future__ import annotations

from chalicelib.carriers.contract.signature import Proof, hex_sha1, hex_sha256

SIGNATURE = (
    Proof(header="x-signalwire-sha256-signature", is_right=hex_sha256),
    Proof(header="x-signalwire-signature", is_right=hex_sha1),
)
