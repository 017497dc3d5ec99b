"""Has carriers tap again the calls of a silent worker, each stream once.

The worker's death needn't be certain: if it only slept, two streams of one track arrive, and the
newer one wins from its first sample. So this doesn't wait for the confirmation, 14 s later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.capture.events import Track
from chalicelib.carriers.contract.call_api import TapAgain
from chalicelib.carriers.contract.document import Sides
from chalicelib.errors import CallerError, NotFound, TapedeckError, Unavailable
from chalicelib.ports.accounts import Profiles
from chalicelib.ports.carriers import CarrierApi, Retaps
from chalicelib.ports.rows import Calls, Leases, LiveStreams, RecordingHistory, Recordings
from chalicelib.ports.values import CarrierDoor
from chalicelib.recording import keys, lifecycle, rtp_endpoint
from chalicelib.recording.model import Call, Profile, Stream
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.calls import instructions
from chalicelib.services.calls.instructions import Deployment
from chalicelib.services.recovery.call_status import carrier_call

THREADS = 32
"""A worker has up to 250 calls with two taps each, and one request takes about 200 ms."""
WAITS_S = (0.5, 2.0)
"""waits between the attempts of one request"""

_SIDES: Mapping[tuple[Track, ...], tuple[Sides, str]] = {
    (Track.INBOUND,): (Sides.SPEAK, "speak"),
    (Track.OUTBOUND,): (Sides.LISTEN, "listen"),
    (Track.MIXED,): (Sides.MIXED, "both"),
}


class RetapOutcome(StrEnum):
    """The outcome for one stream of a dead worker."""

    RETAPPED = "retapped"
    FAILED = "retap_failed"
    UNANSWERED = "retap_unanswered"
    """the carrier or the database is unavailable: the execution tries again"""
    REPLACED = "replaced"
    """another stream has its tracks: of a worker that forwarded it, or of the carrier itself"""
    OVER = "over"
    """the stream, or its call, has ended"""
    NOT_POSSIBLE = "not_possible"
    """the carrier's API can't do it, or the profile's secret names no API"""
    TAKEN = "taken"
    """another execution handles it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retapper:
    """Has carriers tap again what a dead worker held."""

    leases: Leases
    live_streams: LiveStreams
    calls: Calls
    profiles: Profiles
    recordings: Recordings
    history: RecordingHistory
    retaps: Retaps
    door: Callable[[Profile], CarrierDoor | None]
    api: CarrierApi
    deployment: Callable[[], Deployment]
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    """sleeps that many seconds"""

    def retap(self, worker: str, renewals: int) -> Mapping[str, int]:
        """Have carriers tap again the streams of a worker last seen at `renewals`; return the
        count of each outcome. Does nothing if the worker has renewed since.

        Raises Unavailable where a carrier or the database didn't answer: run it again, and no
        carrier is asked twice for the same stream.
        """
        found = [lease for lease in self.leases.all() if lease.worker == worker]
        if any(lease.renewals != renewals for lease in found):
            return {}
        held = [one for one in self.live_streams.of_worker(worker) if not one.complete]
        by = keys.retaps_name(worker, renewals)
        with ThreadPoolExecutor(THREADS) as pool:
            outcomes = list(pool.map(lambda stream: _Retap(stream, by, self).run(), held))
        if unanswered := outcomes.count(RetapOutcome.UNANSWERED):
            raise Unavailable(f"{unanswered} of {len(outcomes)} taps have no answer")
        return dict(Counter(str(outcome) for outcome in outcomes))


class _Retap:
    """One stream that may be tapped again."""

    def __init__(self, stream: Stream, by: str, needs: Retapper) -> None:
        self._stream = stream
        self._by = by
        self._needs = needs

    def run(self) -> RetapOutcome:
        """Tap again if it is needed and possible."""
        try:
            call = self._needs.calls.get(self._stream.call.key)
            outcome = _standing_in(self._stream, call, self._needs.calls)
            return outcome or self._ask(call)
        except Unavailable:
            return RetapOutcome.UNANSWERED
        except TapedeckError as error:
            return self._tell(RetapOutcome.FAILED, error.message)

    def _ask(self, call: Call) -> RetapOutcome:
        profile = self._needs.profiles.get(call.ref.account, call.profile)
        door = self._needs.door(profile)
        if door is None or self._stream.dialect == rtp_endpoint.DIALECT:
            return RetapOutcome.NOT_POSSIBLE
        if not self._needs.retaps.begin(self._stream, self._by, self._needs.now()):
            return RetapOutcome.TAKEN
        try:
            self._tap(door, _wanted(self._stream, call, profile, self._needs))
        except CallerError as error:
            outcome, fact = _refused(error), error.message
        else:
            outcome, fact = RetapOutcome.RETAPPED, ""
        self._needs.retaps.end(self._stream, self._by)
        return self._tell(outcome, fact)

    def _tap(self, door: CarrierDoor, wanted: TapAgain) -> None:
        """Ask the carrier, and repeat while it is unavailable. Raises CallerError, Unavailable."""
        for wait_s in WAITS_S:
            try:
                return self._needs.api.tap(door, wanted)
            except Unavailable:
                self._needs.wait(wait_s)
        return self._needs.api.tap(door, wanted)

    def _tell(self, outcome: RetapOutcome, fact: str) -> RetapOutcome:
        """Write the outcome into the history of the call's live recordings."""
        detail = {"tracks": " ".join(self._stream.tracks), "worker": self._stream.worker}
        if fact:
            detail["fact"] = fact
        for recording in self._needs.recordings.of_call(self._stream.call.key):
            if lifecycle.is_live(recording.state) and recording.round == self._stream.round:
                event = RecordingEvent(
                    recording_id=recording.recording_id,
                    at=self._needs.now(),
                    event=str(outcome),
                    detail=detail,
                )
                self._needs.history.append(event)
        return outcome


def _standing_in(stream: Stream, call: Call, calls: Calls) -> RetapOutcome | None:
    """Return why a stream needs no replacement; None if it needs one."""
    if not call.open or call.round != stream.round:
        return RetapOutcome.OVER
    streams = calls.streams(call.ref.key)
    if any(_takes_over(other, stream) for other in streams):
        return RetapOutcome.REPLACED
    itself = next(one for one in streams if one.stream_key == stream.stream_key)
    return RetapOutcome.OVER if itself.ended_at is not None and itself.complete else None


def _takes_over(other: Stream, stream: Stream) -> bool:
    is_newer = other.opened_at >= stream.opened_at and other.stream_key != stream.stream_key
    is_live = other.ended_at is None and other.worker != stream.worker
    return is_newer and is_live and set(stream.tracks) <= set(other.tracks)


def _refused(error: CallerError) -> RetapOutcome:
    if error.code == "cant_tap":
        return RetapOutcome.NOT_POSSIBLE
    return RetapOutcome.OVER if isinstance(error, NotFound) else RetapOutcome.FAILED


def _wanted(stream: Stream, call: Call, profile: Profile, needs: Retapper) -> TapAgain:
    sides, direction = _sides(stream.tracks)
    uri, status_url = instructions.stream_again(
        profile, call.ref.call_id, sides, needs.deployment(), needs.now()
    )
    return TapAgain(
        call=carrier_call(call),
        control_id=keys.retap_control_id(stream.stream_key),
        direction=direction,
        uri=uri,
        encoding=stream.encoding,
        status_url=status_url,
    )


def _sides(tracks: Sequence[Track]) -> tuple[Sides, str]:
    return _SIDES.get(tuple(tracks), (Sides.MIXED, "both"))
