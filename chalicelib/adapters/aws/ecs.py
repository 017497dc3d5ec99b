"""ECS as a task sees it: its scale-in protection, whether it is about to stop, its public address.

Source: Amazon ECS developer guide, "Task scale-in protection endpoint", "Task metadata endpoint
version 4" and "Task lifecycle".
"""

from __future__ import annotations

import json
from functools import cached_property
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from chalicelib.adapters import botocore_errors
from chalicelib.errors import Unavailable

_WITHIN_S = 5.0
"""The agent gives up on ECS after 4 s."""

_ANSWER_BYTES = 64 * 1024
_METADATA_BYTES = 256 * 1024
_MALFORMED = (OSError, HTTPException, ValueError, LookupError, TypeError)


class EcsAgent:
    """Implements the port TaskProtection with the agent beside the task's containers.

    A refusal of ECS arrives as a 200 with a `failure`, a failure of the agent itself as 4xx or 5xx
    with an `error`.
    """

    def __init__(self, uri: str) -> None:
        self._url = f"{uri}/task-protection/v1/state"
        self._opener = _opener()

    def protect(self, for_minutes: int) -> None:
        """Keep the task for 1 to 2,880 minutes from now. Raises Unavailable."""
        self._put({"ProtectionEnabled": True, "ExpiresInMinutes": for_minutes})

    def release(self) -> None:
        """Allow ECS to stop the task. Raises Unavailable."""
        self._put({"ProtectionEnabled": False})

    def _put(self, setting: dict[str, bool | int]) -> None:
        answer = _parse(self._exchange(json.dumps(setting).encode()))
        protection = answer.get("protection")
        if isinstance(protection, dict) and (
            protection.get("ProtectionEnabled") is setting["ProtectionEnabled"]
        ):
            return
        reason = _reason(answer)
        raise Unavailable(f"task protection: {reason}", code=reason)

    def _exchange(self, body: bytes) -> bytes:
        request = Request(  # noqa: S310  # ECS gives the address; nobody else can
            self._url, body, {"Content-Type": "application/json"}, method="PUT"
        )
        try:
            with self._opener.open(request, timeout=_WITHIN_S) as answer:
                return bytes(answer.read(_ANSWER_BYTES))
        except HTTPError as error:
            with error:
                return error.read(_ANSWER_BYTES)
        except (OSError, HTTPException) as error:
            raise Unavailable(f"task protection: {type(error).__name__}") from error


class EcsTask:
    """Implements the port TaskState.

    A task that ECS stops first leaves its load balancer, which takes as long as the group's
    deregistration delay; SIGTERM follows only then. From the beginning its `desiredStatus` is
    STOPPED.
    """

    def __init__(self, metadata_uri: str, ecs: Any) -> None:
        self._uri = metadata_uri
        self._ecs = ecs
        self._opener = _opener()

    def is_going(self) -> bool:
        """Return whether the task is about to stop. Raises Unavailable."""
        cluster, task = self._name
        with botocore_errors.translated("the task's state"):
            found = self._ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"]
        return any(one.get("desiredStatus") == "STOPPED" for one in found)

    @cached_property
    def _name(self) -> tuple[str, str]:
        """Return the cluster and the task, by their ARNs."""
        try:
            metadata = _read_metadata(self._opener, f"{self._uri}/task")
            return str(metadata["Cluster"]), str(metadata["TaskARN"])
        except _MALFORMED as error:
            raise Unavailable(f"task metadata: {type(error).__name__}") from error


class TaskAddress:
    """Learns the public IPv4 of a Fargate task, once at a worker's start.

    The task's metadata hold only its private address and the MAC address of its network interface;
    EC2 knows the public address associated with that interface.
    """

    def __init__(self, metadata_uri: str, ec2: Any) -> None:
        self._uri = metadata_uri
        self._ec2 = ec2
        self._opener = _opener()

    def public_ipv4(self) -> str:
        """Return the address; empty where the task has none. Raises Unavailable."""
        filters = [{"Name": "mac-address", "Values": [self._mac_address()]}]
        with botocore_errors.translated("network interfaces"):
            answer = self._ec2.describe_network_interfaces(Filters=filters)
        found = [one.get("Association", {}) for one in answer["NetworkInterfaces"]]
        return next((one["PublicIp"] for one in found if one.get("PublicIp")), "")

    def _mac_address(self) -> str:
        try:
            return str(_read_metadata(self._opener, self._uri)["Networks"][0]["MACAddress"])
        except _MALFORMED as error:
            raise Unavailable(f"task metadata: {type(error).__name__}") from error


def _opener() -> OpenerDirector:
    """Return an opener that uses no proxy: these addresses exist only inside the task."""
    return build_opener(ProxyHandler({}))


def _read_metadata(opener: OpenerDirector, uri: str) -> Any:
    with opener.open(uri, timeout=_WITHIN_S) as answer:
        return json.loads(answer.read(_METADATA_BYTES))


def _parse(octets: bytes) -> dict[str, object]:
    """Return the agent's answer, empty where it can't be read."""
    try:
        answer = json.loads(octets)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _reason(answer: dict[str, object]) -> str:
    """Return the code of a refusal; its longer sentence may name the account."""
    for part, word in (("failure", "Reason"), ("error", "Code")):
        refusal = answer.get(part)
        if isinstance(refusal, dict) and refusal.get(word):
            return str(refusal[word])
    return "unknown_answer"
