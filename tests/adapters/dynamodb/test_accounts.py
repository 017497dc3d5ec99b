"""What Profiles, ApiKeys and Leases promise, in memory and as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import Conflict, NotFound, PreconditionFailed
from chalicelib.recording.model import Format, RecordOptions
from tests.samples import a_call, a_key, a_lease, a_profile, a_stream, later


class TestProfiles:
    """The port Profiles."""

    def test_keeps_a_profile_whole(self, core: Any) -> None:
        """A profile comes back field for field, with its options or without."""

        profile = a_profile(record_call=RecordOptions(format=Format.MP4, input_sensitivity=12.5))
        bare = a_profile(name="bare", record_call=None, labels={})
        core.profiles.create(profile)
        core.profiles.create(bare)
        assert [profile, bare] == [core.profiles.get("main", n) for n in ("front", "bare")]
        assert [bare, profile] == core.profiles.listing("main")
        assert [] == core.profiles.listing("other")

    def test_creates_once(self, core: Any) -> None:
        """A name is given once in an account."""

        core.profiles.create(a_profile())
        core.profiles.create(a_profile(account="other"))
        with pytest.raises(Conflict):
            core.profiles.create(a_profile())

    def test_replaces_what_exists(self, core: Any) -> None:
        """A profile is replaced whole, an unknown one isn't made by it."""

        with pytest.raises(NotFound):
            core.profiles.replace(a_profile())
        core.profiles.create(a_profile())
        core.profiles.replace(a_profile(record_call=None))
        assert None is core.profiles.get("main", "front").record_call

    def test_deletes_once(self, core: Any) -> None:
        """A deleted profile is gone."""

        core.profiles.create(a_profile())
        core.profiles.delete("main", "front")
        for read in (core.profiles.get, core.profiles.delete):
            with pytest.raises(NotFound):
                read("main", "front")


class TestApiKeys:
    """The port ApiKeys."""

    def test_keeps_keys(self, core: Any) -> None:
        """A key is found by its id, and listed under its account, oldest first."""

        young, old = a_key(key_id="a", created_at=later(5)), a_key(key_id="b")
        for key in (young, old, a_key(key_id="c", account="other")):
            core.api_keys.create(key)
        assert young == core.api_keys.get("a")
        assert [old, young] == core.api_keys.listing("main")
        with pytest.raises(NotFound):
            core.api_keys.get("d")
        with pytest.raises(Conflict):
            core.api_keys.create(young)

    def test_revokes_for_good(self, core: Any) -> None:
        """A key is revoked once, by its own account."""

        core.api_keys.create(a_key())
        with pytest.raises(NotFound):
            core.api_keys.revoke("other", "k1", later(1))
        with pytest.raises(NotFound):
            core.api_keys.revoke("main", "k2", later(1))
        core.api_keys.revoke("main", "k1", later(1))
        core.api_keys.revoke("main", "k1", later(2))
        assert later(1) == core.api_keys.get("k1").revoked_at

    def test_knows_every_account(self, core: Any) -> None:
        """Each once, also one whose keys are all revoked; recordings and calls are no accounts."""

        for key_id, account in (("a", "main"), ("b", "sales"), ("c", "main"), ("d", "old")):
            core.api_keys.create(a_key(key_id=key_id, account=account))
        core.api_keys.revoke("old", "d", later(1))
        core.call_life.join(a_call(), a_stream())

        assert ["main", "old", "sales"] == core.api_keys.accounts()


class TestLeases:
    """The port Leases."""

    def test_renews(self, core: Any) -> None:
        """The latest renewal is what observers read; the same one again is success."""

        core.leases.renew(a_lease())
        renewed = a_lease(renewals=2, calls=9, journal_safe_below=4, degraded="s3")
        core.leases.renew(renewed)
        core.leases.renew(renewed)
        assert [renewed] == core.leases.all()

    def test_refuses_an_older_renewal(self, core: Any) -> None:
        """A renewal that was overtaken on its way changes nothing."""

        core.leases.renew(a_lease(renewals=2))
        with pytest.raises(PreconditionFailed):
            core.leases.renew(a_lease(renewals=1))

    def test_buries_who_did_not_renew(self, core: Any) -> None:
        """A worker is declared dead by who read its last renewal, and can't renew again."""

        lease = a_lease()
        core.leases.renew(lease)
        core.leases.renew(replace(lease, renewals=2))
        with pytest.raises(PreconditionFailed):
            core.leases.declare_dead(lease)
        core.leases.declare_dead(replace(lease, renewals=2))
        core.leases.declare_dead(lease)
        with pytest.raises(PreconditionFailed):
            core.leases.renew(replace(lease, renewals=3))
        assert [replace(lease, renewals=2, over=True)] == core.leases.all()

    def test_releases(self, core: Any) -> None:
        """A worker that ended is over; one that never was stays unknown."""

        core.leases.renew(a_lease())
        core.leases.release("worker-1")
        core.leases.release("worker-9")
        assert [a_lease(over=True)] == core.leases.all()

    def test_forgets_who_is_over(self, core: Any) -> None:
        """A worker out of sight stays over: if it was only asleep, it can't begin again."""

        core.leases.renew(a_lease())
        with pytest.raises(PreconditionFailed):
            core.leases.forget("worker-1")
        core.leases.release("worker-1")
        core.leases.forget("worker-1")
        assert [] == core.leases.all()
        with pytest.raises(PreconditionFailed):
            core.leases.renew(a_lease(renewals=9))
