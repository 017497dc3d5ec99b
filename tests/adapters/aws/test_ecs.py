"""The ECS agent, stood in for by a real server on loopback."""

from __future__ import annotations

import json

import pytest

from chalicelib.adapters.aws.ecs import EcsAgent
from chalicelib.errors import Unavailable
from tests.adapters.receivers import Answer, Receiver, receiver, resets, says

TASK = "arn:aws:ecs:eu-west-1:1:task/c/t"


def answering(content: object, status: str = "200 OK") -> Answer:
    """Answer as the agent does."""
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return says(head.encode() + b"\r\nConnection: close\r\n\r\n" + body)


def protection(enabled: bool) -> dict[str, object]:
    """Return the agent's answer to a request that ECS granted."""
    return {"protection": {"ProtectionEnabled": enabled, "TaskArn": TASK}}


def agent(server: Receiver) -> EcsAgent:
    return EcsAgent(f"http://127.0.0.1:{server.port}/api/c-1")


def body(server: Receiver) -> object:
    return json.loads(server.requests[0].partition(b"\r\n\r\n")[2])


def test_a_task_asks_to_be_kept() -> None:
    """The agent's path, its method, and the two members that it knows; one more is a 400."""

    with receiver(answering(protection(True))) as server:
        agent(server).protect(120)

    assert "PUT /api/c-1/task-protection/v1/state HTTP/1.1" == server.head()[0]
    assert {"ProtectionEnabled": True, "ExpiresInMinutes": 120} == body(server)


def test_a_task_lets_itself_go() -> None:
    """Without protection there is no end of it to name."""

    with receiver(answering(protection(False))) as server:
        agent(server).release()

    assert {"ProtectionEnabled": False} == body(server)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            answering({"failure": {"Arn": TASK, "Reason": "DEPLOYMENT_BLOCKED"}}),
            "DEPLOYMENT_BLOCKED",
        ),
        (
            answering(
                {"error": {"Arn": TASK, "Code": "AccessDeniedException", "Message": "m"}},
                "400 Bad Request",
            ),
            "AccessDeniedException",
        ),
        (answering(protection(False)), "unknown_answer"),
        (answering(["?"], "500 Oops"), "unknown_answer"),
        (answering({"failure": None}), "unknown_answer"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{"), "unknown_answer"),
        (says(b"?\r\n\r\n"), "unavailable"),
        (resets, "unavailable"),
    ],
)
def test_what_isn_t_granted_is_told_in_a_word(answer: Answer, reason: str) -> None:
    """A refusal comes with 200 too; its sentence, which names the account, stays out."""

    with receiver(answer) as server, pytest.raises(Unavailable) as raised:
        agent(server).protect(120)

    assert (reason, True) == (raised.value.code, TASK not in str(raised.value))


def test_nobody_at_the_address_is_unavailable() -> None:
    """The agent can be away for a moment."""

    with receiver(resets) as server:
        gone = agent(server)

    with pytest.raises(Unavailable):
        gone.release()


def test_no_proxy_stands_between_a_task_and_its_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's address means something inside the task only."""

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with receiver(answering(protection(True))) as server:
        agent(server).protect(1)

    assert 1 == len(server.requests)
