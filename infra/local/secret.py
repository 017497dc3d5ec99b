"""The webhook secrets of a deployed stack, as a customer would be given them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import boto3

from infra.local.aws import DeployedStack, LocalAws


def webhook_secrets(aws: LocalAws, stack: DeployedStack) -> list[str]:
    """Return every secret that a callback may be signed with, newest first."""
    client = boto3.client("secretsmanager", **aws.client_options)
    text = client.get_secret_value(SecretId=stack.environment["TAPEDECK_SECRET_ID"])
    document = json.loads(text["SecretString"])
    secrets: list[str] = list(document["webhook_secrets"])
    if document.get("seed"):
        secrets.append(_derived(document["seed"]))
    return secrets


def _derived(seed: str) -> str:
    digest = hmac.digest(seed.encode(), b"tapedeck webhook secret", hashlib.sha256)
    return f"whsec_{base64.b64encode(digest).decode()}"
