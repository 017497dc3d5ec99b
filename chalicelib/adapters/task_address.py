"""The public IPv4 of a Fargate task: it learns its own network interface, and asks EC2 about it.

The task's metadata (Amazon ECS developer guide, "Task metadata endpoint version 4") tell only the
private address; the public one is an association of the interface.
"""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, build_opener

from chalicelib.adapters import faults
from chalicelib.errors import Unavailable

_WITHIN_S = 5.0
_ANSWER_BYTES = 256 * 1024


class TaskAddress:
    """Asks once, at a worker's start."""

    def __init__(self, metadata_uri: str, ec2: Any) -> None:
        self._uri = metadata_uri
        self._ec2 = ec2
        self._opener = build_opener(ProxyHandler({}))

    def public_ipv4(self) -> str:
        """Return the address; empty where the task has none. Raises Unavailable."""
        wanted = [{"Name": "mac-address", "Values": [self._mac_address()]}]
        with faults.translated("network interfaces"):
            answer = self._ec2.describe_network_interfaces(Filters=wanted)
        found = [one.get("Association", {}) for one in answer["NetworkInterfaces"]]
        return next((one["PublicIp"] for one in found if one.get("PublicIp")), "")

    def _mac_address(self) -> str:
        try:
            with self._opener.open(self._uri, timeout=_WITHIN_S) as answer:
                container = json.loads(answer.read(_ANSWER_BYTES))
            return str(container["Networks"][0]["MACAddress"])
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            raise Unavailable(f"task metadata: {type(error).__name__}") from error
