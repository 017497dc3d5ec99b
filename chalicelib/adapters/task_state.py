"""What ECS wants of the task that asks.

A service's task that is to stop first leaves its load balancer, which takes as long as the group's
deregistration delay; SIGTERM comes after that (Amazon ECS developer guide, "Task lifecycle"). ECS
says so from the beginning, where it is asked: `desiredStatus` is STOPPED.
"""

from __future__ import annotations

import json
from functools import cached_property
from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, build_opener

from chalicelib.adapters import faults
from chalicelib.errors import Unavailable

_WITHIN_S = 5.0
_ANSWER_BYTES = 256 * 1024


class EcsTask:
    """The port TaskState."""

    def __init__(self, metadata_uri: str, ecs: Any) -> None:
        self._uri = metadata_uri
        self._ecs = ecs
        self._opener = build_opener(ProxyHandler({}))

    def is_going(self) -> bool:
        """Tell whether the task is to stop. Raises Unavailable."""
        cluster, task = self._name
        with faults.translated("the task's state"):
            found = self._ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"]
        return any(one.get("desiredStatus") == "STOPPED" for one in found)

    @cached_property
    def _name(self) -> tuple[str, str]:
        """Return the cluster and the task, by their ARNs."""
        try:
            with self._opener.open(f"{self._uri}/task", timeout=_WITHIN_S) as answer:
                told = json.loads(answer.read(_ANSWER_BYTES))
            return str(told["Cluster"]), str(told["TaskARN"])
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            raise Unavailable(f"task metadata: {type(error).__name__}") from error
