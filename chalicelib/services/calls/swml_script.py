"""Runs a SWML script on a call, method by method, as SWML does: a method that fails reports it, and
the next one runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import (
    CallerError,
    IllegalTransition,
    PreconditionFailed,
    TapedeckError,
    Unavailable,
)
from chalicelib.recording.model import Profile
from chalicelib.services.calls import record_call
from chalicelib.services.calls.commands import CallName
from chalicelib.services.calls.record_call import ProfileChooser
from chalicelib.services.calls.swml_methods import MethodResult, MethodRunner
from chalicelib.swml.script import (
    Method,
    RecordCall,
    Script,
    Step,
    StopRecordCall,
    StopTap,
    TapStep,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptTarget:
    """The call that a script runs on."""

    name: CallName
    profile: Profile | None
    """None: the script starts no recording"""


Way = Callable[[ScriptTarget, Any], MethodResult]
"""Runs a method of one kind"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """A method that ran, with its outcome or its error."""

    step: Step
    outcome: MethodResult | None = None
    error: TapedeckError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRunner:
    """Runs scripts on calls."""

    profiles: ProfileChooser
    ways: Mapping[Method, Way]

    def target(self, script: Script, name: CallName, query: Mapping[str, str]) -> ScriptTarget:
        """Return the call that a script runs on. Raises what a method's own route raises before it
        acts."""
        record_call.verify_call_id(name.call_id)
        if not any(step.method in _STARTING for step in script.steps):
            return ScriptTarget(name=name, profile=None)
        profile = self.profiles.choose(name.account, name.call_id, query)
        return ScriptTarget(name=name, profile=profile)

    def run(self, script: Script, target: ScriptTarget) -> list[StepResult]:
        """Run a script's methods in order, and return the result of each."""
        return [_run(step, target, self.ways[step.method]) for step in script.steps]


def ways(methods: MethodRunner) -> Mapping[Method, Way]:
    """Return the function that runs each method."""

    def start(target: ScriptTarget, step: RecordCall) -> MethodResult:
        assert target.profile is not None
        request = record_call.RecordCallRequest(
            call_id=target.name.call_id, control_id=step.control_id, options=step.options
        )
        return methods.record_call(target.profile, request)

    def stop(target: ScriptTarget, step: StopRecordCall) -> MethodResult:
        return methods.stop_record_call(target.name, step.control_id)

    def tap(target: ScriptTarget, step: TapStep) -> MethodResult:
        return methods.tap(target.name, step.control_id, step.options)

    def stop_tap(target: ScriptTarget, step: StopTap) -> MethodResult:
        return methods.stop_tap(target.name, step.control_id)

    return {
        Method.RECORD_CALL: start,
        Method.STOP_RECORD_CALL: stop,
        Method.TAP: tap,
        Method.STOP_TAP: stop_tap,
    }


def _run(step: Step, target: ScriptTarget, way: Way) -> StepResult:
    try:
        return StepResult(step=step, outcome=way(target, step))
    except (CallerError, IllegalTransition, PreconditionFailed, Unavailable) as error:
        return StepResult(step=step, error=error)


_STARTING = (Method.RECORD_CALL,)
"""methods that need a profile, as their own routes do"""
