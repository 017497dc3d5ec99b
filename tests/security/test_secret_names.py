"""Which account may use which secret."""

from __future__ import annotations

import posixpath
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.security.secret_names import (
    ACCOUNT,
    MAIN,
    NAME,
    SHARED_PATTERN,
    SharedCredentials,
    is_secret_name,
    owner,
    parse_shared,
    refusal,
)

NOBODY: SharedCredentials = frozenset()

USABLE = [
    pytest.param("sales", "tapedeck/sales/bandwidth", id="its own"),
    pytest.param("sales", "tapedeck/sales/eu/bandwidth", id="its own, deeper"),
    pytest.param("sales", "tapedeck/sales/Key_1+a=b.c@d-e", id="every character that AWS takes"),
    pytest.param("sales", "tapedeck/sales/main/key", id="a path that goes on with another's name"),
    pytest.param("sales", "tapedeck/sales/key-AbCdEf", id="it ends like an ARN's suffix"),
    pytest.param("sales-eu", "tapedeck/sales-eu/key", id="another account's name begins its own"),
    pytest.param("0", "tapedeck/0/key", id="the shortest account"),
    pytest.param("a" * 63, f"tapedeck/{'a' * 63}/key", id="the longest account"),
    pytest.param("tapedeck", "tapedeck/tapedeck/key", id="an account named like the prefix"),
    pytest.param(MAIN, "tapedeck/main/key", id="main's own"),
    pytest.param(MAIN, "tapedeck/bandwidth", id="no account: from before"),
    pytest.param(MAIN, "tapedeck/main", id="no account, but its name"),
    pytest.param(MAIN, "tapedeck/sales", id="no account: nothing follows it"),
    pytest.param(MAIN, "tapedeck/key-AbCdEf", id="no account, and like an ARN's suffix"),
    pytest.param(MAIN, "tapedeck/Sales/key", id="no account: none has a capital letter"),
    pytest.param(MAIN, "tapedeck/my_app/key", id="no account: none has an underscore"),
    pytest.param(MAIN, "tapedeck/-sales/key", id="no account: none begins with a hyphen"),
    pytest.param(MAIN, f"tapedeck/{'a' * 64}/key", id="no account: none is so long"),
]

FOREIGN = [
    pytest.param("sales", "tapedeck/support/key", "support", id="another's"),
    pytest.param("sales", "tapedeck/sales-eu/key", "sales-eu", id="one whose name goes on"),
    pytest.param("sales-eu", "tapedeck/sales/key", "sales", id="one whose name is shorter"),
    pytest.param("sales", "tapedeck/main/key", "main", id="main's"),
    pytest.param("sales", "tapedeck/bandwidth", "main", id="no account: main's"),
    pytest.param("sales", "tapedeck/sales", "main", id="no account, though named like it"),
    pytest.param("sales", "tapedeck/sales-AbCdEf", "main", id="the same with a suffix"),
    pytest.param("sales", "tapedeck/Sales/key", "main", id="no account: none has a capital letter"),
    pytest.param("tapedeck", "tapedeck/key", "main", id="an account named like the prefix"),
    pytest.param(MAIN, "tapedeck/sales/key", "sales", id="main itself has no other account's"),
    pytest.param(MAIN, "tapedeck/bandwidth/eu", "bandwidth", id="from before, and looks like it"),
]

NO_NAME = [
    pytest.param("", id="nothing"),
    pytest.param("tapedeck", id="the prefix, unfinished"),
    pytest.param("tapedeck/", id="the prefix"),
    pytest.param("sales/key", id="no prefix"),
    pytest.param("Tapedeck/sales/key", id="another prefix"),
    pytest.param("/tapedeck/sales/key", id="a slash before"),
    pytest.param("tapedeck/sales/", id="nothing after the account"),
    pytest.param("tapedeck//key", id="an empty account"),
    pytest.param("tapedeck/sales//key", id="an empty part"),
    pytest.param("tapedeck/sales/../support/key", id="upwards"),
    pytest.param("tapedeck/../tapedeck/support/key", id="upwards from the prefix"),
    pytest.param("tapedeck/./key", id="a dot"),
    pytest.param("tapedeck/..", id="dots alone"),
    pytest.param("tapedeck/sales/a key", id="a space"),
    pytest.param("tapedeck/sales/key\n", id="a line's end"),
    pytest.param("tapedeck/sales/key\0", id="a zero"),
    pytest.param("tapedeck/sales/ключ", id="letters that AWS doesn't take"),
    pytest.param("tapedeck/sales∕key", id="what looks like a slash"),
    pytest.param("tapedeck/sales%2fkey", id="an escaped slash"),
    pytest.param("tapedeck\\sales\\key", id="the other slash"),
    pytest.param("tapedeck/*", id="a wildcard"),
    pytest.param(
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:tapedeck/sales/key-AbCdEf", id="ARN"
    ),
    pytest.param(
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:tapedeck/sales/key", id="partial ARN"
    ),
    pytest.param("tapedeck/sales/arn:aws:secretsmanager:::x", id="an ARN inside"),
]

accounts = st.from_regex(ACCOUNT, fullmatch=True) | st.sampled_from(["main", "sales", "sales-eu"])
names = (
    st.from_regex(NAME, fullmatch=True)
    | st.builds("tapedeck/{}/{}".format, accounts, st.text(max_size=20))
    | st.builds("tapedeck/{}{}".format, accounts, st.sampled_from(["", "/", "/..", "-AbCdEf"]))
    | st.text()
)


@pytest.mark.parametrize(("account", "name"), USABLE)
def test_an_account_uses_its_own(account: str, name: str) -> None:
    """Names with the account in them, and for `main` those without any."""

    assert "" == refusal(account, name, NOBODY)


@pytest.mark.parametrize(("account", "name", "whose"), FOREIGN)
def test_an_account_doesn_t_use_another_s(account: str, name: str, whose: str) -> None:
    """The sentence says whose it is, which name would do, and what the operator can do."""

    assert (
        f"secret_id: the secret '{name}' belongs to account {whose}, not to {account}; name one of"
        f" tapedeck/{account}/…, or let the operator add {account}:{name} to SharedCredentials"
    ) == refusal(account, name, NOBODY)


@pytest.mark.parametrize("name", NO_NAME)
@pytest.mark.parametrize("account", ["main", "sales"])
def test_what_is_no_name_is_nobody_s(account: str, name: str) -> None:
    """An ARN neither: it would be a second name of the same secret."""

    why = f"secret_id: {name!r} isn't the name of a carrier's secret; name one of tapedeck/"

    assert refusal(account, name, NOBODY).startswith(why)
    assert not is_secret_name(name)


def test_the_operator_may_share_one_secret_with_one_account() -> None:
    """The pair, letter by letter: no other account, no other secret, and not what is no name."""

    shared = frozenset({("sales", "tapedeck/bandwidth"), ("main", "tapedeck/sales/../x")})

    assert "" == refusal("sales", "tapedeck/bandwidth", shared)
    assert "" == refusal("main", "tapedeck/bandwidth", shared)
    for account, name in (
        ("support", "tapedeck/bandwidth"),
        ("sales", "tapedeck/bandwidth2"),
        ("sales", "tapedeck/Bandwidth"),
        ("sales", "tapedeck/bandwidth/eu"),
        ("main", "tapedeck/sales/../x"),
    ):
        assert refusal(account, name, shared), (account, name)


@given(accounts, accounts, names)
@example("sales", "main", "tapedeck/sales/key")
@example("sales", "main", "tapedeck/sales")
def test_no_secret_is_two_accounts(one: str, other: str, name: str) -> None:
    """Whatever a name looks like, at most one account may use it."""

    usable = {account for account in (one, other) if not refusal(account, name, NOBODY)}

    assert len(usable) <= 1
    assert not usable or usable == {owner(name)}


@given(accounts, names)
def test_a_name_that_is_read_otherwise_is_still_the_account_s(account: str, name: str) -> None:
    """With its path resolved, or its end taken for an ARN's suffix, it is no other account's."""

    if refusal(account, name, NOBODY):
        return

    for read in (posixpath.normpath(name), re.sub(r"-[A-Za-z0-9]{6}$", "", name)):
        assert account == owner(read), read


@given(accounts, st.from_regex(NAME, fullmatch=True).filter(is_secret_name))
def test_a_shared_pair_is_read_as_it_was_written(account: str, name: str) -> None:
    """Neither an account nor a name has a colon or a comma."""

    assert (account, name) == parse_shared(f"{account}:{name}")


@pytest.mark.parametrize(
    "text",
    [
        "sales",
        ":tapedeck/key",
        "sales:",
        "sales=tapedeck/key",
        "sales:bandwidth",
        "Sales:tapedeck/key",
        "sales :tapedeck/key",
        "sales:tapedeck/a:b",
        "*:tapedeck/key",
        "sales:tapedeck/*",
        "sales:tapedeck/../x",
        "sales:tapedeck/x/.",
        "sales:arn:aws:secretsmanager:eu-west-1:1:secret:tapedeck/key",
    ],
)
def test_what_is_no_pair_is_refused(text: str) -> None:
    """The template refuses it, too, before a function would; nothing stands for all."""

    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_shared(text)
    assert not re.fullmatch(SHARED_PATTERN, text)


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("", True),
        ("sales:tapedeck/bandwidth", True),
        ("sales:tapedeck/bandwidth,main:tapedeck/eu/a_b+c=d.e@f-g", True),
        ("sales:tapedeck/.a,main:tapedeck/..a/...", True),
        ("sales:tapedeck/..,main:tapedeck/x", False),
        ("sales:tapedeck/x,main:tapedeck/./x", False),
        ("sales:tapedeck/bandwidth;main:tapedeck/x", False),
        ("sales:tapedeck/bandwidth,,main:tapedeck/x", False),
        ("sales:tapedeck/bandwidthmain:tapedeck/x", False),
    ],
)
def test_a_parameter_lists_pairs(text: str, is_right: bool) -> None:
    """Separated by commas."""

    assert is_right == bool(re.fullmatch(SHARED_PATTERN, text))
