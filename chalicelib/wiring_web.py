"""The ports of a process that call others over the web, each through the URL guard."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring_rows import RowPorts

if TYPE_CHECKING:
    from chalicelib.ports import aws as port
    from chalicelib.ports import carriers

# ruff: noqa: PLC0415  # adapters are imported where they are made: see wiring.py


class WebPorts(RowPorts):
    """What goes out to addresses that somebody gave us."""

    @cached_property
    def sender(self) -> port.Sender:
        """One guarded POST."""
        from chalicelib.adapters.http.sender import GuardedSender

        return GuardedSender(self.settings.url_policy)

    @cached_property
    def downloads(self) -> port.Downloads:
        """Guarded GETs."""
        from chalicelib.adapters.http.downloads import GuardedDownloads

        return GuardedDownloads(self.settings.url_policy)

    @cached_property
    def carrier_api(self) -> carriers.CarrierApi:
        """Guarded requests to carriers' APIs."""
        from chalicelib.adapters.http.carrier_api import RestCarrierApi

        return RestCarrierApi(self.settings.url_policy)

    @cached_property
    def token_grants(self) -> port.TokenGrants:
        """Tokens, kept as long as they are good."""
        from chalicelib.adapters.http.exchange import MAX_READ
        from chalicelib.adapters.http.oauth2 import OAuth2Grants
        from chalicelib.adapters.http.sender import GuardedSender
        from chalicelib.security.url_guard import Purpose

        purpose = Purpose.CARRIER_RECORDING
        return OAuth2Grants(GuardedSender(self.settings.url_policy, purpose=purpose, kept=MAX_READ))
