"""A client of any AWS service that answers what a test gives it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError


class Client:
    """A client of any AWS service: notes its requests, answers or raises what it was given."""

    def __init__(self, answer: Any = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answer = answer or {}

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self.requests.append(request)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


def fault(code: str, *reasons: str) -> ClientError:
    """Return an error answer of AWS."""
    answer: dict[str, Any] = {"Error": {"Code": code, "Message": "m"}}
    if reasons:
        answer["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(answer, "Operation")
