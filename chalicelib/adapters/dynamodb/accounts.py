"""An account's profiles and API keys: rows of the Core table."""

from __future__ import annotations

from datetime import datetime

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb.row_codec import Row, from_row, sortable, to_row
from chalicelib.adapters.dynamodb.table import NEW, THERE, Table, Where
from chalicelib.errors import Conflict, NotFound, PreconditionFailed
from chalicelib.ports.values import ApiKey
from chalicelib.recording.model import Profile

_MAX_KEYS = 1_000
"""of one account, in a listing"""


class DynamoProfiles:
    """Implements the port Profiles."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, account: str, name: str) -> Profile:
        """Read one. Raises NotFound."""
        row = self._table.get(layout.account_pk(account), layout.PROFILE_PREFIX + name)
        if row is None:
            raise _no_profile(name)
        return from_row(row, Profile)

    def create(self, profile: Profile) -> None:
        """Write a new one; it races with one of the same name. Raises Conflict."""
        try:
            self._table.put(_profile_row(profile), NEW)
        except PreconditionFailed as error:
            raise Conflict(f"profile {profile.name} exists", code="profile_exists") from error

    def replace(self, profile: Profile) -> None:
        """Write a changed one; it races with its deletion. Raises NotFound."""
        try:
            self._table.put(_profile_row(profile), THERE)
        except PreconditionFailed as error:
            raise _no_profile(profile.name) from error

    def delete(self, account: str, name: str) -> None:
        """Remove one; it races with another deletion. Raises NotFound."""
        try:
            self._table.delete(layout.account_pk(account), layout.PROFILE_PREFIX + name, THERE)
        except PreconditionFailed as error:
            raise _no_profile(name) from error

    def listing(self, account: str) -> list[Profile]:
        """Read an account's, by name."""
        first = layout.PROFILE_PREFIX
        rows = self._table.query(layout.account_pk(account), first, first + layout.END)
        return [from_row(row, Profile) for row in rows]


class DynamoApiKeys:
    """Implements the port ApiKeys."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, key_id: str) -> ApiKey:
        """Read one, consistently. Raises NotFound."""
        row = self._table.get(layout.key_pk(key_id), layout.KEY)
        if row is None:
            raise _no_key(key_id)
        return from_row(row, ApiKey)

    def create(self, key: ApiKey) -> None:
        """Write a new one; it races with one of the same id. Raises Conflict."""
        try:
            self._table.put(_key_row(key), NEW)
        except PreconditionFailed as error:
            raise Conflict(f"key {key.key_id} exists", code="key_exists") from error

    def revoke(self, account: str, key_id: str, at: datetime) -> None:
        """Switch one off for good; it races with another revocation: the first time stays."""
        key = self.get(key_id)
        if key.account != account:
            raise _no_key(key_id)
        if key.revoked_at is not None:
            return
        change = Where(text="SET #revoked_at = :at", values={"at": sortable(at)})
        unrevoked = Where(text="attribute_exists(#pk) AND attribute_not_exists(#revoked_at)")
        try:
            self._table.update(layout.key_pk(key_id), layout.KEY, change, unrevoked)
        except PreconditionFailed:
            return

    def listing(self, account: str) -> list[ApiKey]:
        """Read an account's, oldest first."""
        where = Where(text="#gsi2pk = :pk", values={"pk": f"KEY#{account}"})
        found = self._table.query_index("by_account", where, limit=_MAX_KEYS)
        return [self.get(keys["pk"].partition("#")[2]) for keys in found]

    def accounts(self) -> list[str]:
        """Read which accounts ever had a key, in order; keys are revoked, but never removed."""
        where = Where(text="begins_with(#gsi2pk, :prefix)", values={"prefix": "KEY#"})
        found = self._table.scan_index("by_account", where)
        return sorted({keys["gsi2pk"].partition("#")[2] for keys in found})


def _profile_row(profile: Profile) -> Row:
    keys = {
        "pk": layout.account_pk(profile.account),
        "sk": layout.PROFILE_PREFIX + profile.name,
    }
    return keys | to_row(profile)


def _key_row(key: ApiKey) -> Row:
    index = {
        "gsi2pk": f"KEY#{key.account}",
        "gsi2sk": layout.dated(key.created_at, key.key_id),
    }
    return {"pk": layout.key_pk(key.key_id), "sk": layout.KEY} | to_row(key) | index


def _no_profile(name: str) -> NotFound:
    return NotFound(f"profile {name}", code="no_such_profile")


def _no_key(key_id: str) -> NotFound:
    return NotFound(f"key {key_id}", code="no_such_key")
