"""How executions are started."""

from __future__ import annotations

import json

import pytest

from chalicelib.adapters.aws.stepfunctions import StepFunctions
from chalicelib.errors import Unavailable
from tests.adapters.aws_client import Client, fault
from tests.samples import a_recording


class TestStepFunctions:
    """The port Workflows."""

    def test_starts_under_derived_names(self) -> None:
        """An execution's name and input come from what it works on."""

        client = Client()
        machines = StepFunctions(client, "arn:f", "arn:d", "arn:c")
        machines.start_finalization("r1", 2)
        machines.start_delivery("r1", "msg_r1_3", 1)
        machines.start_retaps("w-1", 7)
        machines.start_inquiry(a_recording().call, "stream-1", worker="w-1", number=3)
        silent = client.requests.pop()
        assert "arn:c" == silent["stateMachineArn"]
        assert silent["name"].startswith("ask-")
        assert silent["name"].endswith("-3")
        assert {
            "worker": "w-1",
            "call_key": "main/bandwidth/c-1",
            "stream_key": "stream-1",
        } == json.loads(silent["input"])
        assert [
            ("arn:f", "r1-2", {"recording_id": "r1", "attempt": 2}),
            (
                "arn:d",
                "msg_r1_3-1",
                {"recording_id": "r1", "webhook_id": "msg_r1_3", "round": 1},
            ),
            ("arn:c", "retap-w-1-7", {"worker": "w-1", "renewals": 7}),
        ] == [
            (one["stateMachineArn"], one["name"], json.loads(one["input"]))
            for one in client.requests
        ]

    def test_takes_a_started_one_as_success(self) -> None:
        """A name that ran before is no failure."""

        machines = StepFunctions(Client(fault("ExecutionAlreadyExists")), "f", "d", "c")
        machines.start_finalization("r", 1)
        machines.start_retaps("w-1", 7)

    def test_is_unavailable_when_throttled(self) -> None:
        """Throttling is Unavailable: to try again is right."""

        machines = StepFunctions(Client(fault("ThrottlingException")), "f", "d", "c")
        with pytest.raises(Unavailable):
            machines.start_finalization("r", 1)
