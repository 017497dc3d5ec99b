"""What is said to a carrier that holds a file: the profile's credentials, to its carrier only."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.carrier_secret import CarrierSecret, parse_carrier_secret
from chalicelib.dialects.webhooks.base import WebhookDialect
from chalicelib.dialects.webhooks.registry import dialect
from chalicelib.errors import Forbidden, NotFound
from chalicelib.ports import Secrets, TokenGrants
from chalicelib.recording.model import Recording
from chalicelib.row_ports import Profiles
from chalicelib.url_guard import GuardedUrl, Purpose, UrlPolicy, parse_url


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Where credentials are, and where they may go."""

    profiles: Profiles
    secrets: Secrets
    grants: TokenGrants
    policy: UrlPolicy
    trusted_hosts: tuple[str, ...] = ()
    """suffixes that the operator adds to every carrier's own, http included where it is allowed"""

    def authorization(self, recording: Recording) -> str:
        """Return the header for a recording's URL; empty where it isn't the carrier's, or nothing
        is configured. Raises UrlRefused, Forbidden `bad_secret`, Unavailable."""
        assert recording.carrier_media is not None
        url = parse_url(recording.carrier_media.url, self.policy, Purpose.CARRIER_RECORDING)
        row = dialect(recording.call.carrier)
        return self._header(recording, row) if self._is_carrier_s(url, row) else ""

    def _is_carrier_s(self, url: GuardedUrl, row: WebhookDialect) -> bool:
        if _is_under(url.host, self.trusted_hosts):
            return True
        return url.scheme == "https" and _is_under(url.host, row.media_hosts)

    def _header(self, recording: Recording, row: WebhookDialect) -> str:
        secret = self._secret(recording)
        if secret.oauth2 is not None and row.token_url:
            return f"Bearer {self.grants.token(row.token_url, secret.oauth2)}"
        return secret.basic.header if secret.basic is not None else ""

    def _secret(self, recording: Recording) -> CarrierSecret:
        try:
            profile = self.profiles.get(recording.call.account, recording.profile)
        except NotFound:
            return CarrierSecret()  # deleted since; what is public can still be fetched
        if not profile.secret_id:
            return CarrierSecret()
        try:
            return parse_carrier_secret(self.secrets.get(profile.secret_id))
        except NotFound:
            raise Forbidden("the profile's secret doesn't exist", code="bad_secret") from None


def _is_under(host: str, suffixes: tuple[str, ...]) -> bool:
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)
