"""The carrier that speaks the test dialects."""

from __future__ import annotations

from chalicelib.carriers.contract.carrier import Carrier, StreamFactory
from chalicelib.carriers.contract.webhook import WebhookDialect, unknown_event
from tests.streams import answered, stamped, stereo

CARRIER = Carrier(
    name="streams",
    streams={
        stamped.NAME: StreamFactory(parser=stamped.Stamped, tells_digits=True),
        stereo.NAME: StreamFactory(parser=stereo.Stereo, tells_digits=True),
        answered.NAME: StreamFactory(parser=answered.Answered, plays=True),
        answered.BULKY: StreamFactory(parser=answered.Bulky, plays=True),
    },
    webhooks=WebhookDialect(
        carrier="streams",
        answer_status=204,
        parse=lambda body: unknown_event("streams", "", body.decode("utf-8", "replace")),
    ),
    documents={},
)
