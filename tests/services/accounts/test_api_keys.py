from __future__ import annotations

import pytest

from chalicelib.errors import InvalidRequest, Unauthenticated
from chalicelib.services.accounts.api_keys import authenticate, create_key
from tests.fakes import FakeCore
from tests.samples import T0, later


def counting(size: int) -> bytes:
    return bytes(range(size))


def test_a_key_opens_its_account() -> None:
    """What was made once is recognised from its hash."""

    core = FakeCore()
    made = create_key(core.api_keys, "sales", T0, counting)

    assert "sales" == authenticate(core.api_keys, f"Bearer {made.text}").account
    assert made.key == authenticate(core.api_keys, f"  bearer   {made.text} ")


def test_only_a_hash_is_kept() -> None:
    """The stored row doesn't give the key away."""

    core = FakeCore()
    made = create_key(core.api_keys, "sales", T0, counting)

    secret = made.text.rsplit("_", 1)[1]
    assert secret not in repr(core.api_keys.listing("sales"))
    assert 64 == len(secret)


def test_a_key_has_one_spelling() -> None:
    """Capitals, and letters that fold to ours (Kelvin's sign is a k), are another key."""

    core = FakeCore()
    made = create_key(core.api_keys, "sales", T0, counting)

    for other in (made.text.upper(), made.text.replace("k", "\u212a"), f"\u2003{made.text}"):
        with pytest.raises(Unauthenticated):
            authenticate(core.api_keys, f"Bearer {other}")


@pytest.mark.parametrize("change", ["secret", "id", "none", "scheme", "tail", "revoked"])
def test_anything_else_is_unauthenticated(change: str) -> None:
    """A wrong secret or id, no header, another scheme, something behind it, a revoked key."""

    core = FakeCore()
    made = create_key(core.api_keys, "sales", T0, counting)
    _, key_id, secret = made.text.split("_")
    wrong = {
        "secret": f"Bearer tdk_{key_id}_{'0' * 64}",
        "id": f"Bearer tdk_{'0' * 12}_{secret}",
        "none": "",
        "scheme": f"Basic {made.text}",
        "tail": f"Bearer {made.text}0",
        "revoked": f"Bearer {made.text}",
    }
    if change == "revoked":
        core.api_keys.revoke("sales", key_id, later(1))

    with pytest.raises(Unauthenticated):
        authenticate(core.api_keys, wrong[change])


@pytest.mark.parametrize("account", ["", "A", "a b", "-a", "a" * 64, "a/b"])
def test_an_account_is_a_label(account: str) -> None:
    """It stands in keys of rows and objects."""

    with pytest.raises(InvalidRequest):
        create_key(FakeCore().api_keys, account, T0, counting)
