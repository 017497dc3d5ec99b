"""Bandwidth."""

from __future__ import annotations

from chalicelib.carriers.bandwidth import call_api, documents, stream, webhooks
from chalicelib.carriers.contract.carrier import Carrier, RecordingAccess, StreamFactory

CARRIER = Carrier(
    name="bandwidth",
    streams={stream.NAME: StreamFactory(parser=stream.Bandwidth, plays=True)},
    webhooks=webhooks.DIALECT,
    call_api=call_api.DIALECT,
    documents={stream.NAME: documents.DIALECT},
    recordings=RecordingAccess(
        hosts=("bandwidth.com",),
        token_url="https://api.bandwidth.com/api/v1/oauth2/token",  # noqa: S106  # a place, no secret
    ),
)
