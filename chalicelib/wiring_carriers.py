"""What asks carriers, made on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring_cloud import CloudPorts
from chalicelib.wiring_rows import now
from chalicelib.wiring_web import WebPorts

if TYPE_CHECKING:
    from chalicelib.services.accounts.carrier_login import CarrierLogin
    from chalicelib.services.accounts.carrier_secrets import SecretReader
    from chalicelib.services.recovery.call_status import CallStatusChecker

# ruff: noqa: PLC0415  # services are imported where they are made: see wiring.py


class CarrierParts(CloudPorts, WebPorts):
    """Credentials, and who they are told to."""

    @cached_property
    def inquiring(self) -> CallStatusChecker:
        """What asks carriers where calls stand."""
        from chalicelib.services.recovery.call_status import CallStatusChecker

        return CallStatusChecker(
            calls=self.calls,
            profiles=self.profiles,
            mailbox=self.mailbox,
            door=self.sign_in().door,
            api=self.carrier_api,
            now=now,
        )

    @cached_property
    def carrier_secrets(self) -> SecretReader:
        """What reads profiles' secrets, each for its own account."""
        from chalicelib.services.accounts.carrier_secrets import SecretReader

        return SecretReader(
            secrets=self.secrets, shared=self.settings.shared_credentials, counters=self.counters
        )

    def sign_in(self) -> CarrierLogin:
        """Return what knows profiles' credentials."""
        from chalicelib.services.accounts.carrier_login import CarrierLogin

        return CarrierLogin(
            profiles=self.profiles,
            secrets=self.carrier_secrets,
            grants=self.token_grants,
            policy=self.settings.url_policy,
            trusted_hosts=self.settings.carrier_hosts,
        )
