"""How callbacks become events."""

from __future__ import annotations

import pytest

from chalicelib.adapters.aws.eventbridge import EventBridge
from chalicelib.errors import Unavailable
from tests.adapters.aws_client import Client
from tests.samples import a_callback, a_recording


class TestEventBridge:
    """The port EventBus."""

    def test_puts_the_body_on_the_bus(self) -> None:
        """The event's detail is the callback's body, byte for byte."""

        client, row = Client(), a_callback(a_recording())
        EventBridge(client, "bus").publish(row)
        (entry,) = client.requests[0]["Entries"]
        assert ("bus", row.body) == (entry["EventBusName"], entry["Detail"])

    def test_publishes_nothing_without_a_bus(self) -> None:
        """An empty bus name switches events off."""

        client = Client()
        EventBridge(client, "").publish(a_callback(a_recording()))
        assert [] == client.requests

    def test_sees_the_failure_inside_a_good_answer(self) -> None:
        """An entry that failed in an answer of 200 is Unavailable."""

        answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
        with pytest.raises(Unavailable):
            EventBridge(Client(answer), "bus").publish(a_callback(a_recording()))
