"""Fakes of Profiles, ApiKeys, Leases, Retaps and Mailbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.errors import Conflict, NotFound, PreconditionFailed
from chalicelib.ports.values import ApiKey, Lease
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import Profile, Stream
from tests.fake_store import Store


class FakeProfiles:
    """The port Profiles, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, account: str, name: str) -> Profile:
        """Read one. Raises NotFound."""
        self._verify(account, name)
        return self._store.profiles[account, name]

    def create(self, profile: Profile) -> None:
        """Write a new one. Raises Conflict."""
        key = (profile.account, profile.name)
        if key in self._store.profiles:
            raise Conflict(f"profile {profile.name} exists", code="profile_exists")
        self._store.profiles[key] = profile

    def replace(self, profile: Profile) -> None:
        """Write a changed one. Raises NotFound."""
        self._verify(profile.account, profile.name)
        self._store.profiles[profile.account, profile.name] = profile

    def delete(self, account: str, name: str) -> None:
        """Remove one. Raises NotFound."""
        self._verify(account, name)
        del self._store.profiles[account, name]

    def listing(self, account: str) -> list[Profile]:
        """Read an account's, by name."""
        keys = sorted(key for key in self._store.profiles if key[0] == account)
        return [self._store.profiles[key] for key in keys]

    def _verify(self, account: str, name: str) -> None:
        if (account, name) not in self._store.profiles:
            raise NotFound(f"profile {name}", code="no_such_profile")


class FakeApiKeys:
    """The port ApiKeys, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, key_id: str) -> ApiKey:
        """Read one. Raises NotFound."""
        if key_id not in self._store.api_keys:
            raise NotFound(f"key {key_id}", code="no_such_key")
        return self._store.api_keys[key_id]

    def create(self, key: ApiKey) -> None:
        """Write a new one. Raises Conflict."""
        if key.key_id in self._store.api_keys:
            raise Conflict(f"key {key.key_id} exists", code="key_exists")
        self._store.api_keys[key.key_id] = key

    def revoke(self, account: str, key_id: str, at: datetime) -> None:
        """Switch one off. Raises NotFound."""
        key = self.get(key_id)
        if key.account != account:
            raise NotFound(f"key {key_id}", code="no_such_key")
        self._store.api_keys[key_id] = replace(key, revoked_at=key.revoked_at or at)

    def listing(self, account: str) -> list[ApiKey]:
        """Read an account's, oldest first."""
        found = [key for key in self._store.api_keys.values() if key.account == account]
        return sorted(found, key=lambda key: (key.created_at, key.key_id))

    def accounts(self) -> list[str]:
        """Read which accounts ever had a key."""
        return sorted({key.account for key in self._store.api_keys.values()})


class FakeLeases:
    """The port Leases, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def renew(self, lease: Lease) -> None:
        """Write the lease. Raises PreconditionFailed."""
        stored = self._store.leases.get(lease.worker)
        if stored is not None and (stored.over or stored.renewals > lease.renewals):
            raise PreconditionFailed(f"worker {lease.worker} is over")
        self._store.leases[lease.worker] = lease

    def release(self, worker: str) -> None:
        """Say that the worker ended."""
        if worker in self._store.leases:
            self._store.leases[worker] = replace(self._store.leases[worker], over=True)

    def all(self) -> list[Lease]:
        """Read every lease that isn't forgotten."""
        found = sorted(set(self._store.leases) - self._store.forgotten)
        return [self._store.leases[worker] for worker in found]

    def declare_dead(self, lease: Lease) -> None:
        """Declare a worker dead. Raises PreconditionFailed."""
        stored = self._store.leases.get(lease.worker)
        if stored is None or (not stored.over and stored.renewals != lease.renewals):
            raise PreconditionFailed(f"worker {lease.worker} renewed")
        self._store.leases[lease.worker] = replace(stored, over=True)

    def forget(self, worker: str) -> None:
        """Put a worker that is over out of sight. Raises PreconditionFailed."""
        if worker not in self._store.leases or not self._store.leases[worker].over:
            raise PreconditionFailed(f"worker {worker} isn't over")
        self._store.forgotten.add(worker)


class FakeRetaps:
    """The port Retaps, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, stream: Stream, by: str, at: datetime) -> bool:
        """Take a stream on."""
        key = (stream.call.key, stream.stream_key)
        return self._store.retaps.setdefault(key, (by, False)) == (by, False)

    def end(self, stream: Stream, by: str) -> None:
        """Say that a stream is done."""
        self._store.retaps[stream.call.key, stream.stream_key] = (by, True)


class FakeMailbox:
    """The port Mailbox, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, command: Command) -> None:
        """Write a command."""
        self._store.commands.setdefault(_place(command), command)

    def waiting(self, worker: str) -> list[Command]:
        """Read a worker's commands, in their order."""
        rows = dict(self._store.commands)  # other threads write
        waiting = [rows[place] for place in sorted(rows) if place[0] == worker]
        return [command for command in waiting if command.kind in set(CommandKind)]

    def is_waiting(self, command: Command) -> bool:
        """Whether a command isn't done yet."""
        return _place(command) in self._store.commands

    def remove(self, command: Command) -> None:
        """Say that a command is done."""
        self._store.commands.pop(_place(command), None)


def _place(command: Command) -> tuple[str, datetime, str]:
    return command.worker, command.at, command.command_id
