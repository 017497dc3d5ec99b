"""Presents a profile's credentials to its carrier, and to no other host."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.carriers import registry
from chalicelib.carriers.contract.carrier import RecordingAccess
from chalicelib.errors import Forbidden, NotFound
from chalicelib.ports.accounts import Profiles
from chalicelib.ports.aws import TokenGrants
from chalicelib.ports.values import CarrierDoor
from chalicelib.recording.model import Profile, Recording
from chalicelib.security.carrier_credentials import CarrierSecret
from chalicelib.security.url_guard import GuardedUrl, Purpose, UrlPolicy, parse_url
from chalicelib.services.accounts.carrier_secrets import SecretReader


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierLogin:
    """Decides which credentials a request to a carrier carries."""

    profiles: Profiles
    secrets: SecretReader
    grants: TokenGrants
    policy: UrlPolicy
    trusted_hosts: tuple[str, ...] = ()
    """host suffixes that the operator trusts beside every carrier's own, for http as well"""

    def authorization(self, recording: Recording) -> str:
        """Return the header for a recording's URL; empty where it isn't the carrier's, or nothing
        is configured. Raises UrlRefused, SecretRefused, Forbidden `bad_secret`, Unavailable."""
        assert recording.carrier_media is not None
        url = parse_url(recording.carrier_media.url, self.policy, Purpose.CARRIER_RECORDING)
        row = registry.carrier(recording.call.carrier).recordings
        return self._header(self._secret(recording), row) if self._is_carrier_s(url, row) else ""

    def door(self, profile: Profile) -> CarrierDoor | None:
        """Return the API of a profile's carrier; None where its secret names none, or nothing that
        opens it. Raises UrlRefused, SecretRefused, Forbidden `bad_secret`, `not_the_carrier`,
        Unavailable."""
        secret = self.secrets.of(profile)
        row = registry.carrier(profile.carrier).recordings
        if not secret.api_url:
            return None
        url = parse_url(secret.api_url, self.policy, Purpose.CARRIER_RECORDING)
        if not self._is_carrier_s(url, row):
            raise Forbidden("api_url is no host of the carrier's", code="not_the_carrier")
        header = self._header(secret, row)
        if not header:
            return None
        return CarrierDoor(
            carrier=profile.carrier, url=secret.api_url.rstrip("/"), authorization=header
        )

    def _is_carrier_s(self, url: GuardedUrl, row: RecordingAccess) -> bool:
        if _is_under(url.host, self.trusted_hosts):
            return True
        return url.scheme == "https" and _is_under(url.host, row.hosts)

    def _header(self, secret: CarrierSecret, row: RecordingAccess) -> str:
        if secret.oauth2 is not None and row.token_url:
            return f"Bearer {self.grants.token(row.token_url, secret.oauth2)}"
        return secret.basic.header if secret.basic is not None else ""

    def _secret(self, recording: Recording) -> CarrierSecret:
        try:
            profile = self.profiles.get(recording.call.account, recording.profile)
        except NotFound:
            return CarrierSecret()  # deleted since; what is public can still be fetched
        return self.secrets.of(profile)


def _is_under(host: str, suffixes: tuple[str, ...]) -> bool:
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)
