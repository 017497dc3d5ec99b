"""The ASL files as they are, before any substitution."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.recording.delivery_schedule import MAX_ATTEMPTS, MAX_RETRY_AFTER_S, WAITS_S
from infra import workflows

FOLDER = Path(workflows.__file__).parent
FILES = ("finalization", "delivery", "carrier")


def machine(name: str) -> dict[str, Any]:
    """One state machine, read."""
    read: dict[str, Any] = json.loads((FOLDER / f"{name}.asl.json").read_text())
    return read


def good_path(name: str) -> list[str]:
    """The states that an execution without any failure enters."""
    states = machine(name)["States"]
    entered = [machine(name)["StartAt"]]
    while "Next" in states[entered[-1]]:
        entered.append(states[entered[-1]]["Next"])
    return entered


def test_a_good_finalization_is_three_transitions() -> None:
    """Assemble, Publish, end: transitions cost more than all storage requests."""

    assert ["Assemble", "Publish"] == good_path("finalization")


def test_a_callback_that_succeeds_at_once_is_two_transitions() -> None:
    """Attempt, end: no Choice asks whether it is done."""

    assert ["Attempt"] == good_path("delivery")


@pytest.mark.parametrize("name", FILES)
def test_every_task_is_retried_with_full_jitter(name: str) -> None:
    """Whatever a Lambda state fails with is tried again, later each time and never in step."""
    tasks = [state for state in machine(name)["States"].values() if "Task" == state["Type"]]

    last_rules = [state["Retry"][-1] for state in tasks]

    assert [["States.ALL"]] * len(tasks) == [rule["ErrorEquals"] for rule in last_rules]
    assert {"FULL"} == {rule["JitterStrategy"] for rule in last_rules}
    assert all(rule["BackoffRate"] > 1 for rule in last_rules)


def test_the_third_failure_to_assemble_is_final() -> None:
    """Two repetitions, then MarkError."""
    assemble = machine("finalization")["States"]["Assemble"]

    assert 2 == assemble["Retry"][-1]["MaxAttempts"]
    assert ["MarkError"] == [rule["Next"] for rule in assemble["Catch"]]


def test_a_marked_error_fails_the_execution() -> None:
    """The alarm on failed finalizations sees what MarkError told the customer."""
    states = machine("finalization")["States"]

    assert "Fail" == states[states["MarkError"]["Next"]]["Type"]


def test_a_postponed_attempt_is_no_fault() -> None:
    """DeliveryPostponed is not retried but waited for."""
    attempt = machine("delivery")["States"]["Attempt"]

    assert "DeliveryPostponed" in attempt["Retry"][0]["ErrorEquals"]
    assert 0 == attempt["Retry"][0]["MaxAttempts"]
    assert "Wait" == attempt["Catch"][0]["Next"]


def test_a_delivery_outlives_its_schedule() -> None:
    """Each wait may be a fifth longer, or the 24 h that a Retry-After asks for at every attempt."""
    attempts_s = MAX_ATTEMPTS * machine("delivery")["States"]["Attempt"]["TimeoutSeconds"]
    longest_s = sum(max(wait_s * 1.2, MAX_RETRY_AFTER_S) for wait_s in WAITS_S) + attempts_s

    assert longest_s < machine("delivery")["TimeoutSeconds"]
