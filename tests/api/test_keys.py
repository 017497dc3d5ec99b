from __future__ import annotations

from io import StringIO

import pytest

from chalicelib.api.keys import main
from tests.api.conftest import Api


def run(*arguments: str) -> tuple[int, str, str]:
    out, errors = StringIO(), StringIO()
    return main(arguments, out, errors), out.getvalue(), errors.getvalue()


def test_a_key_is_printed_once_and_opens_its_account(api: Api) -> None:
    """What `create` prints works; nothing of its secret is kept."""

    code, text, _ = run("create", "--account", "sales")

    assert 0 == code
    headers = {"Authorization": f"Bearer {text.strip()}"}
    assert 200 == api.get("/v1/profiles", headers=headers).status_code
    secret = text.strip().rsplit("_", 1)[1]
    assert secret not in repr(api.core.store.api_keys)


def test_keys_are_listed_by_account_without_their_secrets(api: Api) -> None:
    """An id, when it was made, and whether it opens anything."""

    _, text, _ = run("create", "--account", "sales")
    key_id, secret = text.strip().split("_")[1:]

    code, listed, _ = run("list", "--account", "sales")

    assert (0, 1) == (code, len(listed.splitlines()))
    assert key_id in listed
    assert "active" in listed
    assert secret not in listed


def test_a_revoked_key_opens_nothing(api: Api) -> None:
    """`revoke` takes the id that `list` shows."""

    _, text, _ = run("create")
    key_id = text.split("_")[1]

    assert (0, f"{key_id} is revoked\n", "") == run("revoke", key_id)
    assert "revoked" in run("list")[1]
    headers = {"Authorization": f"Bearer {text.strip()}"}
    assert 401 == api.get("/v1/profiles", headers=headers).status_code


def test_what_can_t_be_done_is_one_sentence(api: Api) -> None:
    """A missing key, another account's, or a bad label end with exit code 1."""

    _, text, _ = run("create", "--account", "sales")
    key_id = text.split("_")[1]

    for arguments in (("revoke", "nothing"), ("revoke", key_id), ("create", "--account", "A B")):
        code, out, errors = run(*arguments)
        assert (1, "", 1) == (code, out, len(errors.splitlines()))


@pytest.mark.parametrize("arguments", [(), ("make",)])
def test_an_unknown_command_is_explained(api: Api, arguments: tuple[str, ...]) -> None:
    """As every command line tool does: usage, and exit code 2."""

    with pytest.raises(SystemExit) as ended:
        run(*arguments)

    assert 2 == ended.value.code
