"""Names the headers in which SignalWire signs its status callbacks: HMAC over URL and body."""

from __future__ import annotations

from chalicelib.carriers.contract.webhook_signature import SignatureHeader, hex_sha1, hex_sha256

SIGNATURE = (
    SignatureHeader(header="x-signalwire-sha256-signature", is_right=hex_sha256),
    SignatureHeader(header="x-signalwire-signature", is_right=hex_sha1),
)
