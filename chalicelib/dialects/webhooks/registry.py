"""The webhook dialects: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chalicelib.carriers.bandwidth import webhooks as bandwidth
from chalicelib.carriers.contract.webhook import WebhookDialect
from chalicelib.carriers.signalwire import webhooks as signalwire
from chalicelib.errors import NotFound

DIALECTS: Mapping[str, WebhookDialect] = MappingProxyType(
    {row.carrier: row for row in (signalwire.DIALECT, bandwidth.DIALECT)}
)


def dialect(carrier: str) -> WebhookDialect:
    """Return the dialect of `/hooks/{carrier}`. Raises NotFound."""
    try:
        return DIALECTS[carrier]
    except KeyError:
        raise NotFound(f"no webhooks of {carrier[:40]!r}", code="unknown_path") from None
