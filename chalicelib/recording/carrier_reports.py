"""What carriers' webhooks say of streams, and how it joins what the sink saw.

The law: nobody writes the other's row. The sink owns calls and streams, a webhook owns the
announcement under the same call, and joining is a merge at read time, whichever came first.
`merge` is commutative, associative and idempotent: neither order nor repetition of webhooks shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.carrier_facts import TEXTS, CarrierFacts
from chalicelib.recording.model import Call, CallRef, Ending, Stream

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far a carrier's clock may be from ours before a late webhook looks like a new stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFacts(CarrierFacts):
    """What one webhook said beside start and end, and when."""

    said_at: datetime
    tracks: tuple[Track, ...] = ()
    encoding: Encoding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Everything that webhooks said of one stream; a row under its call in the Core table."""

    call: CallRef
    carrier_stream_id: str
    profile: str
    version: int = 0
    """counts its writes; 0: not stored"""
    started_at: datetime | None = None
    """the carrier's time of the latest start"""
    ended_at: datetime | None = None
    """the carrier's time of the latest end or refusal"""
    cause: str = ""
    """the carrier's word for why it ended"""
    facts: ReportedFacts

    @property
    def ended(self) -> bool:
        """Whether the carrier's last word is that the stream is over."""
        if self.ended_at is None:
            return False
        return self.started_at is None or self.ended_at >= self.started_at


def merge(stored: Announcement, said: Announcement) -> Announcement:
    """Return what both say together; the stored one's version and profile stay."""
    last = max(stored, said, key=_rank_of_end)
    return replace(
        stored,
        started_at=_later(stored.started_at, said.started_at),
        ended_at=last.ended_at,
        cause=last.cause,
        facts=_merge_facts(stored.facts, said.facts),
    )


def said_labels(announcements: Iterable[Announcement]) -> dict[str, str]:
    """Return the labels that webhooks gave a call; of two values of one name, the greater."""
    labels: dict[str, str] = {}
    for said in announcements:
        labels = _merge_labels(labels, said.facts.labels)
    return labels


def _merge_facts(one: ReportedFacts, other: ReportedFacts) -> ReportedFacts:
    latest = max(one, other, key=_rank_of_facts)
    return replace(latest, labels=_merge_labels(one.labels, other.labels))


def _merge_labels(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    # A call's tag doesn't change; should it, any rule will do that doesn't look at the order.
    names = one.keys() | other.keys()
    return {name: max(one.get(name, ""), other.get(name, "")) for name in names}


def _rank_of_end(announcement: Announcement) -> tuple[float, str]:
    at = announcement.ended_at
    return (at.timestamp() if at else float("-inf"), announcement.cause)


def _rank_of_facts(facts: ReportedFacts) -> tuple[float, str]:
    # Two webhooks of one instant that differ: any rule will do that doesn't look at their order.
    words = (facts.carrier_call_id, facts.node_id, facts.event_channel, facts.carrier_segment_id)
    rest = (facts.project_id, facts.space_id, facts.encoding, facts.tracks)
    return (facts.said_at.timestamp(), repr((words, rest)))


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at), default=None)


def corrected_stream(stream: Stream, announcements: Iterable[Announcement]) -> Stream:
    """Return a stream as webhooks correct it: its encoding, and STOPPED where they said so."""
    for said in announcements:
        if said.carrier_stream_id == stream.carrier_stream_id:
            stream = replace(stream, encoding=said.facts.encoding or stream.encoding)
            if stream.ending is not None and says_stopped(said, stream.opened_at):
                stream = replace(stream, ending=Ending.STOPPED)
    return stream


def says_stopped(said: Announcement, opened_at: datetime) -> bool:
    """Whether the end that a carrier announced is that of a stream opened then.

    A path can be tapped again: an end from before the handshake belongs to an earlier stream.
    """
    return said.ended and said.ended_at is not None and said.ended_at >= opened_at


def corrected_call(call: Call, announcements: Iterable[Announcement]) -> Call:
    """Return a call with what its webhooks say of it, the latest word on each fact."""
    spoken = tuple(announcements)
    if not spoken:
        return call
    facts = sorted((each.facts for each in spoken), key=_rank_of_facts, reverse=True)

    def latest(name: str) -> str:
        """Return the last word on a fact: an event that says nothing of it takes nothing back."""
        words = [str(getattr(said, name)) for said in facts]
        return next((word for word in words if word), str(getattr(call, name)))

    corrections: dict[str, Any] = {name: latest(name) for name in TEXTS}
    return replace(call, labels={**call.labels, **said_labels(spoken)}, **corrections)


def next_round(call: Call | None) -> int:
    """Return the round that a stream which joins now belongs to."""
    if call is None:
        return 1
    return call.round if call.open else call.round + 1


def awaited_round(said: Announcement, call: Call | None, streams: Iterable[Stream]) -> int | None:
    """Return the round that waits for the announced stream's media; None where nothing waits.

    Nothing waits for a stream that came, nor for one of a round that is open, whose recording has
    begun, or that closed.
    """
    if (call is not None and call.open) or any(_came(said, stream) for stream in streams):
        return None
    if call is not None and call.closed_at is not None:
        starts_anew = (
            not said.ended
            and said.started_at is not None
            and said.started_at > call.closed_at + CLOCK_TOLERANCE
        )
        return next_round(call) if starts_anew else None
    return next_round(call)


def _came(said: Announcement, stream: Stream) -> bool:
    if stream.carrier_stream_id != said.carrier_stream_id:
        return False
    if stream.ended_at is None or said.started_at is None:
        return True
    return said.started_at <= stream.ended_at + CLOCK_TOLERANCE
