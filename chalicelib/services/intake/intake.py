"""Takes in carriers' webhooks: each event once, in any order, durable before its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.carriers.contract.webhook import (
    CarrierRecording,
    StreamAnnounced,
    StreamState,
    UnknownEvent,
    WebhookEvent,
)
from chalicelib.errors import NotFound, PreconditionFailed, Unavailable
from chalicelib.ports.aws import Workflows
from chalicelib.ports.rows import Calls, Inbox, Recordings
from chalicelib.ports.values import InboundEvent, NewRecording
from chalicelib.recording import carrier_reports, keys, lifecycle
from chalicelib.recording.carrier_facts import facts_of
from chalicelib.recording.carrier_reports import CarrierReport, ReportedFacts
from chalicelib.recording.model import Call, CallRef, Profile, Recording
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.recording.pending import pending_recording, requested, unheard_call
from chalicelib.services.intake.carrier_recordings import copy_of

ATTEMPTS = 8
"""tries against other webhooks of the same stream; a call has a few at a time"""

_UNKNOWN = "unknown"
_NO_STREAM = "(recording)"
"""in the place of a stream id: the facts that events of carriers' recordings tell of a call"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """An event, the profile of its token, and the time of its arrival."""

    event: WebhookEvent
    profile: Profile
    at: datetime
    announced_for: timedelta
    """the time that an announced stream may have no media"""

    @property
    def ref(self) -> CallRef:
        """Return the call that the event is about."""
        facts = self.event.facts
        return CallRef(account=self.profile.account, carrier=facts.carrier, call_id=facts.call_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Consequences:
    """The writes that follow from an event."""

    call: Call | None = None
    """the call to create"""
    report: CarrierReport | None = None
    """the report on the stream, merged from all of its webhooks"""
    wanted: NewRecording | None = None
    """the recording that waits for media, or for a download"""
    labels: Mapping[str, str] = field(default_factory=dict)
    """the labels of the call's recordings, by all webhooks; empty if this event has none"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReceiver:
    """Stores what carriers post, and what follows from it."""

    inbox: Inbox
    calls: Calls
    recordings: Recordings
    workflows: Callable[[], Workflows]
    """called only to start something: most webhooks start nothing"""

    def take_in(self, received: ReceivedEvent) -> bool:
        """Store an event and what follows from it; return whether it was new.

        When this returns, the event is durable. Raises Unavailable if it can't be stored.
        """
        inbound = _inbound(received)
        for _ in range(ATTEMPTS):
            found = self._consequences(received)
            try:
                is_new = self.inbox.accept(inbound, found.call, found.report, found.wanted)
            except PreconditionFailed:
                continue  # another webhook of this stream was faster: read its report
            # After a crash between the two, the carrier's repetition sets the labels.
            if found.labels:
                self._label(received, found.labels)
            self._start(found.wanted)
            return is_new
        raise Unavailable(f"the report of {inbound.event_type} changed {ATTEMPTS} times")

    def _consequences(self, received: ReceivedEvent) -> _Consequences:
        event = received.event
        if isinstance(event, UnknownEvent) or not event.facts.call_id:
            return _Consequences()
        stored = _stored_call(self.calls, received.ref)
        new_call = None if stored else unheard_call(received.ref, received.profile, received.at)
        if isinstance(event, CarrierRecording) and event.is_available:
            return self._to_fetch(event, received, stored, new_call)
        if not isinstance(event, StreamAnnounced) or not _announces(event):
            return _Consequences(call=new_call)
        stored_reports = self.inbox.carrier_reports(received.ref.key)
        report = _merged(_report(event, received), stored_reports)
        labels = carrier_reports.reported_labels([*stored_reports, report])
        round_ = _awaited_round(report, stored, self.calls)
        return _Consequences(
            call=new_call,
            report=report,
            wanted=None if round_ is None else _wanted(received, round_, labels),
            labels=labels if event.facts.labels else {},
        )

    def _to_fetch(
        self,
        event: CarrierRecording,
        received: ReceivedEvent,
        stored: Call | None,
        new_call: Call | None,
    ) -> _Consequences:
        stored_reports = self.inbox.carrier_reports(received.ref.key)
        at = event.facts.event_time or received.at
        report = CarrierReport(
            call=received.ref,
            carrier_stream_id=_NO_STREAM,
            profile=received.profile.name,
            facts=_facts(event, at),
        )
        labels = carrier_reports.reported_labels([*stored_reports, report])
        wanted = copy_of(
            event,
            received.ref,
            received.profile,
            round_=max(1, stored.round) if stored else 1,
            labels=labels,
            at=received.at,
        )
        return _Consequences(
            call=new_call,
            report=_merged(report, stored_reports),
            wanted=wanted,
            labels=labels if event.facts.labels else {},
        )

    def _start(self, wanted: NewRecording | None) -> None:
        """Start a finalization; it has a name of its own, so a repeated event starts it once."""
        if wanted is None or not lifecycle.is_finalizing(wanted.recording.state):
            return
        recording = wanted.recording
        try:
            self.workflows().start_finalization(recording.recording_id, recording.attempt)
        except Unavailable:
            return  # the event is durable, and the row is due in two minutes: the sweeper starts it

    def _label(self, received: ReceivedEvent, labels: Mapping[str, str]) -> None:
        """Add labels to a call's recordings: media may arrive before the webhook."""
        for _ in range(ATTEMPTS):
            lacking = [
                recording
                for recording in self.recordings.of_call(received.ref.key)
                if not labels.items() <= recording.labels.items()
            ]
            if not lacking:
                break
            for recording in lacking:
                self._label_one(recording, labels, received.at)

    def _label_one(self, recording: Recording, labels: Mapping[str, str], at: datetime) -> None:
        event = RecordingEvent(
            recording_id=recording.recording_id, at=at, event="labelled", detail=dict(labels)
        )
        try:
            self.recordings.write(
                replace(recording, labels={**recording.labels, **labels}), event, None
            )
        except PreconditionFailed:
            return  # its owner was faster: the next try labels it


def _stored_call(calls: Calls, ref: CallRef) -> Call | None:
    try:
        return calls.get(ref.key)
    except NotFound:
        return None


def _announces(event: StreamAnnounced) -> bool:
    """Whether an event is about a stream to our sink, and no duplicate of its name."""
    return bool(event.carrier_stream_id) and not event.original_stream_id


def _report(event: StreamAnnounced, received: ReceivedEvent) -> CarrierReport:
    at = event.facts.event_time or received.at
    is_start = event.state is StreamState.STARTED
    return CarrierReport(
        call=received.ref,
        carrier_stream_id=event.carrier_stream_id,
        profile=received.profile.name,
        started_at=at if is_start else event.started_at,
        ended_at=None if is_start else _end(event, at),
        cause=event.cause,
        facts=replace(_facts(event, at), tracks=event.tracks, encoding=event.encoding),
    )


def _facts(event: StreamAnnounced | CarrierRecording, at: datetime) -> ReportedFacts:
    return ReportedFacts(said_at=at, **facts_of(event.facts))


def _end(event: StreamAnnounced, at: datetime) -> datetime:
    """Return when a stream ended: in published examples an end has its start's event time."""
    if event.started_at is None or event.duration_s is None:
        return at
    try:
        return max(at, event.started_at + timedelta(seconds=event.duration_s))
    except OverflowError:
        return at  # no call lasts that long


def _merged(report: CarrierReport, stored_reports: list[CarrierReport]) -> CarrierReport:
    for stored in stored_reports:
        if stored.carrier_stream_id == report.carrier_stream_id:
            return carrier_reports.merge(stored, report)
    return report


def _awaited_round(report: CarrierReport, stored: Call | None, calls: Calls) -> int | None:
    # An unknown call has no streams, and a live one waits for nothing: no read is needed.
    is_settled = stored is None or stored.open
    streams = [] if is_settled else calls.streams(report.call.key)
    return carrier_reports.awaited_round(report, stored, streams)


def _wanted(received: ReceivedEvent, round_: int, labels: Mapping[str, str]) -> NewRecording | None:
    """Return the profile's default recording, if it has one."""
    options, ref = received.profile.record_call, received.ref
    if options is None:
        return None
    recording = pending_recording(
        ref,
        received.profile,
        control_id=keys.default_control_id(ref.key, round_),
        round_=round_,
        options=options,
        labels=labels,
        at=received.at,
        due_at=received.at + received.announced_for,
    )
    by = received.event.facts.event_type
    return NewRecording(recording=recording, event=requested(recording, by))


def _inbound(received: ReceivedEvent) -> InboundEvent:
    facts = received.event.facts
    is_unknown = isinstance(received.event, UnknownEvent)
    return InboundEvent(
        account=received.profile.account,
        carrier=facts.carrier,
        event_key=facts.dedupe_key,
        event_type=_UNKNOWN if is_unknown else facts.event_type,
        call_id=facts.call_id,
        occurred_at=facts.event_time,
        received_at=received.at,
        body=facts.body,
    )
