"""Who may touch what: every right of every function, on one page (TRUST 5)."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_stepfunctions as sfn

from infra.functions import FunctionShell
from infra.storage import Storage


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
    """The sink writes rows and puts journal objects and segments; it deletes nothing."""
    around.storage.core.grant_read_write_data(role)
    around.storage.hot.grant_read_write_data(role)
    for prefix in ("journal/*", "segments/*"):
        around.storage.media.grant_put(role, prefix)
    _grant_comparison(role, around)
    around.secret.grant_read(role)
    around.public_url.grant_read(role)  # stands in the callbacks that it owes
    around.finalization.grant_start_execution(role)
    around.delivery.grant_start_execution(role)
    around.carrier.grant_start_execution(role)
    around.bus.grant_put_events_to(role)


def _grant_comparison(role: iam.IRole, around: Surroundings) -> None:
    # A put whose answer was lost is repeated and finds its own object: only the checksum tells.
    media = around.storage.media
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["s3:GetObject"],
            resources=[media.arn_for_objects("journal/*"), media.arn_for_objects("segments/*")],
        )
    )


def _grant_api(role: iam.IRole, around: Surroundings) -> None:
    """The API signs reads: a presigned URL can do what its signer may."""
    around.storage.core.grant_read_write_data(role)
    around.storage.hot.grant_read_write_data(role)
    around.storage.recordings.grant_read(role)
    around.secret.grant_read(role)
    _grant_carrier_secrets(role)
    around.public_url.grant_read(role)
    around.finalization.grant_start_execution(role)
    around.delivery.grant_start_execution(role)
    around.bus.grant_put_events_to(role)


def _grant_carrier_secrets(role: iam.IRole) -> None:
    """Carriers' signing keys and credentials lie in secrets that customers name `tapedeck/…`."""
    arn = Stack.of(role).format_arn(
        service="secretsmanager",
        resource="secret",
        resource_name="tapedeck/*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    role.add_to_principal_policy(
        iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[arn])
    )


def _grant_assemble(role: iam.IRole, around: Surroundings) -> None:
    """It fetches what carriers recorded, too: to their hosts it says what opens it there."""
    _grant_carrier_secrets(role)
    around.storage.core.grant_read_write_data(role)
    around.storage.hot.grant_read_data(role)
    around.storage.media.grant_read(role)
    around.storage.recordings.grant_read(role)
    around.storage.recordings.grant_put(role)


def _grant_publish(role: iam.IRole, around: Surroundings) -> None:
    """It alone signs: it parses no stranger's bytes. Of recordings it may put proofs only."""
    around.storage.core.grant_read_write_data(role)
    around.storage.recordings.grant_read(role)
    around.storage.recordings.grant_put(role, "recordings/*/proof.json")
    around.storage.signing_key.grant(role, "kms:Sign", "kms:GetPublicKey")
    around.public_url.grant_read(role)
    around.secret.grant_read(role)
    around.delivery.grant_start_execution(role)
    around.bus.grant_put_events_to(role)


def _grant_mark_error(role: iam.IRole, around: Surroundings) -> None:
    around.storage.core.grant_read_write_data(role)
    around.public_url.grant_read(role)
    around.delivery.grant_start_execution(role)
    around.bus.grant_put_events_to(role)


def _grant_attempt(role: iam.IRole, around: Surroundings) -> None:
    """It talks to strangers, so it has no right to audio."""
    around.storage.core.grant_read_write_data(role)
    around.secret.grant_read(role)
    around.public_url.grant_read(role)
    around.bus.grant_put_events_to(role)


def _grant_sweep(role: iam.IRole, around: Surroundings) -> None:
    around.storage.core.grant_read_write_data(role)
    around.storage.hot.grant_read_write_data(role)
    around.storage.media.grant_read(role)
    around.storage.media.grant_delete(role)
    _grant_erasing(role, around)
    around.public_url.grant_read(role)
    around.finalization.grant_start_execution(role)
    around.delivery.grant_start_execution(role)
    around.carrier.grant_start_execution(role)
    around.bus.grant_put_events_to(role)


def _grant_ask_carrier(role: iam.IRole, around: Surroundings) -> None:
    """It talks to carriers with their credentials, so it has no right to audio."""
    _grant_carrier_secrets(role)
    around.storage.core.grant_read_write_data(role)
    around.storage.hot.grant_read_write_data(role)
    around.secret.grant_read(role)
    around.public_url.grant_read(role)


def _grant_erasing(role: iam.IRole, around: Surroundings) -> None:
    """Put journal objects and segments without what goes; delete renditions in all versions."""
    for prefix in ("journal/*", "segments/*"):
        around.storage.media.grant_put(role, prefix)
    bucket = around.storage.recordings
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["s3:ListBucketVersions", "s3:ListBucketMultipartUploads"],
            resources=[bucket.bucket_arn],
        )
    )
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"],
            resources=[bucket.arn_for_objects("recordings/*")],
        )
    )
