"""As much of the AWS CLI as documents use, over boto3: a clone has no CLI of its own.

    python -m tests.e2e.aws_cli SERVICE OPERATION --parameter-name VALUE ... [--query JMESPATH]

A service, an operation or a parameter that AWS doesn't know is an error, as the CLI's would be.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Sequence

import boto3
import jmespath


def main(arguments: Sequence[str]) -> None:
    """Ask, and print what the query finds."""
    service, operation, *rest = arguments
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    query, output = given.pop("--query", "@"), given.pop("--output", "json")
    client = boto3.client(service)
    parameters = {_camel(name.removeprefix("--")): value for name, value in given.items()}
    answer = getattr(client, operation.replace("-", "_"))(**parameters)
    found = jmespath.search(query, answer)
    if isinstance(found, bytes):
        found = base64.b64encode(found).decode()
    sys.stdout.write(f"{found if output == 'text' else json.dumps(found, default=str)}\n")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


if __name__ == "__main__":
    main(sys.argv[1:])
