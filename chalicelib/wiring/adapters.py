"""Chooses the adapter behind each port, and makes it at its first use.

Every adapter is imported inside its property: a Lambda function that answers a webhook pays for the
database's client, and for nothing else.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.config import Settings, required

if TYPE_CHECKING:
    from chalicelib.adapters.dynamodb.table import Table
    from chalicelib.ports import accounts, aws, carriers, rows

# ruff: noqa: PLC0415  # adapters are imported where they are made


class Adapters:
    """The adapters of one process, made as its settings say."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    # --- rows

    @cached_property
    def recordings(self) -> rows.Recordings:
        """Recordings in the Core table."""
        from chalicelib.adapters.dynamodb.recordings import DynamoRecordings

        return DynamoRecordings(self._core, now)

    @cached_property
    def taps(self) -> rows.Taps:
        """Outgoing taps, under their calls."""
        from chalicelib.adapters.dynamodb.taps import DynamoTaps

        return DynamoTaps(self._core)

    @cached_property
    def history(self) -> rows.RecordingHistory:
        """The events of recordings and taps."""
        from chalicelib.adapters.dynamodb.recordings import DynamoHistory

        return DynamoHistory(self._core)

    @cached_property
    def outbox(self) -> rows.Outbox:
        """Callbacks that they owe."""
        from chalicelib.adapters.dynamodb.outbox import DynamoOutbox

        return DynamoOutbox(self._core)

    @cached_property
    def receivers(self) -> rows.Receivers:
        """Status URLs that don't take them."""
        from chalicelib.adapters.dynamodb.outbox import DynamoReceivers

        return DynamoReceivers(self._core)

    @cached_property
    def due_work(self) -> rows.DueWork:
        """The index of due rows."""
        from chalicelib.adapters.dynamodb.outbox import DynamoDueWork

        return DynamoDueWork(self._core)

    @cached_property
    def calls(self) -> rows.Calls:
        """Calls and streams, as webhooks correct them."""
        from chalicelib.adapters.dynamodb.calls import DynamoCalls

        return DynamoCalls(self._core, now)

    @cached_property
    def call_life(self) -> rows.CallLife:
        """The writes that open and close calls."""
        from chalicelib.adapters.dynamodb.calls import DynamoCallLife

        return DynamoCallLife(self._core, self._hot)

    @cached_property
    def live_streams(self) -> rows.LiveStreams:
        """The streams that workers hold."""
        from chalicelib.adapters.dynamodb.calls import DynamoCalls, DynamoLiveStreams

        return DynamoLiveStreams(DynamoCalls(self._core, now), self._hot)

    @cached_property
    def inbox(self) -> rows.Inbox:
        """Webhooks."""
        from chalicelib.adapters.dynamodb.inbox import DynamoInbox

        return DynamoInbox(self._core)

    @cached_property
    def leases(self) -> rows.Leases:
        """Signs of life."""
        from chalicelib.adapters.dynamodb.leases import DynamoLeases

        return DynamoLeases(self._hot)

    @cached_property
    def retaps(self) -> carriers.Retaps:
        """The streams that carriers were asked to tap again."""
        from chalicelib.adapters.dynamodb.retaps import DynamoRetaps

        return DynamoRetaps(self._hot)

    @cached_property
    def mailbox(self) -> rows.Mailbox:
        """Commands to live calls."""
        from chalicelib.adapters.dynamodb.mailbox import DynamoMailbox

        return DynamoMailbox(self._hot)

    @cached_property
    def port_claims(self) -> rows.PortClaims:
        """RTP ports that calls have."""
        from chalicelib.adapters.dynamodb.port_claims import DynamoPortClaims

        return DynamoPortClaims(self._hot)

    @cached_property
    def profiles(self) -> accounts.Profiles:
        """Profiles."""
        from chalicelib.adapters.dynamodb.accounts import DynamoProfiles

        return DynamoProfiles(self._core)

    @cached_property
    def api_keys(self) -> accounts.ApiKeys:
        """API keys."""
        from chalicelib.adapters.dynamodb.accounts import DynamoApiKeys

        return DynamoApiKeys(self._core)

    # --- buckets, other services of AWS, the web

    @cached_property
    def media(self) -> aws.MediaStore:
        """Journal and segments."""
        from chalicelib.adapters.s3.buckets import TASK_CONFIG, S3MediaStore

        bucket = required(self.settings.media_bucket, "MEDIA_BUCKET")
        return S3MediaStore(client("s3", TASK_CONFIG), bucket)

    @cached_property
    def renditions(self) -> aws.RenditionStore:
        """Finished audio and manifests."""
        from chalicelib.adapters.s3.buckets import TASK_CONFIG, S3RenditionStore

        bucket = required(self.settings.recordings_bucket, "RECORDINGS_BUCKET")
        return S3RenditionStore(client("s3", TASK_CONFIG), bucket)

    @cached_property
    def rendition_versions(self) -> aws.RenditionVersions:
        """All that the recordings bucket ever held."""
        from chalicelib.adapters.s3.buckets import TASK_CONFIG
        from chalicelib.adapters.s3.versions import S3RenditionVersions

        bucket = required(self.settings.recordings_bucket, "RECORDINGS_BUCKET")
        return S3RenditionVersions(client("s3", TASK_CONFIG), bucket)

    @cached_property
    def signer(self) -> aws.Signer:
        """KMS."""
        from chalicelib.adapters.aws.kms import KmsSigner

        key_id = required(self.settings.signing_key_id, "SIGNING_KEY_ID")
        return KmsSigner(client("kms"), key_id)

    @cached_property
    def encoder(self) -> aws.Encoder:
        """WAV by ourselves, the rest by ffmpeg."""
        from chalicelib.adapters.encoder import FileEncoder

        return FileEncoder()

    @cached_property
    def workflows(self) -> aws.Workflows:
        """Finalization, Delivery and questions to carriers."""
        from chalicelib.adapters.aws.stepfunctions import StepFunctions

        finalization = required(self.settings.finalization_arn, "FINALIZATION_ARN")
        delivery = required(self.settings.delivery_arn, "DELIVERY_ARN")
        carrier = required(self.settings.carrier_arn, "CARRIER_ARN")
        return StepFunctions(client("stepfunctions"), finalization, delivery, carrier)

    @cached_property
    def event_bus(self) -> aws.EventBus:
        """EventBridge."""
        from chalicelib.adapters.aws.eventbridge import EventBridge

        return EventBridge(client("events"), self.settings.event_bus)

    @cached_property
    def secrets(self) -> aws.Secrets:
        """Secrets Manager."""
        from chalicelib.adapters.aws.settings_store import SecretsManager

        return SecretsManager(client("secretsmanager"))

    @cached_property
    def counters(self) -> aws.Counters:
        """CloudWatch, through the log."""
        from chalicelib.adapters.aws.counters import LoggedCounters

        return LoggedCounters(sys.stdout.write, now)

    @cached_property
    def parameters(self) -> aws.Parameters:
        """SSM."""
        from chalicelib.adapters.aws.settings_store import ParameterStore

        return ParameterStore(client("ssm"))

    @cached_property
    def sender(self) -> aws.Sender:
        """One guarded POST."""
        from chalicelib.adapters.http.sender import GuardedSender

        return GuardedSender(self.settings.url_policy)

    @cached_property
    def downloads(self) -> aws.Downloads:
        """Guarded GETs."""
        from chalicelib.adapters.http.downloads import GuardedDownloads

        return GuardedDownloads(self.settings.url_policy)

    @cached_property
    def carrier_api(self) -> carriers.CarrierApi:
        """Guarded requests to carriers' APIs."""
        from chalicelib.adapters.http.carrier_api import RestCarrierApi

        return RestCarrierApi(self.settings.url_policy)

    @cached_property
    def token_grants(self) -> aws.TokenGrants:
        """Tokens, kept as long as they are good."""
        from chalicelib.adapters.http.exchange import MAX_READ
        from chalicelib.adapters.http.oauth2 import OAuth2Grants
        from chalicelib.adapters.http.sender import GuardedSender
        from chalicelib.security.url_guard import Purpose

        purpose = Purpose.CARRIER_RECORDING
        return OAuth2Grants(GuardedSender(self.settings.url_policy, purpose=purpose, kept=MAX_READ))

    @cached_property
    def _core(self) -> Table:
        return self._table(required(self.settings.core_table, "CORE_TABLE"))

    @cached_property
    def _hot(self) -> Table:
        return self._table(required(self.settings.hot_table, "HOT_TABLE"))

    def _table(self, name: str) -> Table:
        from chalicelib.adapters.dynamodb.table import Table

        return Table(self._dynamodb, name)

    @cached_property
    def _dynamodb(self) -> Any:
        return client("dynamodb")


def client(service: str, configuration: Any = None) -> Any:
    """Return a client; without a configuration one that gives up in time for its caller."""
    import boto3
    from botocore.config import Config

    patient = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=32,  # the sink asks from 17 threads at once: control and lease
    )
    return boto3.client(service, config=configuration or patient)


def now() -> datetime:
    """Return the time; only the shell asks for it."""
    return datetime.now(UTC)
