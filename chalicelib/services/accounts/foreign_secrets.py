"""Profiles that name a secret of another account, and what can be done about each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.ports.accounts import ApiKeys, Profiles
from chalicelib.recording.model import Profile
from chalicelib.security.secret_names import SharedCredentials, is_secret_name, owner, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSecret:
    """A profile, and the secret that it names."""

    profile: Profile
    is_shared: bool
    """the operator lets the account use it"""

    @property
    def owner(self) -> str:
        """Return whose secret it is; empty where the text is no secret's name."""
        name = self.profile.secret_id
        return owner(name) if is_secret_name(name) else ""

    @property
    def pair(self) -> tuple[str, str]:
        """Return what would let the account use it."""
        return self.profile.account, self.profile.secret_id

    @property
    def own_name(self) -> str:
        """Return a name that the secret could have as the account's own."""
        last = self.profile.secret_id.rsplit("/", 1)[-1] if self.owner else self.profile.carrier
        return f"tapedeck/{self.profile.account}/{last}"


def foreign_secrets(
    api_keys: ApiKeys, profiles: Profiles, shared: SharedCredentials
) -> Iterator[ForeignSecret]:
    """Yield every profile of every account that names a secret that isn't its account's."""
    for account in api_keys.accounts():
        for profile in profiles.listing(account):
            name = profile.secret_id
            if name and refusal(account, name, frozenset()):
                is_shared = not refusal(account, name, shared)
                yield ForeignSecret(profile=profile, is_shared=is_shared)
