"""Asks the carrier whether a call with a silent stream goes on, if no webhook reported its end.

Webhooks may be lost, and a socket may stay open after its call. Silence proves nothing either,
because a carrier may send nothing during hold: only the carrier knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.carriers.contract.call_api import CarrierCall, Standing
from chalicelib.errors import SecretRefused
from chalicelib.ports.accounts import Profiles
from chalicelib.ports.carriers import CarrierApi
from chalicelib.ports.rows import Calls, Mailbox
from chalicelib.ports.values import CarrierDoor
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import Call, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStatusChecker:
    """Asks carriers about calls whose streams are silent."""

    calls: Calls
    profiles: Profiles
    mailbox: Mailbox
    door: Callable[[Profile], CarrierDoor | None]
    api: CarrierApi
    now: Callable[[], datetime]

    def check(self, call_key: str, stream_key: str, worker: str) -> Standing:
        """Ask the carrier whether a call goes on, and tell its worker to end the silent stream if
        it doesn't. Return the answer: UNKNOWN where the profile has no usable secret.

        Raises NotFound, Forbidden, UrlRefused, Unavailable.
        """
        call = self.calls.get(call_key)
        profile = self.profiles.get(call.ref.account, call.profile)
        try:
            door = self.door(profile)
        except SecretRefused:
            return Standing.UNKNOWN  # it was counted, and asking again wouldn't help
        if door is None or not call.open:
            return Standing.UNKNOWN
        standing = self.api.standing(door, carrier_call(call))
        if standing is Standing.ENDED:
            command = Command(
                command_id=f"end-{stream_key}",
                kind=CommandKind.END_STREAM,
                worker=worker,
                call_key=call_key,
                recording_id="",
                stream_key=stream_key,
                at=self.now(),
            )
            self.mailbox.send(command)
        return standing


def carrier_call(call: Call) -> CarrierCall:
    """Return a call by its carrier's own ids."""
    call_id = call.carrier_call_id or call.ref.call_id
    return CarrierCall(call_id=call_id, segment_id=call.carrier_segment_id)
