"""The client that the S3 adapters' tests speak through."""

from __future__ import annotations

from functools import partial
from typing import Any

import boto3

from chalicelib.adapters.s3.buckets import TASK_CONFIG

PAGE = 2
_PAGE_LIMITS = {
    "ListObjectsV2": "MaxKeys",
    "ListObjectVersions": "MaxKeys",
    "ListMultipartUploads": "MaxUploads",
}


def s3_client(endpoint: str | None = None, config: Any = TASK_CONFIG) -> Any:
    """Return a client with credentials that open nothing; without an endpoint, of AWS's own. Each
    page of its listings has two keys at most, so that longer ones need several."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )
    for operation, limit in _PAGE_LIMITS.items():
        client.meta.events.register(
            f"before-parameter-build.s3.{operation}", partial(_bound, limit=limit)
        )
    return client


def _bound(params: dict[str, Any], limit: str, **_: Any) -> None:
    params.setdefault(limit, PAGE)
