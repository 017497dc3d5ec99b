"""The client that the S3 adapters' tests speak through."""

from __future__ import annotations

from typing import Any

import boto3

from chalicelib.adapters.s3 import TASK_CONFIG


def s3_client(endpoint: str | None = None, config: Any = TASK_CONFIG) -> Any:
    """Return a client with credentials that open nothing; without an endpoint, of AWS's own."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )
