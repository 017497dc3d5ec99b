"""Who may touch what: every right of every function, on one page (TRUST 5)."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_stepfunctions as sfn

from infra import grants
from infra.functions import FunctionShell
from infra.storage import Storage

_MEDIA = ("journal/*", "segments/*")
_RECORDINGS = "recordings/*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What there is to touch."""

    storage: Storage
    secret: secretsmanager.ISecret
    public_url: ssm.IStringParameter
    bus: events.IEventBus
    finalization: sfn.IStateMachine
    delivery: sfn.IStateMachine
    carrier: sfn.IStateMachine


def grant_functions(shells: dict[str, FunctionShell], around: Surroundings) -> None:
    """Give each function's role what its work needs."""
    roles = {name: shell.role for name, shell in shells.items()}
    _grant_api(roles["api_handler"], around)
    _grant_assemble(roles["assemble"], around)
    _grant_publish(roles["publish"], around)
    _grant_mark_error(roles["mark_error"], around)
    _grant_attempt(roles["attempt"], around)
    _grant_sweep(roles["sweep"], around)
    _grant_ask_carrier(roles["ask_carrier"], around)


def grant_sink(role: iam.IRole, around: Surroundings) -> None:
    """The sink writes rows and puts journal objects and segments; it deletes nothing.

    A put whose answer was lost is repeated and finds its own object: only the checksum tells, so
    it may read there, too.
    """
    storage = around.storage
    grants.allow_core(role, storage)
    grants.allow_hot(role, storage.hot)
    grants.allow_objects(role, ("s3:PutObject", "s3:GetObject"), storage.media, *_MEDIA)
    grants.allow(role, grants.ENCRYPT, storage.key.key_arn)
    _grant_secret(role, around)
    _grant_public_url(role, around)  # stands in the callbacks that it owes
    around.finalization.grant_start_execution(role)
    around.delivery.grant_start_execution(role)
    around.carrier.grant_start_execution(role)


def _grant_api(role: iam.IRole, around: Surroundings) -> None:
    """The API signs reads: a presigned URL can do what its signer may."""
    storage = around.storage
    grants.allow_core(role, storage)
    grants.allow(role, grants.DELETE_ROWS, storage.core.table_arn)  # profiles
    grants.allow_hot(role, storage.hot)
    _grant_reading_recordings(role, storage)
    grants.allow(role, ("s3:ListBucketVersions",), storage.recordings.bucket_arn)
    grants.allow_objects(role, grants.READ_LOCKS, storage.recordings, _RECORDINGS)
    _grant_secret(role, around)
    _grant_carrier_secrets(role)
    _grant_public_url(role, around)
    around.finalization.grant_start_execution(role)
    around.delivery.grant_start_execution(role)


def _grant_assemble(role: iam.IRole, around: Surroundings) -> None:
    """It fetches what carriers recorded, too: to their hosts it says what opens it there."""
    storage = around.storage
    _grant_carrier_secrets(role)
    grants.allow_core(role, storage)
    grants.allow(role, grants.LIST_OBJECTS, storage.media.bucket_arn)
    grants.allow_objects(role, grants.READ_OBJECTS, storage.media, *_MEDIA)
    _grant_reading_recordings(role, storage)
    grants.allow_objects(role, grants.WRITE_RENDITIONS, storage.recordings, _RECORDINGS)
    grants.allow(role, grants.ENCRYPT, storage.key.key_arn)


def _grant_publish(role: iam.IRole, around: Surroundings) -> None:
    """It alone signs: it parses no stranger's bytes. Of recordings it may put proofs only."""
    storage = around.storage
    grants.allow_core(role, storage)
    _grant_reading_recordings(role, storage)
    proofs = f"{_RECORDINGS}/proof.json"
    grants.allow_objects(role, grants.WRITE_RENDITIONS, storage.recordings, proofs)
    grants.allow(role, grants.ENCRYPT, storage.key.key_arn)
    grants.allow(role, ("kms:Sign", "kms:GetPublicKey"), storage.signing_key.key_arn)
    _grant_public_url(role, around)
    _grant_secret(role, around)
    around.delivery.grant_start_execution(role)


def _grant_mark_error(role: iam.IRole, around: Surroundings) -> None:
    grants.allow_core(role, around.storage)
    _grant_public_url(role, around)
    around.delivery.grant_start_execution(role)


def _grant_attempt(role: iam.IRole, around: Surroundings) -> None:
    """It talks to strangers, so it has no right to audio. It alone puts events on the bus."""
    grants.allow_core(role, around.storage)
    _grant_secret(role, around)
    around.bus.grant_put_events_to(role)


def _grant_sweep(role: iam.IRole, around: Surroundings) -> None:
    storage = around.storage
    grants.allow_core(role, storage)
    grants.allow_hot(role, storage.hot)
    _grant_erasing(role, storage)
    _grant_public_url(role, around)
    around.finalization.grant_start_execution(role)
    around.delivery.grant_start_execution(role)
    around.carrier.grant_start_execution(role)


def _grant_erasing(role: iam.IRole, storage: Storage) -> None:
    """Put journal objects and segments without what goes; delete renditions in all versions."""
    media, recordings = storage.media, storage.recordings
    grants.allow(role, grants.LIST_OBJECTS, media.bucket_arn)
    rewriting = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
    grants.allow_objects(role, rewriting, media, *_MEDIA)
    grants.allow(role, grants.ENCRYPT, storage.key.key_arn)
    listing = ("s3:ListBucketVersions", "s3:ListBucketMultipartUploads")
    grants.allow(role, listing, recordings.bucket_arn)
    deleting = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload")
    grants.allow_objects(role, deleting, recordings, _RECORDINGS)


def _grant_reading_recordings(role: iam.IRole, storage: Storage) -> None:
    grants.allow(role, grants.LIST_OBJECTS, storage.recordings.bucket_arn)
    grants.allow_objects(role, grants.READ_OBJECTS, storage.recordings, _RECORDINGS)
    grants.allow(role, grants.DECRYPT, storage.key.key_arn)


def _grant_secret(role: iam.IRole, around: Surroundings) -> None:
    grants.allow(role, ("secretsmanager:GetSecretValue",), around.secret.secret_arn)


def _grant_carrier_secrets(role: iam.IRole) -> None:
    """Carriers' signing keys and credentials lie in secrets that customers name `tapedeck/…`."""
    arn = Stack.of(role).format_arn(
        service="secretsmanager",
        resource="secret",
        resource_name="tapedeck/*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    grants.allow(role, ("secretsmanager:GetSecretValue",), arn)


def _grant_ask_carrier(role: iam.IRole, around: Surroundings) -> None:
    """It talks to carriers with their credentials, so it has no right to audio."""
    grants.allow_core(role, around.storage)
    grants.allow_hot(role, around.storage.hot)
    _grant_carrier_secrets(role)
    _grant_secret(role, around)
    _grant_public_url(role, around)


def _grant_public_url(role: iam.IRole, around: Surroundings) -> None:
    grants.allow(role, ("ssm:GetParameter",), around.public_url.parameter_arn)
