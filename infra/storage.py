"""Tables and buckets: what is true, and what was heard; and the key that signs it."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from chalicelib.services.accounts.profiles import RETENTION_DAYS
from chalicelib.services.finalization.assemble import RETENTION_TAG
from infra.settings import Settings

S3_LOGS_BY_POLICY = "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy"
"""the CDK's flag; without it, it lets S3 deliver logs by an ACL, which our buckets don't know"""

JOURNAL_DAYS = 3
"""The sweeper deletes journal objects after about two minutes; this is the net below it."""

SEGMENT_DAYS = 37
"""Segments of a recording in error live 30 days; a week more is the net."""

ACCESS_LOG_DAYS = 400
"""Who opened a finished recording, and from which address: as long as the API's own audit trail."""

INDEXES = {"by_call": "gsi1", "by_account": "gsi2", "due": "due"}
"""of the Core table: name, and what its keys' names begin with"""


class Storage(Construct):
    """Core and Hot tables, both buckets with their key and log, and what signs."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings) -> None:
        super().__init__(scope, name)
        self.node.set_context(S3_LOGS_BY_POLICY, True)
        self._removal = RemovalPolicy.DESTROY if settings.removable else RemovalPolicy.RETAIN
        self._protected = not settings.removable
        self._tls_only = not settings.plain_http
        self.core = self._core_table()
        self.hot = self._hot_table()
        self.key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=self._removal)
        self.media = self._media_bucket()
        self.recordings = self._recordings_bucket(settings.object_lock)
        self.signing_key = self._signing_key()

    def _core_table(self) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Core",
            partition_key=_string("pk"),
            sort_key=_string("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=self._protected,
            removal_policy=self._removal,
            time_to_live_attribute="expires_at",
        )
        for index, key in INDEXES.items():
            table.add_global_secondary_index(
                index_name=index,
                partition_key=_string(f"{key}pk"),
                sort_key=_string(f"{key}sk"),
                # Rows are read by their keys, consistently; a copy of each would double its writes.
                projection_type=dynamodb.ProjectionType.KEYS_ONLY,
            )
        return table

    def _hot_table(self) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            "Hot",
            partition_key=_string("pk"),
            sort_key=_string("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
            time_to_live_attribute="expires_at",
        )

    def _media_bucket(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Media",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=self._tls_only,
            removal_policy=self._removal,
            lifecycle_rules=[
                _expire("journal", JOURNAL_DAYS, prefix="journal/"),
                _expire("segments", SEGMENT_DAYS, prefix="segments/"),
                _abort_uploads(),
            ],
        )

    def _recordings_bucket(self, object_lock: bool) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Recordings",
            versioned=True,
            object_lock_enabled=object_lock,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=self._tls_only,
            removal_policy=self._removal,
            lifecycle_rules=[*(_retain(days) for days in RETENTION_DAYS), _abort_uploads()],
            server_access_logs_bucket=self._access_logs(),
        )

    def _access_logs(self) -> s3.Bucket:
        """A presigned URL is opened without us: S3 alone knows when, and from where."""
        return s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,  # S3 delivers logs under its own key only
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=self._tls_only,
            removal_policy=self._removal,
            lifecycle_rules=[
                s3.LifecycleRule(id="access-logs", expiration=Duration.days(ACCESS_LOG_DAYS)),
            ],
        )

    def _signing_key(self) -> kms.Key:
        """It signs manifests. KMS rotates no such key; auditors trust its public half for years."""
        return kms.Key(
            self,
            "SigningKey",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            description="Tapedeck: signs the manifests of finished recordings",
            removal_policy=self._removal,
        )


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _expire(name: str, days: int, *, prefix: str) -> s3.LifecycleRule:
    return s3.LifecycleRule(id=name, prefix=prefix, expiration=Duration.days(days))


def _retain(days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id=f"retention-{days}",
        tag_filters={RETENTION_TAG: str(days)},
        expiration=Duration.days(days),
        noncurrent_version_expiration=Duration.days(1),
    )


def _abort_uploads() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="unfinished-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)
    )
