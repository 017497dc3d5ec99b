"""Reads recordings and calls for the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MINYEAR, UTC, datetime

from chalicelib.carriers.contract.stream import is_carrier_id
from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.ports.rows import Calls, Recordings, Taps
from chalicelib.ports.values import Page, RecordingFilter
from chalicelib.recording import request_fields
from chalicelib.recording.erasure import is_deleted
from chalicelib.recording.model import Call, Recording, State, Stream
from chalicelib.tapping.model import Tap

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCall:
    """A call with its streams, recordings and taps."""

    call: Call
    streams: tuple[Stream, ...]
    recordings: tuple[Recording, ...]
    taps: tuple[Tap, ...]


def list_recordings(
    recordings: Recordings, account: str, query: Mapping[str, str]
) -> Page[Recording]:
    """Return a page of an account's recordings, newest first. Raises InvalidRequest."""
    wanted = RecordingFilter(
        call_id=_call_id(query),
        state=_state(query),
        label=_label(query),
        since=_instant(query, "from"),
        until=_instant(query, "to"),
    )
    return recordings.listing(account, wanted, _limit(query), query.get("cursor", ""))


def list_calls(calls: Calls, account: str, query: Mapping[str, str]) -> Page[Call]:
    """Return a page of an account's calls, newest first. Raises InvalidRequest."""
    return calls.listing(account, _limit(query), query.get("cursor", ""))


def find_recording(recordings: Recordings, account: str, recording_id: str) -> Recording:
    """Return an account's recording. Raises NotFound, also for another's or a deleted one."""
    recording = recordings.get(recording_id)
    if recording.call.account != account or is_deleted(recording):
        raise NotFound(f"recording {recording_id}", code="no_such_recording")
    return recording


def find_call(calls: Calls, account: str, call_id: str, carrier: str = "") -> Call | None:
    """Return an account's call of a carrier's id, None where it has none.

    Raises InvalidRequest where two carriers gave the same id and none of them is named.
    """
    found = [call for call in calls.named(account, call_id) if carrier in ("", call.ref.carrier)]
    if len(found) > 1:
        carriers = ", ".join(sorted(call.ref.carrier for call in found))
        raise InvalidRequest(f"carrier: choose one of {carriers}", code="ambiguous_call")
    return found[0] if found else None


def describe_call(
    calls: Calls, recordings: Recordings, taps: Taps, account: str, call_id: str, carrier: str
) -> KnownCall:
    """Return a call with its streams, recordings and taps. Raises NotFound, InvalidRequest."""
    call = find_call(calls, account, call_id, carrier)
    if call is None:
        raise NotFound(f"call {call_id}", code="no_such_call")
    return KnownCall(
        call=call,
        streams=tuple(calls.streams(call.ref.key)),
        recordings=tuple(r for r in recordings.of_call(call.ref.key) if not is_deleted(r)),
        taps=tuple(taps.of_call(call.ref.key)),
    )


def _call_id(query: Mapping[str, str]) -> str:
    call_id = query.get("call_id", "")
    if call_id and not is_carrier_id(call_id):
        raise InvalidRequest("call_id: not 1 to 128 visible ASCII characters", code="bad_call_id")
    return call_id


def _state(query: Mapping[str, str]) -> str:
    state = query.get("state", "")
    if state and state not in set(State):
        raise request_fields.out_of_range("state", "one of " + ", ".join(State), state)
    return state


def _label(query: Mapping[str, str]) -> tuple[str, str] | None:
    """Read `label.<name>=<value>` or `label=<name>:<value>`."""
    labels = [
        (name.removeprefix("label."), value)
        for name, value in query.items()
        if name.startswith("label.")
    ]
    if "label" in query:
        name, colon, value = query["label"].partition(":")
        if not colon:
            raise request_fields.wrong_type("label", "name:value", query["label"])
        labels.append((name, value))
    if len(labels) > 1:
        raise InvalidRequest("label: at most one", code="repeated_parameter")
    if labels and not labels[0][0]:
        raise InvalidRequest("label: its name is empty", code="out_of_range")
    return labels[0] if labels else None


def _instant(query: Mapping[str, str], name: str) -> datetime | None:
    """Read an ISO 8601 time; without a zone it is UTC."""
    text = query.get(name)
    if text is None:
        return None
    try:
        # A + of a zone that wasn't encoded arrives as a space.
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise request_fields.wrong_type(name, "an ISO 8601 time", text) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else _in_utc(at)


def _in_utc(at: datetime) -> datetime:
    """Return a time in UTC; one that lies beyond the calendar there is the calendar's end."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return _FIRST if at.year == MINYEAR else _LAST


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit()):
        raise request_fields.wrong_type("limit", "a whole number", text)
    if not 1 <= (limit := int(text[:9])) <= MAX_LIMIT:
        raise request_fields.out_of_range("limit", f"from 1 to {MAX_LIMIT}", text)
    return limit
