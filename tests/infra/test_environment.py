"""Which environment `make bootstrap` prepares, and what it says where that isn't known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from infra.environment import main
from tests.targets.running import make

VARIABLES = (
    "ACCESS_KEY_ID",
    "DEFAULT_REGION",
    "ENDPOINT_URL",
    "PROFILE",
    "REGION",
    "SECRET_ACCESS_KEY",
    "SESSION_TOKEN",
)
PROFILES = """
[profile empty]
region = eu-central-1
[profile main]
region = eu-north-1
aws_access_key_id = some
aws_secret_access_key = thing
"""


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A shell without credentials and region, and a file of profiles; its variables."""
    for name in VARIABLES:
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    (tmp_path / "config").write_text(PROFILES)
    own = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    return own


@pytest.fixture
def account(nowhere: dict[str, str]) -> Iterator[None]:
    """Credentials, and the account that they are of."""
    with mock_aws():
        yield


@pytest.mark.parametrize(
    ("options", "environment", "region"),
    [
        ([], {"REGION": "eu-west-1"}, "eu-west-1"),
        ([], {"DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ([], {"REGION": "eu-west-1", "DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ([], {"PROFILE": "main"}, "eu-north-1"),
        ([], {"PROFILE": "main", "REGION": "eu-west-1"}, "eu-west-1"),
        (["--profile", "main"], {}, "eu-north-1"),
        (["--profile=main", "-c", "alarm_email=ops@example.com"], {}, "eu-north-1"),
        (["--region", "eu-south-1", "--trust", "1", "2"], {"REGION": "eu-west-1"}, "eu-south-1"),
    ],
)
def test_the_account_is_the_credentials_own(
    account: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    environment: dict[str, str],
    region: str,
) -> None:
    """The region is the option's, else that of AWS_REGION, AWS_DEFAULT_REGION or the profile."""
    for name, value in environment.items():
        monkeypatch.setenv(f"AWS_{name}", value)

    assert 0 == main(options)
    assert f"aws://{DEFAULT_ACCOUNT_ID}/{region}\n" == capsys.readouterr().out


def test_an_environment_that_is_named_is_enough(
    nowhere: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is looked up for `OPTIONS=aws://111122223333/eu-west-1`."""

    assert 0 == main(["aws://111122223333/eu-west-1"])
    assert "" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "No AWS region is set: set AWS_REGION, e.g. AWS_REGION=eu-west-1, "),
        (["--profile", "empty"], "No AWS credentials were found: set AWS_PROFILE to a profile "),
        (["--profile", "mian"], "The account of the AWS credentials can't be looked up: The "
         "config profile (mian) could not be found"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(
    nowhere: dict[str, str], options: list[str], sentence: str
) -> None:
    """A region, credentials, or the profile: in a sentence that says what to set."""

    assert str(main(options)).startswith(sentence)


def test_make_bootstrap_says_it(nowhere: dict[str, str]) -> None:
    """The sentence is all that is printed, and the CDK isn't asked."""

    done = make("bootstrap", "AWS_REGION=eu-west-1", environment=nowhere)

    assert (2, []) == (done.code, done.printed)
    sentence, *makes_own = done.complaints.splitlines()
    assert sentence.startswith("No AWS credentials were found: ")
    assert 1 == len(makes_own)
