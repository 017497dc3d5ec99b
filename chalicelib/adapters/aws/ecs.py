"""The ECS agent beside a task's containers: it protects the task that asks.

Source: Amazon ECS developer guide, "Task scale-in protection endpoint". What ECS refuses comes as
a 200 with a `failure`, what the agent can't do as 4xx or 5xx with an `error`.
"""

from __future__ import annotations

import json
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from chalicelib.errors import Unavailable

_WITHIN_S = 5.0
"""The agent gives up on ECS after 4 s."""

_ANSWER_BYTES = 64 * 1024


class EcsAgent:
    """The port TaskProtection."""

    def __init__(self, uri: str) -> None:
        self._url = f"{uri}/task-protection/v1/state"
        self._opener: OpenerDirector = build_opener(ProxyHandler({}))

    def protect(self, for_minutes: int) -> None:
        """Keep the task for 1 to 2,880 minutes from now. Raises Unavailable."""
        self._put({"ProtectionEnabled": True, "ExpiresInMinutes": for_minutes})

    def release(self) -> None:
        """Let the task go. Raises Unavailable."""
        self._put({"ProtectionEnabled": False})

    def _put(self, wanted: dict[str, bool | int]) -> None:
        answer = _parse(self._exchange(json.dumps(wanted).encode()))
        protection = answer.get("protection")
        if isinstance(protection, dict) and (
            protection.get("ProtectionEnabled") is wanted["ProtectionEnabled"]
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


def _parse(octets: bytes) -> dict[str, object]:
    """Return the agent's answer, empty where it can't be read."""
    try:
        answer = json.loads(octets)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _reason(answer: dict[str, object]) -> str:
    """Return the word for a refusal: its longer sentence may name the account."""
    for part, word in (("failure", "Reason"), ("error", "Code")):
        said = answer.get(part)
        if isinstance(said, dict) and said.get(word):
            return str(said[word])
    return "unknown_answer"
