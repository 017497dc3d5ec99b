"""`record_call` for a call without media: a pending recording that starts with its first stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.dialects.streams.base import holds_variable, is_carrier_id
from chalicelib.errors import Conflict, InvalidRequest, PreconditionFailed
from chalicelib.ports import Calls, Profiles, Recordings
from chalicelib.recording.announcements import next_round
from chalicelib.recording.lifecycle import Cause, Writer, is_pending
from chalicelib.recording.model import Call, CallRef, Profile, Recording, RecordOptions
from chalicelib.recording.request import pending_recording, requested, unheard_call
from chalicelib.services.queries import find_call
from chalicelib.services.transition import Transitions

_LIVE = "live_commands_not_available"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One `record_call`."""

    call_id: str
    control_id: str
    options: RecordOptions


def choose_profile(
    profiles: Profiles, calls: Calls, account: str, call_id: str, query: Mapping[str, str]
) -> Profile:
    """Return the profile of a call: the named one, the known call's, or the account's only one.

    Raises NotFound for a name that doesn't exist, InvalidRequest where none can be chosen.
    """
    if query.get("profile"):
        return profiles.get(account, query["profile"])
    known = find_call(calls, account, call_id)
    if known is not None:
        return profiles.get(account, known.profile)
    found = profiles.listing(account)
    if len(found) != 1:
        raise InvalidRequest(f"profile: name one of {len(found)}", code="profile_needed")
    return found[0]


def request_recording(
    profile: Profile,
    request: Request,
    calls: Calls,
    transitions: Transitions,
    *,
    now: datetime,
    pending_for: timedelta,
) -> Recording:
    """Return the recording of this control id: new and pending, or as it stands by now.

    Raises Conflict `live_commands_not_available` for a live call, `control_id_taken` where the
    control id has other options, InvalidRequest `bad_call_id` or
    `unresolved_variable`.
    """
    ref = CallRef(account=profile.account, carrier=profile.carrier, call_id=request.call_id)
    if holds_variable(request.call_id):
        raise InvalidRequest("call_id is not filled in", code="unresolved_variable")
    if not is_carrier_id(request.call_id):
        raise InvalidRequest("call_id: not 1 to 128 visible ASCII characters", code="bad_call_id")
    call = calls.ensure(unheard_call(ref, profile, now))
    recording = _pending(profile, request, call, now, now + pending_for)
    known = _known(transitions.recordings, recording)
    if known is None:
        if call.open:
            raise _live()
        event = requested(recording, "record_call")
        known = transitions.recordings.create(recording, event, None)
        known = _withdraw_if_missed(known, calls, transitions, now)
    if known.options != request.options:
        raise Conflict(
            f"control_id {request.control_id} has other options", code="control_id_taken"
        )
    return known


def _pending(
    profile: Profile, request: Request, call: Call, now: datetime, due_at: datetime
) -> Recording:
    return pending_recording(
        call.ref,
        profile,
        control_id=request.control_id,
        round_=next_round(call),
        options=request.options,
        labels={},
        at=now,
        due_at=due_at,
    )


def _withdraw_if_missed(
    recording: Recording, calls: Calls, transitions: Transitions, now: datetime
) -> Recording:
    """Return a recording that its call's first stream will find, or has found.

    A stream writes its call first and then looks for what waits; we wrote first what waits and look
    at the call now. So one of the two sees the other, and where both do, the faster write counts.
    """
    call = calls.get(recording.call.key)
    if not call.open or not is_pending(recording.state):
        return recording
    withdrawn = replace(recording, reason=_LIVE)
    try:
        transitions.move(withdrawn, Cause.STOP, Writer.API, call=call, at=now)
    except PreconditionFailed:
        return transitions.recordings.get(recording.recording_id)
    raise _live()


def _live() -> Conflict:
    return Conflict("the call is live", code=_LIVE)


def _known(recordings: Recordings, recording: Recording) -> Recording | None:
    for known in recordings.of_call(recording.call.key):
        if known.recording_id == recording.recording_id:
            return known
    return None
