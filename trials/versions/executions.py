"""Runs what was started, in the functions that the test chooses, as the state machines would."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from trials.versions.cloud import Cloud
from trials.versions.version import FunctionFailed, Functions

_TRIES = 3
"""of each state: its file allows more, and waits longer"""
_LOOK_EVERY_S = 0.3
_POSTPONED = "DeliveryPostponed"

Chosen = Callable[[str, Mapping[str, Any]], Functions]
"""says in which functions an execution of a machine runs, by its input"""


@dataclass(slots=True)
class Executions:
    """Executions of a cloud's state machines, each run once."""

    cloud: Cloud
    chosen: Chosen
    ran: list[tuple[str, str, str]] = field(default_factory=list)
    """machine, execution's name, version that ran it"""
    failures: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _waiting: list[tuple[Functions, Mapping[str, Any]]] = field(default_factory=list)
    """deliveries whose next attempt is later"""

    def run_started(self) -> int:
        """Run what was started since the last look, and each delivery that waits; return how many
        executions went on."""
        waiting, self._waiting = self._waiting, []
        count = sum(self._deliver(*one) for one in waiting)
        client = self.cloud.client("stepfunctions")
        for machine, run in (("finalization", self._finalize), ("delivery", self._deliver)):
            arn = self.cloud.environment[f"TAPEDECK_{machine.upper()}_ARN"]
            pages = client.get_paginator("list_executions").paginate(stateMachineArn=arn)
            for execution in [one for page in pages for one in page["executions"]]:
                if execution["executionArn"] not in self._seen:
                    self._seen.add(execution["executionArn"])
                    said = client.describe_execution(executionArn=execution["executionArn"])
                    given = json.loads(said["input"])
                    functions = self.chosen(machine, given)
                    run(functions, given)
                    self.ran.append((machine, execution["name"], functions.version))
                    count += 1
        return count

    def _finalize(self, functions: Functions, given: Mapping[str, Any]) -> None:
        try:
            assembled = self._stubbornly(functions, "assemble", given)
            self._stubbornly(functions, "publish", {**given, "assembled": assembled})
        except FunctionFailed as failed:
            self.failures.append(f"finalization {given} by {functions.version}: {failed}")
            cause = json.dumps({"errorType": failed.raised, "errorMessage": failed.message})
            told = {**given, "error": failed.raised, "cause": cause}
            try:
                self._stubbornly(functions, "mark_error", told)
            except FunctionFailed as also:
                self.failures.append(f"mark_error {given} by {functions.version}: {also}")

    def _deliver(self, functions: Functions, given: Mapping[str, Any]) -> bool:
        """Make one attempt; tell whether it ended the execution."""
        try:
            self._stubbornly(functions, "attempt", given)
        except FunctionFailed as failed:
            if failed.raised == _POSTPONED:
                self._waiting.append((functions, given))
                return False
            self.failures.append(f"delivery {given} by {functions.version}: {failed}")
        return True

    def _stubbornly(self, functions: Functions, name: str, event: Mapping[str, Any]) -> Any:
        for _ in range(_TRIES - 1):
            try:
                return functions.invoke(name, event)
            except FunctionFailed as failed:
                if failed.raised == _POSTPONED:
                    raise
        return functions.invoke(name, event)


@contextmanager
def running_executions(cloud: Cloud, chosen: Chosen) -> Iterator[Executions]:
    """Run executions as they are started, in a thread, until the block ends."""
    executions, over = Executions(cloud, chosen), threading.Event()

    def keep_on() -> None:
        while not over.is_set():
            executions.run_started()
            over.wait(_LOOK_EVERY_S)

    thread = threading.Thread(target=keep_on, daemon=True)
    thread.start()
    try:
        yield executions
    finally:
        over.set()
        thread.join(60)
