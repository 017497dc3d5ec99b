"""What runs beside the sink: Step Functions by its files, Lambda functions, the minute's sweep."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from chalicelib.errors import TapedeckError
from chalicelib.recording.model import CallRef
from chalicelib.services.delivery.deliver import Outcome as Delivery
from chalicelib.services.delivery.deliver import Postponed
from chalicelib.services.finalization.assemble import Assembled, Outcome
from infra.paths import ROOT
from tests.fakes import Died
from trials.crash.clock import Clock, Exhausted, Process, stubbornly

_START_S = 0.1
"""from a start to the first state"""


class Functions(Protocol):
    """The Lambda functions."""

    def assemble(self, recording_id: str, attempt: int) -> Assembled: ...

    def publish(self, recording_id: str, outcome: Outcome) -> None: ...

    def mark_error(self, recording_id: str, attempt: int, error: str) -> None: ...

    def attempt(self, recording_id: str, webhook_id: str) -> Delivery: ...

    def sweep(self) -> None: ...


class Cloud:
    """The port Workflows: an execution is started once under its name, and runs by the clock."""

    def __init__(self, clock: Clock, functions: Functions) -> None:
        self._clock = clock
        self._functions = functions
        self.started: set[tuple[Any, ...]] = set()

    def start_finalization(self, recording_id: str, attempt: int) -> None:
        """Start an execution of `finalization.asl.json`."""
        name = ("finalization", recording_id, attempt)
        self._start(name, lambda: self._finalize(recording_id, attempt))

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Start an execution of `delivery.asl.json`."""
        name = ("delivery", recording_id, webhook_id, round_)
        self._start(name, lambda: self._deliver(recording_id, webhook_id))

    def start_retaps(self, worker: str, renewals: int) -> None:
        """Start nothing: this call's carrier taps nothing again."""

    def start_inquiry(self, call: CallRef, stream_key: str, *, worker: str, number: int) -> None:
        """Start nothing: no stream of this call is silent."""

    def sweep_every_minute(self) -> Process:
        """Sweep; a sweep that fails or dies is followed by the next."""
        while True:
            yield 60.0
            try:
                self._functions.sweep()
            except (TapedeckError, Died):
                continue

    def _start(self, name: tuple[Any, ...], execution: Callable[[], Process]) -> None:
        if name not in self.started:
            self.started.add(name)
            self._clock.start(execution(), _START_S)

    def _finalize(self, recording_id: str, attempt: int) -> Process:
        functions = self._functions
        try:
            assembled = yield from stubbornly(
                lambda: functions.assemble(recording_id, attempt),
                waits_s("finalization", "Assemble"),
            )
            yield from stubbornly(
                lambda: functions.publish(recording_id, assembled.outcome),
                waits_s("finalization", "Publish"),
            )
        except Exhausted as failed:
            error = str(failed)
            try:
                yield from stubbornly(
                    lambda: functions.mark_error(recording_id, attempt, error),
                    waits_s("finalization", "MarkError"),
                )
            except Exhausted:
                return

    def _deliver(self, recording_id: str, webhook_id: str) -> Process:
        while True:
            try:
                outcome = yield from stubbornly(
                    lambda: self._functions.attempt(recording_id, webhook_id),
                    waits_s("delivery", "Attempt"),
                )
            except Exhausted:
                return
            if not isinstance(outcome, Postponed):
                return
            yield outcome.wait_seconds


@cache
def waits_s(machine: str, state: str) -> tuple[float, ...]:
    """Return the waits of a state's rule for all errors, as its file has them, without jitter."""
    text = (ROOT / "infra" / f"{machine}.asl.json").read_text()
    rule: dict[str, Any] = json.loads(text)["States"][state]["Retry"][-1]
    first, rate, most = rule["IntervalSeconds"], rule["BackoffRate"], rule["MaxDelaySeconds"]
    return tuple(min(float(first * rate**n), most) for n in range(rule["MaxAttempts"]))
