"""`make secrets`: the profiles that name another account's secret, and what to do about each."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from io import StringIO

import boto3
import pytest
from moto import mock_aws

from chalicelib import wiring
from chalicelib.api.foreign_secrets import main
from chalicelib.config import read_settings
from chalicelib.security.secret_names import parse_shared, refusal
from infra.paths import ROOT
from tests.adapters.dynamodb_world import INDEXES, create_table
from tests.api.conftest import Api
from tests.samples import a_key, a_profile

OLD = "tapedeck/bandwidth"


def run() -> tuple[int, str, str]:
    """Run the command; return its exit code and what it says."""
    out, errors = StringIO(), StringIO()
    return main(out, errors), out.getvalue(), errors.getvalue()


def profiles(api: Api, *named: tuple[str, str, str]) -> None:
    """Store profiles by account, name and secret; each account has a key."""
    for account, name, secret in named:
        api.core.api_keys.create(a_key(key_id=f"{account}-{name}", account=account))
        api.core.profiles.create(a_profile(account=account, name=name, secret_id=secret))


def share(*pairs: tuple[str, str]) -> None:
    """Let the operator list these."""
    ports = wiring.ports()
    ports.settings = replace(ports.settings, shared_credentials=frozenset(pairs))


def test_profiles_that_name_their_own_secrets_are_not_listed(api: Api) -> None:
    """Nor those without one, nor main's from before; there is nothing to do then."""

    profiles(
        api,
        ("sales", "front", "tapedeck/sales/bandwidth"),
        ("sales", "back", ""),
        ("main", "front", OLD),
    )

    assert (0, "", "") == run()


def test_a_refused_secret_is_listed_with_what_to_do(api: Api) -> None:
    """A secret of its own and the profile that names it, or the operator's list; exit code 1."""

    profiles(api, ("sales", "front", OLD))

    assert (
        1,
        "sales/front: 'tapedeck/bandwidth', of account main: REFUSED\n"
        "  aws secretsmanager create-secret --name tapedeck/sales/bandwidth"
        " --secret-string file://secret.json\n"
        "  curl -X PATCH -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json'"
        ' "$API/v1/profiles/front" -d \'{"secret_id": "tapedeck/sales/bandwidth"}\'\n'
        "  or let it work as it is: sales:tapedeck/bandwidth in SharedCredentials\n"
        "All of them work as they are, with make deploy and the OPTIONS that you deploy with,\n"
        "and: --parameters RecorderStack:SharedCredentials=sales:tapedeck/bandwidth\n",
        "",
    ) == run()


def test_main_is_listed_where_its_old_name_looks_like_another_account_s(api: Api) -> None:
    """`tapedeck/bandwidth/eu` is account bandwidth's, whether or not there is one."""

    profiles(api, ("main", "front", "tapedeck/bandwidth/eu"))

    code, text, _ = run()

    assert 1 == code
    assert text.startswith("main/front: 'tapedeck/bandwidth/eu', of account bandwidth: REFUSED\n")
    assert "--name tapedeck/main/eu " in text


def test_what_is_said_makes_it_work(api: Api) -> None:
    """The value for the parameter keeps what is listed already, and lets all others in."""

    share(("support", "tapedeck/sales/x"))
    profiles(
        api,
        ("support", "front", "tapedeck/sales/x"),
        ("support", "back", OLD),
        ("sales", "front", OLD),
        ("main", "eu", "tapedeck/bandwidth/eu"),
    )

    code, text, _ = run()
    value = text.rsplit("SharedCredentials=", 1)[1].strip()
    share(*map(parse_shared, value.split(",")))

    assert (1, 4) == (code, len(value.split(",")))
    assert (
        0,
        "main/eu: 'tapedeck/bandwidth/eu', of account bandwidth: allowed by SharedCredentials\n"
        "sales/front: 'tapedeck/bandwidth', of account main: allowed by SharedCredentials\n"
        "support/back: 'tapedeck/bandwidth', of account main: allowed by SharedCredentials\n"
        "support/front: 'tapedeck/sales/x', of account sales: allowed by SharedCredentials\n",
        "",
    ) == run()


def test_a_pair_that_nobody_needs_is_named(api: Api) -> None:
    """It lets an account in for nothing; it is no failure."""

    share(("sales", OLD), ("main", OLD))

    assert (
        0,
        "main:tapedeck/bandwidth is in SharedCredentials, and no profile needs it: take it out\n"
        "sales:tapedeck/bandwidth is in SharedCredentials, and no profile needs it: take it out\n",
        "",
    ) == run()


@pytest.mark.parametrize("name", ["tapedeck/a b; rm -r $HOME", "tapedeck/\x1b[2J", "tapedeck/a\nb"])
def test_what_is_no_name_is_shown_harmlessly(api: Api, name: str) -> None:
    """From before names were verified: it can't be shared, and does nothing to a terminal or a
    shell."""

    profiles(api, ("sales", "front", name))

    code, text, _ = run()
    told, *commands = text.splitlines()

    assert 1 == code
    assert f"sales/front: {name!a}, no name of a carrier's secret: REFUSED" == told
    assert ["aws", "curl"] == [shlex.split(line)[0] for line in commands]
    assert "tapedeck/sales/bandwidth" in commands[0]


@pytest.mark.parametrize("name", [OLD, "tapedeck/main/eu/key", "tapedeck/", "x", "tapedeck/a//b"])
def test_the_name_that_is_said_is_the_account_s_own(api: Api, name: str) -> None:
    """Whatever the profile names now."""

    profiles(api, ("sales", "front", name))

    said = re.findall(r"--name (\S+)", run()[1])

    assert [""] == [refusal("sales", one, frozenset()) for one in said]


def test_a_database_that_doesn_t_answer_is_one_sentence(api: Api) -> None:
    """Nothing is known then, so nothing may be deployed."""

    api.core.faults.down()

    code, out, errors = run()

    assert (1, "", 1) == (code, out, len(errors.splitlines()))


def test_the_command_reads_real_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the stack's environment leads to them: accounts are found by their keys."""

    for name, value in (("DEFAULT_REGION", "us-east-1"), ("ACCESS_KEY_ID", "test")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        table = create_table(boto3.client("dynamodb"), "core", INDEXES)
        environ = {
            "TAPEDECK_CORE_TABLE": table,
            "TAPEDECK_SHARED_CREDENTIALS": "support:tapedeck/bandwidth",
        }
        ports = wiring.install(wiring.Ports(read_settings(environ)))
        for account in ("sales", "support", "main"):
            ports.api_keys.create(a_key(key_id=account, account=account))
            for name, secret in (("front", OLD), ("own", f"tapedeck/{account}/key")):
                ports.profiles.create(a_profile(account=account, name=name, secret_id=secret))
        try:
            code, text, errors = run()
        finally:
            wiring.uninstall()

    assert (1, "") == (code, errors)
    assert [
        "sales/front: 'tapedeck/bandwidth', of account main: REFUSED",
        "support/front: 'tapedeck/bandwidth', of account main: allowed by SharedCredentials",
    ] == [line for line in text.splitlines() if "account main:" in line]


def test_make_runs_this_command() -> None:
    """In the environment of the deployment, as the operator's other targets."""

    recipe = (ROOT / "Makefile").read_text().partition("\nsecrets:")[2].splitlines()[1]

    assert "@$(PY) -m infra.deployment $(STACK) -- -m chalicelib.api.foreign_secrets" == (
        recipe.strip()
    )
