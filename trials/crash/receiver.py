"""The customer's end: it takes callbacks, and remembers whether they were true and signed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook

from chalicelib.ports.values import HttpReply

OLD, NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """A Sender's other end. Refuses the first attempt of each message where it is asked to."""

    def __init__(self, is_owed: Callable[[str, str, bytes], bool], refuses_first: bool) -> None:
        self._is_owed = is_owed
        self._refuses_first = refuses_first
        self.attempts: Counter[str] = Counter()
        """by webhook-id"""
        self.accepted: Counter[str] = Counter()
        self.bodies: dict[str, set[bytes]] = {}
        self.faults: list[str] = []
        """what should never have come"""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Take an attempt."""
        webhook_id = headers["webhook-id"]
        self.attempts[webhook_id] += 1
        self.bodies.setdefault(webhook_id, set()).add(body)
        if not self._is_owed(webhook_id, url, body):
            self.faults.append(f"{webhook_id} isn't owed")
        for secret in (OLD, NEW):
            if _signed(secret, body, headers) not in headers["webhook-signature"].split(" "):
                self.faults.append(f"{webhook_id} isn't signed with {secret}")
        if self._refuses_first and self.attempts[webhook_id] == 1:
            return HttpReply(status=503)
        self.accepted[webhook_id] += 1
        return HttpReply(status=200)


def _signed(secret: str, body: bytes, headers: Mapping[str, str]) -> str:
    """Return the signature that the reference implementation makes."""
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    signature: str = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
    return signature
