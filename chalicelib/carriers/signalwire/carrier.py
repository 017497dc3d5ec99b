"""SignalWire."""

from __future__ import annotations

from chalicelib.carriers.contract.carrier import Carrier, RecordingAccess, StreamFactory
from chalicelib.carriers.signalwire import call_api, documents, signature, tap_stream, webhooks

CARRIER = Carrier(
    name="signalwire",
    streams={tap_stream.NAME: StreamFactory(parser=tap_stream.SignalWireTap)},
    webhooks=webhooks.DIALECT,
    signature=signature.SIGNATURE,
    call_api=call_api.DIALECT,
    documents={tap_stream.NAME: documents.DIALECT},
    recordings=RecordingAccess(hosts=("signalwire.com", "swire.io")),
)
