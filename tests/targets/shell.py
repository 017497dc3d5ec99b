"""An operator at a shell, with a local AWS for an account."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from infra.local.aws import ACCOUNT, STACK, LocalAws
from infra.local.ports import choose_port
from infra.local.sink import running_sink
from tests.targets.running import Done, make

REGION, ANOTHER_REGION = "eu-west-1", "us-east-1"

_PROFILE = f"""[profile recorder]
aws_access_key_id = test
aws_secret_access_key = test
region = {ANOTHER_REGION}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Has `export AWS_PROFILE=recorder AWS_REGION=…` behind it; the profile has another region."""

    aws: LocalAws
    folder: Path

    def make(self, target: str, *arguments: str) -> Done:
        """Run a target in this environment."""
        return make(target, *arguments, environment=self.environment())

    def environment(self) -> dict[str, str]:
        """Return what the operator exported."""
        config = self.folder / "config"
        config.write_text(_PROFILE)
        return {
            "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "none"),
            "AWS_PROFILE": "recorder",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "NODE_NO_WARNINGS": "1",
        }

    def client(self, service: str, region: str = REGION) -> Any:
        """Return a client of the account."""
        return boto3.client(service, **{**self.aws.client_options, "region_name": region})

    def stacks(self, region: str = REGION) -> dict[str, dict[str, Any]]:
        """Return a region's stacks by name."""
        found = self.client("cloudformation", region).describe_stacks()["Stacks"]
        return {stack["StackName"]: stack for stack in found}

    def allow_plain_http(self) -> None:
        """The toolkit's bucket refuses what comes without TLS, and a local AWS has none."""
        self.client("s3").delete_bucket_policy(Bucket=f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}")

    def outputs(self) -> dict[str, str]:
        """Return the recorder's outputs."""
        outputs = self.stacks()[STACK]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def ask(self, key: str) -> int:
        """Return the status of a request to the deployed API."""
        url = f"{self.aws.endpoint}/_aws/execute-api/{self.outputs()['ApiId']}/api/v1/profiles"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    @contextmanager
    def worker(self, generation: int) -> Iterator[None]:
        """Run a worker of a generation."""
        environment = {
            **self.aws.environment,
            **json.loads(self.outputs()["Environment"]),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "TAPEDECK_GENERATION": str(generation),
        }
        port, folder = choose_port(""), self.folder / "worker"
        with running_sink(self.aws.tools.python, port, folder, environment):
            yield
