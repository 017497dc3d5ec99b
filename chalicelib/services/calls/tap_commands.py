"""Sends `tap` and `stop_tap` to the worker that captures the call, and waits for a while.

The worker creates the tap's row when the destination accepts or refuses it: that row is the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chalicelib.errors import Conflict, NotFound
from chalicelib.media.rtp import RATE_HZ
from chalicelib.ports.rows import Taps
from chalicelib.recording import keys, request_fields
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import Call
from chalicelib.services.calls.commands import CallName, Commander
from chalicelib.services.calls.queries import find_call
from chalicelib.services.calls.record_call import verify_call_id
from chalicelib.services.calls.tap_control import failed_at_once
from chalicelib.tapping import lifecycle
from chalicelib.tapping.model import Tap, TapOptions, rtp_address
from chalicelib.tapping.options import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class TapCommander:
    """Sends the commands of taps."""

    taps: Taps
    commands: Commander

    def begin(self, call: Call, control_id: str, options: TapOptions) -> Tap | None:
        """Return the tap of this control id, which may have ended by now; None while its worker
        hasn't answered.

        Raises Conflict: `control_id_taken` where the control id has other options, `no_live_media`,
        `several_workers`, or the reason why the destination refused it.
        """
        tap_id = keys.tap_id(call.ref.key, control_id)
        known = self._known(call, tap_id)
        if known is None:
            command = self._command(call, CommandKind.TAP, tap_id, self.commands.worker_of(call))
            asked = {**to_json(options), "control_id": control_id}
            is_done = self.commands.tell(replace(command, tap=asked))
            known = self._known(call, tap_id)
            if known is None and is_done:
                raise Conflict("the call ended meanwhile", code="no_live_media")
        return known and _verified(known, options)

    def stop(self, call: Call, tap: Tap) -> bool:
        """End a tap; return whether it has ended. An ended one stays as it is."""
        if lifecycle.is_finished(tap.state):
            return True
        worker = self._worker(call) or tap.worker
        self.commands.tell(self._command(call, CommandKind.STOP_TAP, tap.tap_id, worker))
        return lifecycle.is_finished(self.taps.get(call.ref.key, tap.tap_id).state)

    def find(self, call: Call, control_id: str | None) -> Tap:
        """Return a call's tap; without a control id, the latest one that sends. Raises NotFound,
        Conflict `not_tapping`."""
        key = call.ref.key
        if control_id is not None:
            return self.taps.get(key, keys.tap_id(key, control_id))
        tapping = [tap for tap in self.taps.of_call(key) if lifecycle.is_tapping(tap.state)]
        if not tapping:
            raise Conflict("no tap of the call sends", code="not_tapping")
        return tapping[-1]

    def live_call(self, name: CallName) -> Call:
        """Return a call that may be live. Raises Conflict `no_live_media` where there is none,
        InvalidRequest."""
        verify_call_id(name.call_id)
        call = find_call(self.commands.calls, name.account, name.call_id, name.carrier)
        if call is None:
            raise Conflict("nothing of the call was ever heard", code="no_live_media")
        return call

    def _worker(self, call: Call) -> str:
        """Return the worker that has a call and its taps; empty while the call has no stream."""
        try:
            return self.commands.worker_of(call)
        except Conflict:
            return ""

    def _known(self, call: Call, tap_id: str) -> Tap | None:
        try:
            return self.taps.get(call.ref.key, tap_id)
        except NotFound:
            return None

    def _command(self, call: Call, kind: CommandKind, tap_id: str, worker: str) -> Command:
        return Command(
            command_id=self.commands.new_id(),
            kind=kind,
            worker=worker,
            call_key=call.ref.key,
            recording_id=tap_id,
            at=self.commands.now(),
        )


def variables(control_id: str, options: TapOptions, tap: Tap | None) -> Mapping[str, object]:
    """Return what `tap` sets: SWML's variables; None: not known yet from where it sends."""
    told: dict[str, object] = {
        "tap_uri": options.uri,
        "tap_result": "success",
        "tap_control_id": control_id,
        "tap_codec": str(options.codec),
        "tap_rate": RATE_HZ,
    }
    if rtp_address(options.uri) is None:
        return told
    told["tap_ptime"] = options.rtp_ptime_ms
    if tap is not None:
        told |= {"tap_rtp_src_addr": tap.source_address, "tap_rtp_src_port": tap.source_port}
    return told


def parse_stop(body: Mapping[str, object]) -> str | None:
    """Return the control id that a stop names; None: the most recent. Raises InvalidRequest."""
    request_fields.verify_known("stop_tap", body, {"control_id"})
    return request_fields.control_id(body)


def _verified(tap: Tap, options: TapOptions) -> Tap:
    if tap.options != options:
        fact = f"control_id {tap.control_id} has other options"
        raise Conflict(fact, code="control_id_taken")
    if failed_at_once(tap):
        raise Conflict("the destination didn't take it", code=tap.reason)
    return tap
