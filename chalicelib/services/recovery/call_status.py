"""A call whose stream is silent, and of which no webhook told an end: its carrier is asked.

Webhooks are hints and may be lost, and a socket may stay open after its call. Silence proves
nothing either, because a carrier may send nothing during hold: only the carrier knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.carriers.contract.call_api import CarrierCall, Standing
from chalicelib.errors import SecretRefused
from chalicelib.ports.carriers import CarrierApi
from chalicelib.ports.rows import Calls, Mailbox, Profiles
from chalicelib.ports.values import CarrierDoor
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import Call, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStatusChecker:
    """What asking needs."""

    calls: Calls
    profiles: Profiles
    mailbox: Mailbox
    door: Callable[[Profile], CarrierDoor | None]
    api: CarrierApi
    now: Callable[[], datetime]


def inquire(call_key: str, stream_key: str, worker: str, needs: CallStatusChecker) -> Standing:
    """Ask where a call stands, and tell the worker that has its silent stream where it has ended;
    return the answer, UNKNOWN where nobody can be asked, or only with a secret that is refused.

    Raises NotFound, Forbidden, UrlRefused, Unavailable.
    """
    call = needs.calls.get(call_key)
    profile = needs.profiles.get(call.ref.account, call.profile)
    try:
        door = needs.door(profile)
    except SecretRefused:
        return Standing.UNKNOWN  # it was counted, and asking again wouldn't help
    if door is None or not call.open:
        return Standing.UNKNOWN
    standing = needs.api.standing(door, carrier_call(call))
    if standing is Standing.ENDED:
        command = Command(
            command_id=f"end-{stream_key}",
            kind=CommandKind.END_STREAM,
            worker=worker,
            call_key=call_key,
            recording_id="",
            stream_key=stream_key,
            at=needs.now(),
        )
        needs.mailbox.send(command)
    return standing


def carrier_call(call: Call) -> CarrierCall:
    """Return a call by the names that its carrier told."""
    call_id = call.carrier_call_id or call.ref.call_id
    return CarrierCall(call_id=call_id, segment_id=call.carrier_segment_id)
