"""Creates the pending recording of a `record_call`. It starts with its call's first stream, or, if
the call already streams, when its worker carries out the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.carriers.contract.stream import holds_variable, is_carrier_id
from chalicelib.errors import Conflict, InvalidRequest
from chalicelib.ports.accounts import Profiles
from chalicelib.ports.rows import Calls, Recordings
from chalicelib.recording import intervals
from chalicelib.recording.carrier_reports import next_round
from chalicelib.recording.erasure import is_deleted
from chalicelib.recording.instants import microseconds
from chalicelib.recording.model import Call, CallRef, Profile, Recording, RecordOptions
from chalicelib.recording.pending import pending_recording, requested, unheard_call
from chalicelib.services.accounts.profiles import find_profile
from chalicelib.services.calls.queries import find_call
from chalicelib.services.calls.transitions import RecordingMover


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCallRequest:
    """One `record_call`."""

    call_id: str
    control_id: str
    options: RecordOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChooser:
    """Chooses the profile for a call."""

    profiles: Profiles
    calls: Calls

    def choose(self, account: str, call_id: str, query: Mapping[str, str]) -> Profile:
        """Return the profile that the request names, or the known call's, or the account's only
        one.

        Raises NotFound for an unknown name, InvalidRequest where none can be chosen.
        """
        if query.get("profile"):
            return find_profile(self.profiles, account, query["profile"])
        known = find_call(self.calls, account, call_id)
        if known is not None:
            return self.profiles.get(account, known.profile)
        found = self.profiles.listing(account)
        if len(found) != 1:
            fact = f"{len(found)} profiles could handle this call; choose one with ?profile=NAME"
            raise InvalidRequest(f"profile: {fact}", code="profile_needed")
        return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRequester:
    """Creates the recordings that customers request."""

    calls: Calls
    transitions: RecordingMover
    now: Callable[[], datetime]
    pending_for: timedelta
    """the time that a recording waits for its call's media"""

    def request(self, profile: Profile, request: RecordCallRequest) -> Recording:
        """Return the recording of this control id: a new pending one, or the known one.

        A pending recording of a live call begins by a command, or else with the call's next stream.
        Raises Conflict `control_id_taken` if the known one has other options, InvalidRequest
        `bad_call_id` or `unresolved_variable`.
        """
        now, control_id = self.now(), request.control_id
        ref = CallRef(account=profile.account, carrier=profile.carrier, call_id=request.call_id)
        verify_call_id(request.call_id)
        call = self.calls.ensure(unheard_call(ref, profile, now))
        recording = _pending(profile, request, call, now, now + self.pending_for)
        known = _known(self.transitions.recordings, recording)
        if known is None:
            event = requested(recording, "record_call")
            known = self.transitions.recordings.create(recording, event, None)
        if is_deleted(known):
            raise Conflict(
                f"control_id {control_id} was a recording's that is deleted",
                code="recording_deleted",
            )
        if known.options != request.options:
            raise Conflict(f"control_id {control_id} has other options", code="control_id_taken")
        return known


def verify_call_id(call_id: str) -> None:
    """Raise InvalidRequest `bad_call_id` or `unresolved_variable` for what names no call."""
    if holds_variable(call_id):
        raise InvalidRequest("call_id is not filled in", code="unresolved_variable")
    if not is_carrier_id(call_id):
        raise InvalidRequest("call_id: not 1 to 128 visible ASCII characters", code="bad_call_id")


def _pending(
    profile: Profile, request: RecordCallRequest, call: Call, now: datetime, due_at: datetime
) -> Recording:
    recording = pending_recording(
        call.ref,
        profile,
        control_id=request.control_id,
        round_=next_round(call),
        options=request.options,
        labels={},
        at=now,
        due_at=due_at,
    )
    if not call.open:
        return recording
    # Whichever worker begins it, what was said before the request isn't part of it.
    return replace(recording, intervals=intervals.begun(microseconds(now)))


def _known(recordings: Recordings, recording: Recording) -> Recording | None:
    for known in recordings.of_call(recording.call.key):
        if known.recording_id == recording.recording_id:
            return known
    return None
