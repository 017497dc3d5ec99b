"""A script's methods, one after the other."""

from __future__ import annotations

import pytest

from chalicelib.errors import (
    Conflict,
    IllegalTransition,
    PreconditionFailed,
    TapedeckError,
    Unavailable,
)
from chalicelib.services.calls.commands import CallName
from chalicelib.services.calls.record_call import ProfileChooser
from chalicelib.services.calls.swml_methods import MethodResult
from chalicelib.services.calls.swml_script import ScriptRunner, ScriptTarget
from chalicelib.swml.script import (
    Method,
    ParseContext,
    Script,
    StopRecordCall,
    parse_script,
)
from tests.fakes import FakeCore

TARGET = ScriptTarget(name=CallName(account="main", call_id="c-1"), profile=None)


def script(*methods: object) -> Script:
    return parse_script({"sections": {"main": list(methods)}}, ParseContext(new_id=lambda: "made"))


@pytest.mark.parametrize(
    "error",
    [
        Conflict("x"),
        IllegalTransition("x"),
        PreconditionFailed("x"),
        Unavailable("x"),
    ],
)
def test_what_fails_keeps_no_other_from_running(error: TapedeckError) -> None:
    """Whatever the caller, a race or the database did."""

    def stop(_target: ScriptTarget, step: StopRecordCall) -> MethodResult:
        if step.control_id == "a":
            raise error
        return MethodResult(variables={"stopped": step.control_id}, is_done=True)

    methods = [{"stop_record_call": {"control_id": name}} for name in "ab"]
    core = FakeCore()
    runner = ScriptRunner(
        profiles=ProfileChooser(profiles=core.profiles, calls=core.calls),
        ways={Method.STOP_RECORD_CALL: stop},
    )
    ran = runner.run(script(*methods), TARGET)

    assert [error, None] == [one.error for one in ran]
    assert [None, {"stopped": "b"}] == [one.outcome and one.outcome.variables for one in ran]
