"""What both versions share: tables, buckets, keys and state machines in a local AWS.

The state machines run nothing. Their executions are what a version *started*; the test runs them
by hand (`executions`), in the functions of the version that it chooses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from chalicelib.security.deployment_keys import parse_keys
from infra.local.aws import LocalAws
from tests.adapters.dynamodb_world import INDEXES, create_table

MACHINES = ("finalization", "delivery", "carrier")
_NOTHING = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}})
_NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})
_KEYS = json.dumps({"seed": "versions"})
"""what tokens are sealed and callbacks signed with: a fixture's, too"""

Item = dict[str, Any]
"""a row as DynamoDB's typed attributes"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Tables, buckets, keys and state machines of one name."""

    aws: LocalAws
    name: str
    environment: Mapping[str, str]
    """of every process of either version"""

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        return boto3.client(service, **self.aws.client_options)

    def items(self, table: str) -> list[Item]:
        """Return all rows of `core` or `hot`, in the order of their keys."""
        pages = (
            self.client("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=self.environment[f"TAPEDECK_{table.upper()}_TABLE"], ConsistentRead=True
            )
        )
        found = [item for page in pages for item in page["Items"]]
        return sorted(found, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    def put(self, table: str, item: Item) -> None:
        """Write a row as it is."""
        name = self.environment[f"TAPEDECK_{table.upper()}_TABLE"]
        self.client("dynamodb").put_item(TableName=name, Item=item)

    def objects(self, bucket: str) -> Iterator[tuple[str, bytes]]:
        """Yield key and body of what `media` or `recordings` holds."""
        client, name = self.client("s3"), self.environment[f"TAPEDECK_{bucket.upper()}_BUCKET"]
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
            for found in page.get("Contents", ()):
                yield found["Key"], client.get_object(Bucket=name, Key=found["Key"])["Body"].read()

    def store(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object."""
        name = self.environment[f"TAPEDECK_{bucket.upper()}_BUCKET"]
        self.client("s3").put_object(
            Bucket=name, Key=key, Body=body, ChecksumAlgorithm="CRC32", Metadata=_facts(key, body)
        )

    def set_public_url(self, url: str) -> None:
        """Say where the API is."""
        name = self.environment["TAPEDECK_PUBLIC_URL_PARAMETER"]
        self.client("ssm").put_parameter(Name=name, Value=url, Type="String", Overwrite=True)


def make_cloud(aws: LocalAws, name: str) -> Cloud:
    """Make everything that a deployment has, under a name of its own."""
    database, storage = (boto3.client(one, **aws.client_options) for one in ("dynamodb", "s3"))
    core, hot = (
        create_table(database, f"{name}-core", INDEXES),
        create_table(database, f"{name}-hot", ()),
    )
    for bucket in ("media", "recordings"):
        storage.create_bucket(Bucket=f"{name}-{bucket}")
    storage.put_bucket_versioning(
        Bucket=f"{name}-recordings", VersioningConfiguration={"Status": "Enabled"}
    )
    role = _role(aws, name)
    arns = {machine: _machine(aws, f"{name}-{machine}", role) for machine in MACHINES}
    cloud = Cloud(
        aws=aws,
        name=name,
        environment={
            **aws.environment,
            "TAPEDECK_CORE_TABLE": core,
            "TAPEDECK_HOT_TABLE": hot,
            "TAPEDECK_MEDIA_BUCKET": f"{name}-media",
            "TAPEDECK_RECORDINGS_BUCKET": f"{name}-recordings",
            **{f"TAPEDECK_{machine.upper()}_ARN": arn for machine, arn in arns.items()},
            "TAPEDECK_SECRET_ID": _secret(aws, f"{name}-keys"),
            "TAPEDECK_SIGNING_KEY_ID": _signing_key(aws),
            "TAPEDECK_PUBLIC_URL_PARAMETER": f"/{name}/public-url",
            "TAPEDECK_SINK_URL": "ws://127.0.0.1:9",
            "TAPEDECK_ALLOW_HTTP": "1",
            "TAPEDECK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "TAPEDECK_ALLOWED_PORTS": "*",
            "TAPEDECK_CARRIER_HOSTS": "127.0.0.1",
        },
    )
    cloud.set_public_url("http://127.0.0.1:9")
    return cloud


def webhook_secrets_of_seed() -> list[str]:
    """Return the secrets that callbacks are signed with."""
    return list(parse_keys(_KEYS).webhook_secrets)


def _role(aws: LocalAws, name: str) -> str:
    client = boto3.client("iam", **aws.client_options)
    made = client.create_role(RoleName=f"{name}-nobody", AssumeRolePolicyDocument=_NOBODY)
    return str(made["Role"]["Arn"])


def _machine(aws: LocalAws, name: str, role: str) -> str:
    client = boto3.client("stepfunctions", **aws.client_options)
    made = client.create_state_machine(name=name, definition=_NOTHING, roleArn=role)
    return str(made["stateMachineArn"])


def _secret(aws: LocalAws, name: str) -> str:
    client = boto3.client("secretsmanager", **aws.client_options)
    made = client.create_secret(Name=name, SecretString=_KEYS)
    return str(made["ARN"])


def _signing_key(aws: LocalAws) -> str:
    client = boto3.client("kms", **aws.client_options)
    made = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    return str(made["KeyMetadata"]["KeyId"])


def _facts(key: str, body: bytes) -> dict[str, str]:
    """Return what `S3RenditionStore` notes of audio."""
    return {} if key.endswith(".json") else {"sha256": hashlib.sha256(body).hexdigest()}
