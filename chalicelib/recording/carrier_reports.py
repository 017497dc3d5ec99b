"""Merges carriers' webhook reports about streams, and joins them with what the sink saw.

The law: neither writes the other's row. The sink owns calls and streams, webhooks own the reports
under the same call, and a read merges both, whichever arrived first.
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
"""The largest clock difference to a carrier; beyond it, a late webhook looks like a new stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFacts(CarrierFacts):
    """The facts in one webhook beside start and end, and the time of the report."""

    said_at: datetime
    tracks: tuple[Track, ...] = ()
    encoding: Encoding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierReport:
    """The webhooks' reports about one stream; a row under its call in the Core table."""

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


def merge(stored: CarrierReport, report: CarrierReport) -> CarrierReport:
    """Return what both say together; the stored one's version and profile stay."""
    last = max(stored, report, key=_rank_of_end)
    return replace(
        stored,
        started_at=_later(stored.started_at, report.started_at),
        ended_at=last.ended_at,
        cause=last.cause,
        facts=_merge_facts(stored.facts, report.facts),
    )


def reported_labels(reports: Iterable[CarrierReport]) -> dict[str, str]:
    """Return the labels that webhooks gave a call; of two values of one name, the greater."""
    labels: dict[str, str] = {}
    for report in reports:
        labels = _merge_labels(labels, report.facts.labels)
    return labels


def _merge_facts(one: ReportedFacts, other: ReportedFacts) -> ReportedFacts:
    latest = max(one, other, key=_rank_of_facts)
    return replace(latest, labels=_merge_labels(one.labels, other.labels))


def _merge_labels(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    # A call's tag doesn't change; should it, any rule will do that doesn't look at the order.
    names = one.keys() | other.keys()
    return {name: max(one.get(name, ""), other.get(name, "")) for name in names}


def _rank_of_end(report: CarrierReport) -> tuple[float, str]:
    at = report.ended_at
    return (at.timestamp() if at else float("-inf"), report.cause)


def _rank_of_facts(facts: ReportedFacts) -> tuple[float, str]:
    # Two webhooks of one instant that differ: any rule will do that doesn't look at their order.
    words = (facts.carrier_call_id, facts.node_id, facts.event_channel, facts.carrier_segment_id)
    rest = (facts.project_id, facts.space_id, facts.encoding, facts.tracks)
    return (facts.said_at.timestamp(), repr((words, rest)))


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at), default=None)


def corrected_stream(stream: Stream, reports: Iterable[CarrierReport]) -> Stream:
    """Return a stream as webhooks correct it: its encoding, and STOPPED if they report that."""
    for report in reports:
        if report.carrier_stream_id == stream.carrier_stream_id:
            stream = replace(stream, encoding=report.facts.encoding or stream.encoding)
            if stream.ending is not None and reports_stopped(report, stream.opened_at):
                stream = replace(stream, ending=Ending.STOPPED)
    return stream


def reports_stopped(report: CarrierReport, opened_at: datetime) -> bool:
    """Whether the end that a carrier announced is that of a stream opened then.

    A path can be tapped again: an end from before the handshake belongs to an earlier stream.
    """
    return report.ended and report.ended_at is not None and report.ended_at >= opened_at


def corrected_call(call: Call, reports: Iterable[CarrierReport]) -> Call:
    """Return a call with what its webhooks say of it, the latest word on each fact."""
    known = tuple(reports)
    if not known:
        return call
    facts = sorted((each.facts for each in known), key=_rank_of_facts, reverse=True)

    def latest(name: str) -> str:
        """Return the last word on a fact: an event that says nothing of it takes nothing back."""
        words = [str(getattr(report, name)) for report in facts]
        return next((word for word in words if word), str(getattr(call, name)))

    corrections: dict[str, Any] = {name: latest(name) for name in TEXTS}
    return replace(call, labels={**call.labels, **reported_labels(known)}, **corrections)


def next_round(call: Call | None) -> int:
    """Return the round that a stream which joins now belongs to."""
    if call is None:
        return 1
    return call.round if call.open else call.round + 1


def awaited_round(
    report: CarrierReport, call: Call | None, streams: Iterable[Stream]
) -> int | None:
    """Return the round that waits for the announced stream's media; None where nothing waits.

    Nothing waits for a stream that came, nor for one of a round that is open, whose recording has
    begun, or that closed.
    """
    if (call is not None and call.open) or any(_came(report, stream) for stream in streams):
        return None
    if call is not None and call.closed_at is not None:
        starts_anew = (
            not report.ended
            and report.started_at is not None
            and report.started_at > call.closed_at + CLOCK_TOLERANCE
        )
        return next_round(call) if starts_anew else None
    return next_round(call)


def _came(report: CarrierReport, stream: Stream) -> bool:
    if stream.carrier_stream_id != report.carrier_stream_id:
        return False
    if stream.ended_at is None or report.started_at is None:
        return True
    return report.started_at <= stream.ended_at + CLOCK_TOLERANCE
