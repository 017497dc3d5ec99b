"""The ports to what an account keeps in the database: its profiles and its API keys.

They raise Unavailable as the ports of `rows` do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from chalicelib.ports.values import ApiKey
from chalicelib.recording.model import Profile


class Profiles(Protocol):
    """Profiles: the settings for all calls from one carrier."""

    def get(self, account: str, name: str) -> Profile:
        """Read one. Raises NotFound."""

    def create(self, profile: Profile) -> None:
        """Write a new one. Raises Conflict."""

    def replace(self, profile: Profile) -> None:
        """Write a changed one. Raises NotFound."""

    def delete(self, account: str, name: str) -> None:
        """Remove one. Raises NotFound."""

    def listing(self, account: str) -> list[Profile]:
        """Read an account's, by name."""


class ApiKeys(Protocol):
    """Bearer keys, hashed."""

    def get(self, key_id: str) -> ApiKey:
        """Read one, consistently. Raises NotFound."""

    def create(self, key: ApiKey) -> None:
        """Write a new one. Raises Conflict."""

    def revoke(self, account: str, key_id: str, at: datetime) -> None:
        """Revoke one for good; a revoked one stays as it is. Raises NotFound."""

    def listing(self, account: str) -> list[ApiKey]:
        """Read an account's, oldest first."""

    def accounts(self) -> list[str]:
        """Read the accounts that ever had a key, in order. Costly: for the operator's commands."""
