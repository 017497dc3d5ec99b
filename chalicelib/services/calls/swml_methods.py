"""Runs SWML's methods on a call, for their own routes and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.recording.model import Profile
from chalicelib.services.calls import instructions
from chalicelib.services.calls.commands import CallName, Commander, find_controlled, state_of
from chalicelib.services.calls.instructions import Deployment
from chalicelib.services.calls.record_call import RecordCallRequest, RecordingRequester
from chalicelib.services.calls.tap_commands import TapCommander, variables
from chalicelib.tapping.model import TapOptions

BEEP_NOT_PLAYED: Mapping[str, str] = {
    "code": "beep_not_played",
    "message": "the carrier plays nothing back: the beep lies over the recording's beginning",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """The result of a method."""

    variables: Mapping[str, object]
    """SWML's variables; until it is done, the state so far"""
    is_done: bool
    """False: the call's worker hasn't carried it out yet"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRunner:
    """Runs SWML's methods on calls."""

    commands: Commander
    taps: TapCommander
    deployment: Callable[[], Deployment]
    requester: RecordingRequester
    download_token_for: timedelta

    def record_call(self, profile: Profile, request: RecordCallRequest) -> MethodResult:
        """Record a call: a live one from now on, any other from its first media on.

        Raises Conflict `control_id_taken`, `several_workers`, InvalidRequest.
        """
        now = self.commands.now()
        recording = self.requester.request(profile, request)
        answer = self.commands.begin(recording)
        deployment = self.deployment()
        expires_at = now + self.download_token_for
        call = (profile, request.call_id, recording.options, deployment, now)
        variables: dict[str, object] = {
            "record_call_url": instructions.download_url(recording, deployment, expires_at),
            "record_call_result": "success",
            "record_control_id": recording.control_id,
            "stream_url": instructions.call_stream_url(*call),
            "stream_urls": list(instructions.call_stream_urls(*call)),
        }
        if recording.options.beep and not profile.bidirectional:
            variables["warnings"] = [BEEP_NOT_PLAYED]
        return MethodResult(variables=variables, is_done=answer.is_done)

    def stop_record_call(self, name: CallName, control_id: str | None) -> MethodResult:
        """End a recording. Raises Conflict, NotFound, InvalidRequest."""
        answer = self.commands.stop(find_controlled(self.commands, name, control_id))
        if not answer.is_done:
            return MethodResult(variables=state_of(answer), is_done=False)
        return MethodResult(variables={"stop_record_call_result": "success"}, is_done=True)

    def tap(self, name: CallName, control_id: str, options: TapOptions) -> MethodResult:
        """Send a live call's audio to another address from now on.

        Raises Conflict: `no_live_media`, `control_id_taken`, `several_workers`, or the reason why
        the destination refused it; InvalidRequest.
        """
        tap = self.taps.begin(self.taps.live_call(name), control_id, options)
        return MethodResult(variables=variables(control_id, options, tap), is_done=tap is not None)

    def stop_tap(self, name: CallName, control_id: str | None) -> MethodResult:
        """End a tap. Raises Conflict `not_tapping`, NotFound, InvalidRequest."""
        call = self.taps.live_call(name)
        is_done = self.taps.stop(call, self.taps.find(call, control_id))
        return MethodResult(variables={"stop_tap_result": "success"}, is_done=is_done)
