"""Take in what carriers' webhooks say: each event once, in any order, durable before its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.dialects.webhooks.base import (
    EventFacts,
    StreamAnnounced,
    StreamState,
    UnknownEvent,
    WebhookEvent,
)
from chalicelib.errors import NotFound, PreconditionFailed, Unavailable
from chalicelib.ports import Calls, InboundEvent, Inbox, Recordings, Requested
from chalicelib.recording import announcements, naming
from chalicelib.recording.announcements import Announcement, CarrierFacts
from chalicelib.recording.model import Call, CallRef, Profile, Recording, RecordingEvent
from chalicelib.recording.request import pending_recording, requested

ATTEMPTS = 8
"""against other webhooks of the same stream; a call's come a few at a time"""

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeStores:
    """What taking in needs."""

    inbox: Inbox
    calls: Calls
    recordings: Recordings


def take_in(
    event: WebhookEvent,
    profile: Profile,
    stores: IntakeStores,
    *,
    now: datetime,
    announced_for: timedelta,
) -> bool:
    """Store an event and what follows from it; return whether it was new.

    When it returns, the event is durable. Raises Unavailable where it can't be made so.
    """
    is_new = _accept(event, profile, stores, now, announced_for)
    if isinstance(event, StreamAnnounced) and event.facts.labels:
        # After a crash between the two, the carrier's repetition mends the labels.
        _label(_ref(event.facts, profile), stores, now)
    return is_new


def _accept(
    event: WebhookEvent,
    profile: Profile,
    stores: IntakeStores,
    now: datetime,
    announced_for: timedelta,
) -> bool:
    inbound = _inbound(event, profile, now)
    for _ in range(ATTEMPTS):
        call, said, wanted = _consequences(event, profile, stores, now, announced_for)
        try:
            return stores.inbox.accept(inbound, call, said, wanted)
        except PreconditionFailed:
            continue  # another webhook of this stream was faster: read what it said
    raise Unavailable(f"the announcement of {event.facts.event_type} changed {ATTEMPTS} times")


def _consequences(
    event: WebhookEvent,
    profile: Profile,
    stores: IntakeStores,
    now: datetime,
    announced_for: timedelta,
) -> tuple[Call | None, Announcement | None, Requested | None]:
    """Return the call to make known, what is said of the stream, and what waits for its media."""
    if isinstance(event, UnknownEvent) or not event.facts.call_id:
        return None, None, None
    ref = _ref(event.facts, profile)
    stored = _stored_call(stores.calls, ref)
    new_call = None if stored else _unheard_call(ref, profile, now)
    if not isinstance(event, StreamAnnounced) or not _announces(event):
        return new_call, None, None
    spoken = stores.inbox.announcements(ref.key)
    said = _merged(_announcement(event, ref, profile, now), spoken)
    round_ = announcements.awaited_round(said, stored, stores.calls.streams(ref.key))
    if round_ is None or profile.record_call is None:
        return new_call, said, None
    recording = pending_recording(
        ref,
        profile,
        control_id=naming.default_control_id(ref.key, round_),
        round_=round_,
        options=profile.record_call,
        labels=announcements.said_labels([*spoken, said]),
        at=now,
        due_at=now + announced_for,
    )
    wanted = Requested(recording=recording, event=requested(recording, event.facts.event_type))
    return new_call, said, wanted


def _unheard_call(ref: CallRef, profile: Profile, now: datetime) -> Call:
    return Call(ref=ref, profile=profile.name, open=False, round=0, generation=0, opened_at=now)


def _announces(event: StreamAnnounced) -> bool:
    """Tell whether an event is about a stream to our sink, not about a second of its name."""
    return bool(event.carrier_stream_id) and not event.original_stream_id


def _announcement(
    event: StreamAnnounced, ref: CallRef, profile: Profile, now: datetime
) -> Announcement:
    facts, at = event.facts, event.facts.event_time or now
    is_start = event.state is StreamState.STARTED
    return Announcement(
        call=ref,
        carrier_stream_id=event.carrier_stream_id,
        profile=profile.name,
        started_at=at if is_start else event.started_at,
        ended_at=None if is_start else _end(event, at),
        cause=event.cause,
        facts=CarrierFacts(
            said_at=at,
            tracks=event.tracks,
            encoding=event.encoding,
            labels=facts.labels,
            carrier_call_id=facts.carrier_call_id,
            node_id=facts.node_id,
            event_channel=facts.event_channel,
            carrier_segment_id=facts.carrier_segment_id,
            project_id=facts.project_id,
            space_id=facts.space_id,
        ),
    )


def _end(event: StreamAnnounced, at: datetime) -> datetime:
    """Return when a stream ended: published examples give an end the event time of its start."""
    if event.started_at is None or event.duration_s is None:
        return at
    return max(at, event.started_at + timedelta(seconds=event.duration_s))


def _merged(said: Announcement, spoken: list[Announcement]) -> Announcement:
    for stored in spoken:
        if stored.carrier_stream_id == said.carrier_stream_id:
            return announcements.merge(stored, said)
    return said


def _stored_call(calls: Calls, ref: CallRef) -> Call | None:
    try:
        return calls.get(ref.key)
    except NotFound:
        return None


def _inbound(event: WebhookEvent, profile: Profile, now: datetime) -> InboundEvent:
    facts = event.facts
    return InboundEvent(
        account=profile.account,
        carrier=facts.carrier,
        event_key=facts.dedupe_key,
        event_type=_UNKNOWN if isinstance(event, UnknownEvent) else facts.event_type,
        call_id=facts.call_id,
        occurred_at=facts.event_time,
        received_at=now,
        body=facts.body,
    )


def _ref(facts: EventFacts, profile: Profile) -> CallRef:
    return CallRef(account=profile.account, carrier=facts.carrier, call_id=facts.call_id)


def _label(ref: CallRef, stores: IntakeStores, now: datetime) -> None:
    """Put what webhooks said on a call's recordings: media may have come before its webhook."""
    labels = announcements.said_labels(stores.inbox.announcements(ref.key))
    for _ in range(ATTEMPTS):
        lacking = [
            recording
            for recording in stores.recordings.of_call(ref.key)
            if not labels.items() <= recording.labels.items()
        ]
        if not lacking:
            return
        for recording in lacking:
            _label_one(recording, labels, stores.recordings, now)


def _label_one(
    recording: Recording, labels: Mapping[str, str], recordings: Recordings, now: datetime
) -> None:
    event = RecordingEvent(
        recording_id=recording.recording_id, at=now, event="labelled", detail=dict(labels)
    )
    try:
        recordings.write(replace(recording, labels={**recording.labels, **labels}), event, None)
    except PreconditionFailed:
        return  # its owner was faster: the next look at it labels it
