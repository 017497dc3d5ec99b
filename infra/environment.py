"""Print which environment `make bootstrap` prepares: aws://account/region.

    python -m infra.environment [options of cdk bootstrap]

The CDK takes the environments from the app unless it is given one, and to learn them it runs the
whole app, which packages the functions first. The account is that of the AWS credentials.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

_PREFIX = "aws://"

_NO_REGION = (
    "No AWS region is set: set AWS_REGION, e.g. AWS_REGION=eu-west-1, "
    "or `region` in the profile that AWS_PROFILE names."
)
_NO_CREDENTIALS = (
    "No AWS credentials were found: set AWS_PROFILE to a profile of ~/.aws/config, "
    "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)


def main(options: Sequence[str]) -> int | str:
    """Print the environment; return the exit code, or a sentence that says what is missing.

    Prints nothing where the options name an environment themselves.
    """
    if any(option.startswith(_PREFIX) for option in options):
        return 0
    asked = _parser().parse_known_args(options)[0]
    try:
        region = asked.region or os.environ.get("AWS_REGION") or _region(asked.profile)
        if not region:
            return _NO_REGION
        account = _account(asked.profile, region)
    except NoCredentialsError:
        return _NO_CREDENTIALS
    except (BotoCoreError, ClientError) as error:
        return f"The account of the AWS credentials can't be looked up: {error}"
    sys.stdout.write(f"{_PREFIX}{account}/{region}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make bootstrap", allow_abbrev=False, add_help=False)
    parser.add_argument("--profile")
    parser.add_argument("--region")
    return parser


def _region(profile: str | None) -> str | None:
    found: str | None = boto3.Session(profile_name=profile).region_name
    return found


def _account(profile: str | None, region: str) -> str:
    client = boto3.Session(profile_name=profile, region_name=region).client("sts")
    return str(client.get_caller_identity()["Account"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
