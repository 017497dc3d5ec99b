"""Run a program in the environment of a deployed stack: what `make key` does.

    python -m infra.deployment RecorderStack -- -m chalicelib.api.keys create --account main

Credentials and region are the AWS SDK's own; AWS_ENDPOINT_URL leads to a local AWS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_FEWEST = 3


def main(arguments: Sequence[str]) -> int | str:
    """Run the program; return its exit code, or a sentence that says why it can't be run."""
    if len(arguments) < _FEWEST or arguments[1] != "--":
        return "usage: python -m infra.deployment STACK -- PYTHON-ARGUMENTS"
    try:
        environment = read_environment(arguments[0])
    except (BotoCoreError, ClientError, KeyError) as error:
        return f"The stack {arguments[0]} can't be read: {error}"
    command = [sys.executable, *arguments[2:]]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


def read_environment(stack: str) -> dict[str, str]:
    """Return the variables that the stack's functions have. Raises what boto3 raises, KeyError."""
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
    environment: dict[str, str] = json.loads(outputs["Environment"])
    return environment


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
