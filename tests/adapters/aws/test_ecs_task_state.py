"""Whether a task is to stop: real HTTP for its metadata, ECS's documented answer."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.adapters.aws.ecs import EcsTask
from chalicelib.errors import Unavailable
from tests.adapters.receivers import Answer, receiver, resets, says

CLUSTER = "arn:aws:ecs:us-west-2:111122223333:cluster/default"
TASK = "arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c"
METADATA = {"Cluster": CLUSTER, "TaskARN": TASK, "DesiredStatus": "RUNNING"}
"""an excerpt of the developer guide's example"""


def answering(content: object) -> Answer:
    """Answer as the metadata endpoint does."""
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return says(head.encode() + body)


def asked(answer: Answer, tasks: list[dict[str, object]], times: int = 1) -> tuple[bool, str]:
    """Return what a task is told, and what it asked its metadata."""
    ecs = boto3.client(
        "ecs", region_name="us-west-2", aws_access_key_id="t", aws_secret_access_key="t"
    )
    question = {"cluster": CLUSTER, "tasks": [TASK]}
    with receiver(answer) as server, Stubber(ecs) as stub:
        for _ in range(times):
            stub.add_response("describe_tasks", {"tasks": tasks}, question)
        task = EcsTask(f"http://127.0.0.1:{server.port}/v4/c-1", ecs)
        told = [task.is_going() for _ in range(times)]
        assert 1 == len(server.requests)
        return told[-1], server.head()[0]


@pytest.mark.parametrize(
    ("tasks", "is_going"),
    [
        ([{"lastStatus": "RUNNING", "desiredStatus": "RUNNING"}], False),
        ([{"lastStatus": "DEACTIVATING", "desiredStatus": "STOPPED"}], True),
        ([], False),
    ],
)
def test_ecs_says_what_it_wants_of_the_task(tasks: list[dict[str, object]], is_going: bool) -> None:
    """From when it begins to take the task from the load balancer."""

    assert (is_going, "GET /v4/c-1/task HTTP/1.1") == asked(answering(METADATA), tasks)


def test_a_task_learns_its_name_once() -> None:
    """It keeps it."""

    assert (False, "GET /v4/c-1/task HTTP/1.1") == asked(answering(METADATA), [], times=3)


@pytest.mark.parametrize("answer", [resets, answering({}), answering([]), says(b"junk")])
def test_metadata_that_tell_nothing_are_an_outage(answer: Answer) -> None:
    """Whatever is wrong with them."""

    with pytest.raises(Unavailable):
        asked(answer, [])
