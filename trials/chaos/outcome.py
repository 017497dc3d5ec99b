"""What became of calls: which recordings are left, and what is wrong with those that ended."""

from __future__ import annotations

import time
from collections.abc import Sequence

from infra.local.failures import RunFailed
from tests.e2e.listening import hear
from tests.e2e.stage import ENDED, Stage
from trials.chaos.caller import Call
from trials.chaos.verdict import Recorded, Verdict

_SAY_EVERY_S = 30.0


def await_ended(stage: Stage, calls: Sequence[Call], within_s: float) -> list[str]:
    """Wait until all recordings of all calls have ended and said so; return what is left then.
    Now and then it is printed."""
    began_s = said_s = time.monotonic()
    while unended := [said for call in calls if (said := left(stage, call))]:
        now_s = time.monotonic()
        if now_s - began_s > within_s:
            return unended
        if now_s - said_s > _SAY_EVERY_S:
            said_s = now_s
            print(f"after {now_s - began_s:.0f} s: {len(unended)} are left", flush=True)
        time.sleep(0.2)
    return []


def left(stage: Stage, call: Call) -> str:
    """Return what is known of a call's recordings where one hasn't ended; empty: all have."""
    states: dict[str, str] = {}
    for callback in stage.receiver.of_call(call.call_id):
        control_id = callback.body["params"]["control_id"]
        if states.get(control_id) not in ENDED:
            states[control_id] = callback.state
    if (states or not call.sent) and all(state in ENDED for state in states.values()):
        return ""
    told = ", ".join(states.values()) or "never told"
    return f"{call.call_id} ({call.kind.dialect}): {told}"


def recordings(stage: Stage, call: Call) -> list[Recorded]:
    """Return a call's recordings, the oldest first."""
    try:
        shown = stage.customer.get(f"/v1/recordings?call_id={call.call_id}")["recordings"]
    except RunFailed:
        return []  # there was never such a call
    return [
        Recorded(
            shown=one,
            heard=hear(stage.customer.download(one["url"])) if one["state"] == "finished" else None,
        )
        for one in reversed(shown)
    ]


def problems(stage: Stage, call: Call, verdict: Verdict, recorded: Sequence[Recorded]) -> list[str]:
    """Return what is not as promised of a call, what was lost apart."""
    found = [f"a hole isn't told: {hole}" for hole in verdict.untold]
    for name in ("unexplained", "corrupt", "reordered", "duplicated"):
        if samples := getattr(verdict, name):
            found.append(f"{call.call_id} ({call.kind}): {samples} samples {name}")
    for one in recorded:
        found += _of_callbacks(stage, call, one)
    return found


def _of_callbacks(stage: Stage, call: Call, recorded: Recorded) -> list[str]:
    shown = recorded.shown
    if shown["state"] not in ENDED:
        return [f"{call.call_id} ({call.kind}): a recording is still {shown['state']}"]
    ends = {
        callback.webhook_id: callback.state
        for callback in stage.receiver.of_call(call.call_id)
        if callback.state in ENDED and callback.body["params"]["control_id"] == shown["control_id"]
    }
    if list(ends.values()) == [shown["state"]]:
        return []
    return [f"{call.call_id}: it is {shown['state']}, its last callbacks were {ends}"]
