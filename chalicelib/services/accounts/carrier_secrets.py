"""Reads profiles' secrets, for their own accounts only: every secret is read here."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.errors import Forbidden, NotFound, SecretRefused
from chalicelib.ports.aws import Counters, Secrets
from chalicelib.ports.values import Figure
from chalicelib.recording.model import Profile
from chalicelib.security.carrier_credentials import CarrierSecret, parse_carrier_secret
from chalicelib.security.secret_names import SharedCredentials, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReader:
    """Reads secrets, and counts those that are refused."""

    secrets: Secrets
    shared: SharedCredentials
    counters: Counters

    def of(self, profile: Profile) -> CarrierSecret:
        """Return the content of a profile's secret; an empty one if the profile names none.

        Raises SecretRefused where the secret isn't the account's, after counting it: an alarm
        watches the figure. Raises Forbidden `bad_secret`, Unavailable.
        """
        if not profile.secret_id:
            return CarrierSecret()
        if why := refusal(profile.account, profile.secret_id, self.shared):
            facts = {"account": profile.account, "profile": profile.name}
            self.counters.count(Figure.REFUSED_SECRETS, facts)
            raise SecretRefused(why)
        try:
            return parse_carrier_secret(self.secrets.get(profile.secret_id))
        except NotFound:
            fact = "the profile's secret doesn't exist, or holds no text"
            raise Forbidden(fact, code="bad_secret") from None
