"""Rights by name: what our adapters ask of each service. No action has a wildcard."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra.storage import INDEXES, Storage

READ_ROWS = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")

WRITE_ROWS = ("dynamodb:PutItem", "dynamodb:UpdateItem")
"""a transaction needs the rights of its parts"""

DELETE_ROWS = ("dynamodb:DeleteItem",)

LIST_OBJECTS = ("s3:ListBucket",)
"""Without it S3 calls an object that isn't there forbidden, not missing."""

READ_OBJECTS = ("s3:GetObject",)

READ_LOCKS = ("s3:GetObjectVersion", "s3:GetObjectRetention", "s3:GetObjectLegalHold")
"""S3 leaves the last two facts out of its answer for who may not read them."""

WRITE_RENDITIONS = ("s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload")

DECRYPT = ("kms:Decrypt",)

ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")
"""S3 decrypts to join a multipart's parts, and to tell the checksum of what is stored."""


def allow(role: iam.IRole, actions: Sequence[str], *resources: str) -> None:
    """Let a role do this to these: ARNs."""
    statement = iam.PolicyStatement(actions=list(actions), resources=list(resources))
    role.add_to_principal_policy(statement)


def allow_core(role: iam.IRole, storage: Storage) -> None:
    """Let a role read and write rows of the Core table, and find them by its indexes."""
    core = storage.core.table_arn
    allow(role, READ_ROWS + WRITE_ROWS, core)
    allow(role, ("dynamodb:Query",), *(f"{core}/index/{name}" for name in INDEXES))


def allow_hot(role: iam.IRole, table: dynamodb.ITable) -> None:
    """Let a role read, write and delete rows of the Hot table."""
    allow(role, READ_ROWS + WRITE_ROWS + DELETE_ROWS, table.table_arn)


def allow_objects(
    role: iam.IRole, actions: Sequence[str], bucket: s3.IBucket, *prefixes: str
) -> None:
    """Let a role do this to what lies under these prefixes of a bucket."""
    allow(role, actions, *(bucket.arn_for_objects(prefix) for prefix in prefixes))
