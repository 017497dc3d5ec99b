"""An account's profiles name its own secrets: at the API, and when a carrier's webhook comes."""

from __future__ import annotations

import json
from dataclasses import replace
from secrets import token_bytes
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.ports.values import Figure
from chalicelib.services.accounts.api_keys import create_key
from tests.api.conftest import Api, error_of
from tests.api.test_webhooks import STARTED
from tests.samples import T0, a_profile

PROFILE = {"name": "front", "dialect": "bandwidth"}
REFUSED = "secret_refused"


def as_account(api: Api, account: str) -> Api:
    """Return the API as another account speaks to it."""
    key = create_key(api.core.api_keys, account, T0, token_bytes)
    return replace(api, headers={"Authorization": f"Bearer {key.text}"})


def share(*pairs: tuple[str, str]) -> None:
    """Let the operator list these."""
    ports = wiring.ports()
    ports.settings = replace(ports.settings, shared_credentials=frozenset(pairs))


def created(api: Api, name: str) -> tuple[int, str]:
    """Return how it went to make a profile with a secret; deletes it again."""
    answer = api.send("POST", "/v1/profiles", {**PROFILE, "secret_id": name})
    if answer.status_code == 201:
        api.send("DELETE", "/v1/profiles/front")
        return 201, ""
    return error_of(answer)


@pytest.mark.parametrize(
    ("account", "name", "expected"),
    [
        ("sales", "tapedeck/sales/key", (201, "")),
        ("sales", "tapedeck/main/key", (400, REFUSED)),
        ("sales", "tapedeck/sales-eu/key", (400, REFUSED)),
        ("sales", "tapedeck/key", (400, REFUSED)),
        ("sales", "tapedeck/sales/../main/key", (400, "out_of_range")),
        ("sales", "arn:aws:secretsmanager:eu-west-1:1:secret:x", (400, "out_of_range")),
        ("main", "tapedeck/main/key", (201, "")),
        ("main", "tapedeck/key", (201, "")),
        ("main", "tapedeck/sales/key", (400, REFUSED)),
    ],
)
def test_a_profile_names_a_secret_of_its_account(
    api: Api, account: str, name: str, expected: tuple[int, str]
) -> None:
    """Anything else is a 400; names without an account are main's."""

    assert expected == created(as_account(api, account), name)


def test_a_refusal_says_what_to_do(api: Api) -> None:
    """The value, the name that would do, and what the operator can do."""

    answer = as_account(api, "sales").send(
        "POST", "/v1/profiles", {**PROFILE, "secret_id": "tapedeck/key"}
    )

    assert (
        "secret_id: the secret 'tapedeck/key' belongs to account main, not to sales; name one of"
        " tapedeck/sales/…, or let the operator add sales:tapedeck/key to SharedCredentials"
    ) == answer.json_body["error"]["message"]
    assert [] == wiring.ports().counters.counted  # type: ignore[attr-defined]  # the fake's


def test_the_operator_may_let_an_account_use_it(api: Api) -> None:
    """That account, that secret."""

    share(("sales", "tapedeck/key"))

    assert (201, "") == created(as_account(api, "sales"), "tapedeck/key")
    assert (400, REFUSED) == created(as_account(api, "support"), "tapedeck/key")
    assert (400, REFUSED) == created(as_account(api, "sales"), "tapedeck/key2")


def test_a_profile_from_before_can_still_be_changed(api: Api) -> None:
    """In everything else; its secret can be replaced or taken out, and not be written again."""

    sales = as_account(api, "sales")
    api.core.profiles.create(a_profile(account="sales", secret_id="tapedeck/key"))

    def change(**body: Any) -> Any:
        return sales.send("PATCH", "/v1/profiles/front", body)

    kept = change(labels={"desk": "7"})
    again = change(labels={}, secret_id="tapedeck/key")
    moved = change(secret_id="tapedeck/sales/key")
    none = change(secret_id="")

    assert (200, {"desk": "7"}, "tapedeck/key") == (
        kept.status_code,
        kept.json_body["labels"],
        kept.json_body["secret_id"],
    )
    assert (400, REFUSED) == error_of(again)
    assert [(200, "tapedeck/sales/key"), (200, "")] == [
        (one.status_code, one.json_body["secret_id"]) for one in (moved, none)
    ]
    assert {"desk": "7"} == moved.json_body["labels"]


SECRET = {
    "webhook_basic": {"username": "bw-user", "password": "pass"},
    "signing_key": "PSK_1",
}
SAID = {
    "bandwidth": {"Authorization": "Basic eDp4"},
    "signalwire": {"X-SignalWire-Signature": "00"},
}
EVENTS = {"bandwidth": STARTED, "signalwire": {"event_type": "x"}}


def hook_of(api: Api, carrier: str, name: str) -> str:
    """Return the hook of a profile of account sales."""
    api.texts.texts[name] = json.dumps(SECRET)
    dialect = {"bandwidth": "bandwidth", "signalwire": "signalwire-tap"}[carrier]
    profile = a_profile(account="sales", dialect=dialect, carrier=carrier, secret_id=name)
    return api.hook(profile)


@pytest.mark.parametrize("carrier", ["bandwidth", "signalwire"])
def test_an_event_isn_t_lost_for_a_refused_secret(api: Api, carrier: str) -> None:
    """Its carrier won't send it again. It is taken by its token, as for a profile without a secret,
    whatever it says besides; the refusal is counted."""

    hook = hook_of(api, carrier, "tapedeck/key")

    answer = api.post_hook(hook, EVENTS[carrier], SAID[carrier])

    assert answer.status_code < 300
    assert 1 == len(api.core.store.inbound)
    assert [(Figure.REFUSED_SECRETS, {"account": "sales", "profile": "front"})] == (
        wiring.ports().counters.counted  # type: ignore[attr-defined]  # the fake's
    )
    assert 401 == api.post_hook(hook[:-9] + "AAAAAAAAA", EVENTS[carrier], SAID[carrier]).status_code


@pytest.mark.parametrize("carrier", ["bandwidth", "signalwire"])
@pytest.mark.parametrize("name", ["tapedeck/sales/key", "tapedeck/key"])
def test_an_own_or_a_shared_secret_is_proved(api: Api, carrier: str, name: str) -> None:
    """Another user or signature is a 403, as ever."""

    share(("sales", "tapedeck/key"))
    hook = hook_of(api, carrier, name)

    assert 403 == api.post_hook(hook, EVENTS[carrier], SAID[carrier]).status_code
    assert {} == api.core.store.inbound


def test_a_secret_that_doesn_t_exist_is_a_refusal(api: Api) -> None:
    """Somebody meant to configure one; who came is unknown."""

    hook = hook_of(api, "bandwidth", "tapedeck/sales/key")
    api.texts.texts.pop("tapedeck/sales/key")

    assert (403, "bad_secret") == error_of(api.post_hook(hook, STARTED, SAID["bandwidth"]))


def test_a_profile_without_a_secret_needs_no_secrets(api: Api) -> None:
    """Not even what would read them is made: a webhook pays for the database alone."""

    hook = api.hook(a_profile())

    api.post_hook(hook, STARTED, SAID["bandwidth"])

    assert "carrier_secrets" not in vars(wiring.ports())
