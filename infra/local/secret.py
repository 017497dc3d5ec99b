"""The webhook secrets of a deployed stack, as a customer would be given them."""

from __future__ import annotations

import boto3

from chalicelib.security.deployment_keys import parse_keys
from infra.local.aws import DeployedStack, LocalAws


def webhook_secrets(aws: LocalAws, stack: DeployedStack) -> list[str]:
    """Return every secret that a callback may be signed with, newest first."""
    client = boto3.client("secretsmanager", **aws.client_options)
    stored = client.get_secret_value(SecretId=stack.environment["TAPEDECK_SECRET_ID"])
    return list(parse_keys(stored["SecretString"]).webhook_secrets)
