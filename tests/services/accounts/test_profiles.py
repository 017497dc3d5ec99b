from __future__ import annotations

import pytest

from chalicelib.carriers import registry
from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.recording.model import RecordOptions
from chalicelib.security.url_guard import STRICT, UrlPolicy
from chalicelib.services.accounts.profiles import (
    change_profile,
    create_profile,
    find_profile,
    to_json,
)
from tests.fakes import FakeCore
from tests.samples import T0


def test_the_dialect_says_whose_it_is() -> None:
    """A profile's carrier is its dialect's."""

    core = FakeCore()

    for dialect in registry.DIALECTS:
        body = {"name": dialect, "dialect": dialect}
        made = create_profile(core.profiles, "main", body, STRICT, T0)
        assert registry.carrier_of(dialect) == made.carrier


def test_without_default_options_nothing_is_recorded_by_default() -> None:
    """Null and nothing are the same; an empty object is SWML's defaults."""

    core = FakeCore()
    body: dict[str, object] = {"name": "a", "dialect": "bandwidth"}

    assert create_profile(core.profiles, "main", body, STRICT, T0).record_call is None
    body = {"name": "b", "dialect": "bandwidth", "record_call": {}}
    assert RecordOptions() == create_profile(core.profiles, "main", body, STRICT, T0).record_call


def test_a_status_url_can_be_taken_back() -> None:
    """An empty one means nowhere."""

    core = FakeCore()
    body = {"name": "a", "dialect": "bandwidth", "status_url": "https://customer.example.com/"}
    create_profile(core.profiles, "main", body, STRICT, T0)

    changed = change_profile(core.profiles, "main", "a", {"status_url": ""}, STRICT)

    assert "" == changed.status_url == core.profiles.get("main", "a").status_url


def test_the_operator_s_policy_decides_about_urls() -> None:
    """What a deployment allows, a profile may name."""

    core = FakeCore()
    body = {"name": "a", "dialect": "bandwidth", "status_url": "http://example.com:9000/"}

    with pytest.raises(InvalidRequest):
        create_profile(core.profiles, "main", body, STRICT, T0)
    relaxed = UrlPolicy(http_allowed=True, ports=None)
    assert create_profile(core.profiles, "main", body, relaxed, T0).status_url


def test_another_account_s_profile_can_t_be_changed() -> None:
    """It looks as if it weren't there."""

    core = FakeCore()
    create_profile(core.profiles, "main", {"name": "a", "dialect": "bandwidth"}, STRICT, T0)

    with pytest.raises(NotFound):
        change_profile(core.profiles, "other", "a", {}, STRICT)


def test_what_is_shown_names_no_secret() -> None:
    """Only the secret's name is shown."""

    core = FakeCore()
    body = {"name": "a", "dialect": "signalwire-tap", "secret_id": "tapedeck/main/key"}

    assert (
        "tapedeck/main/key"
        == to_json(create_profile(core.profiles, "main", body, STRICT, T0))["secret_id"]
    )


@pytest.mark.parametrize("name", ["", "Office", "a" * 64, "a" * 5_000, "\U0001f600", "of\nfice"])
def test_what_can_t_be_a_name_is_looked_for_nowhere(name: str) -> None:
    """A store fails for a key that is too long; it isn't asked."""

    class Nowhere:
        """Profiles that mustn't be asked."""

    with pytest.raises(NotFound) as refused:
        find_profile(Nowhere(), "main", name)  # type: ignore[arg-type]  # no port

    assert "no_such_profile" == refused.value.code
