"""Step Functions, EventBridge, Secrets Manager and SSM: what their adapters make of answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from chalicelib.adapters.aws.eventbridge import EventBridge
from chalicelib.adapters.aws.settings_store import KEPT_S, CachedTexts
from chalicelib.adapters.aws.stepfunctions import StepFunctions
from chalicelib.adapters.faults import translated
from chalicelib.adapters.parameters import ParameterStore
from chalicelib.adapters.secrets import SecretsManager
from chalicelib.errors import NotFound, PreconditionFailed, TapedeckError, Unavailable
from tests.samples import a_callback, a_recording

CANCELLED = "TransactionCanceledException"


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


class TestTexts:
    """The ports Secrets and Parameters."""

    def test_reads_a_secret(self) -> None:
        """A secret's text comes back, and is read once."""

        client = Client({"SecretString": "s"})
        secrets = SecretsManager(client)
        assert ["s", "s"] == [secrets.get("id"), secrets.get("id")]
        assert [{"SecretId": "id"}] == client.requests

    def test_a_secret_of_bytes_holds_no_text(self) -> None:
        """Whoever made it with `--secret-binary` hears that, not of an error of ours."""

        secrets = SecretsManager(Client({"SecretBinary": b"PSK_1"}))

        with pytest.raises(NotFound, match="it holds bytes, no text"):
            secrets.get("id")

    def test_reads_a_parameter(self) -> None:
        """A parameter's text comes back."""

        client = Client({"Parameter": {"Value": "https://api"}})
        assert "https://api" == ParameterStore(client).get("name")

    def test_knows_what_is_missing(self) -> None:
        """What doesn't exist is NotFound."""

        with pytest.raises(NotFound):
            SecretsManager(Client(fault("ResourceNotFoundException"))).get("id")
        with pytest.raises(NotFound):
            ParameterStore(Client(fault("ParameterNotFound"))).get("name")

    def test_reads_again_after_five_minutes(self) -> None:
        """A text is read anew when its time is over, and kept while the outside is silent."""

        now, answers = [0.0], iter(["old", "new"])

        def read(name: str) -> str:
            try:
                return next(answers)
            except StopIteration:
                raise Unavailable("silent") from None

        texts = CachedTexts(read, lambda: now[0])
        found = [texts.get("n")]
        for at in (KEPT_S - 1, KEPT_S, 2 * KEPT_S, 2 * KEPT_S + 1):
            now[0] = at
            found.append(texts.get("n"))
        assert ["old", "old", "new", "new", "new"] == found

    def test_is_unavailable_where_nothing_was_read(self) -> None:
        """Without an earlier text the outside's silence is told."""

        with pytest.raises(Unavailable):
            SecretsManager(Client(fault("InternalServiceError"))).get("id")


class TestFaults:
    """botocore's errors in our words."""

    @pytest.mark.parametrize(
        ("error", "ours"),
        [
            (fault("ConditionalCheckFailedException"), PreconditionFailed),
            (fault(CANCELLED, "None", "ConditionalCheckFailed"), PreconditionFailed),
            (fault(CANCELLED, "TransactionConflict"), Unavailable),
            (fault("ProvisionedThroughputExceededException"), Unavailable),
            (fault("InternalServerError"), Unavailable),
            (fault("AccessDeniedException"), Unavailable),
            (fault("ValidationException"), TapedeckError),
            (ConnectTimeoutError(endpoint_url="u"), Unavailable),
        ],
    )
    def test_says_whose_fault_it_is(self, error: Exception, ours: type[Exception]) -> None:
        """A lost race, our own mistake, and silence are three things."""

        with pytest.raises(ours) as raised, translated("get"):
            raise error
        assert ours is type(raised.value)
