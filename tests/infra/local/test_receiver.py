"""The customer's status_url of a local run."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from infra.local.ports import choose_port
from infra.local.receiver import Callback, receiving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps(
    {"event_type": "calling.call.record", "params": {"call_id": "c", "state": "recording"}}
)


def post(url: str, body: str, signature: str) -> int:
    """Send a callback, return the answer's status."""
    request = urllib.request.Request(url, data=body.encode(), method="POST")
    request.add_header("webhook-id", "msg_1")
    request.add_header("webhook-timestamp", str(int(datetime.now(UTC).timestamp())))
    request.add_header("webhook-signature", signature)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_signed_callback_is_known_as_signed() -> None:
    """What verifies with a secret is stored under its call, and told at once."""
    told: list[Callback] = []
    signature = Webhook(SECRET).sign("msg_1", datetime.now(UTC), BODY)

    with receiving(choose_port("UNSET"), [SECRET], told.append) as receiver:
        status = post(receiver.url, BODY, signature)
        kept = receiver.of_call("c")

    assert (204, [True], ["recording"]) == (
        status,
        [callback.is_signed for callback in kept],
        [callback.state for callback in kept],
    )
    assert told == kept


def test_a_forged_callback_is_known_as_forged() -> None:
    """It is stored too: the run shows it and fails."""

    with receiving(choose_port("UNSET"), [SECRET], lambda callback: None) as receiver:
        post(receiver.url, BODY, "v1,Zm9yZ2Vk")

        assert [False] == [callback.is_signed for callback in receiver.of_call("c")]


@pytest.mark.parametrize(("body", "status"), [("not json", 400), ("[]", 400), ("{" * 70_000, 413)])
def test_what_is_no_callback_is_refused(body: str, status: int) -> None:
    """Nothing of it is stored."""

    with receiving(choose_port("UNSET"), [SECRET], lambda callback: None) as receiver:
        assert status == post(receiver.url, body, "")
        assert [] == receiver.of_call("")
